package orchestrator

import (
	"context"
	"sync"
	"time"
)

// background is load over the whole run.
type background struct {
	perSecond float64
	call      func(context.Context) error
}

// Background calls f perSecond times a second from the run's start to its end,
// delays included. Each call is an operation of the steps that are in force
// when it starts. It must be called before Run.
func (r *Run) Background(perSecond float64, f func(ctx context.Context) error) {
	r.background = append(r.background, background{perSecond, f})
}

// startBackground starts the loads; the returned function ends them and waits
// for their last operations, no longer than the grace.
func (r *Run) startBackground() (end func()) {
	ctx, cancel := context.WithCancel(r.ctx)
	var loads sync.WaitGroup
	for _, b := range r.background {
		loads.Go(func() {
			if err := r.generate(ctx, b.perSecond, "background load", r.beginAll, b.call); err != nil {
				r.fail(err.Error())
			}
		})
	}
	return func() {
		cancel()
		if len(r.background) == 0 {
			return
		}
		done := make(chan struct{})
		go func() {
			loads.Wait()
			close(done)
		}()
		grace := time.NewTimer(r.grace)
		defer grace.Stop()
		select {
		case <-done:
		case <-grace.C:
		}
	}
}

// beginAll starts an operation of every step in force.
func (r *Run) beginAll() *Operation {
	op := r.newOperation()
	r.recorder.inForce(func(s *ActiveStep) { s.adopt(op) })
	return op
}
