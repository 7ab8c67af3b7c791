package orchestrator

import (
	"context"
	"fmt"

	"github.com/mockforge-go/mockforge/assert"
)

// Run runs the orchestration and returns when it is over: when it was carried
// out, an untolerated failure ended it, Stop was called, or ctx ended. Whatever
// ends it, every layer is off. It may be called once.
func (r *Run) Run(ctx context.Context) RunResult {
	r.open(ctx)
	released := r.releaseAtEnd()
	r.clock = r.aligned()
	judge := r.startJudge()
	endBackground := r.startBackground()
	if r.opts.Prompt {
		r.late = newLateVerdicts(r)
		defer r.late.stop(nil)
	}
	for n := 1; ; n++ {
		r.begin(n)
		r.iterate(n)
		r.dropKept()
		if r.over() || r.rounds > 0 && n >= r.rounds {
			break
		}
		if limit := r.opts.IterationLimit; r.rounds == 0 && limit > 0 && n >= limit {
			r.fail(endless(limit))
			break
		}
	}
	r.dropHandover()
	if r.late != nil {
		r.late.open.Wait()
	}
	endBackground()
	judge()
	released()
	r.injector.Release()
	return r.finish()
}

// open starts the run's clock and its log.
func (r *Run) open(ctx context.Context) {
	r.mu.Lock()
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	r.started = r.schedule.now()
	r.recorder.start = r.started
	r.state = RunRunning
	if r.early != nil {
		r.cancel(r.early)
	}
	r.mu.Unlock()
	r.log.header(r.o.Name, r.seed, r.started, r.document)
	r.recorder.on.Store(true)
	r.knownStates(func(name, state string) { r.recorder.known(assert.ClientSide, name, state) })
}

// releaseAtEnd releases the injector when the run's context ends. The returned
// function calls that off, or waits for it.
func (r *Run) releaseAtEnd() (end func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(r.ctx, func() {
		defer close(done)
		r.injector.Release()
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// Stop ends the run at once, in whatever it is doing: every layer goes off, and
// what has not been judged yet is not judged any more. A run that is stopped
// before it starts skips all of its steps. After the end Stop does nothing.
func (r *Run) Stop(reason string) {
	cause := ErrStopped
	if reason != "" {
		cause = fmt.Errorf("%w: %s", ErrStopped, reason)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.state.Ended(): // the injector may be somebody else's by now
	case r.cancel == nil:
		r.early = cause
	default:
		r.cancel(cause)
		r.injector.Release()
	}
}

// StopAfterStep ends the run after the step in force, as completed.
func (r *Run) StopAfterStep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = true
}

// fail records an untolerated failure, the first of which is the run's reason.
func (r *Run) fail(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failing = true
	if r.failure == "" {
		r.failure = reason
	}
}

// over reports whether no further iteration may start.
func (r *Run) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failure != "" || r.last || r.ctx.Err() != nil
}

func (r *Run) begin(iteration int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.iteration, r.began = iteration, r.schedule.now()
	r.result.Iterations = iteration
}

func (r *Run) iterate(n int) {
	r.wrap(n, func() {
		if r.o.Parallel {
			r.parallel(n)
		} else {
			r.sequential(n)
		}
	})
}

// wrap does an iteration within the hook for it.
func (r *Run) wrap(n int, do func()) {
	if r.o.Loop && r.opts.Hooks.Iteration != nil {
		r.opts.Hooks.Iteration(n, do)
		return
	}
	do()
}
