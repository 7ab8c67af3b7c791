package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/assert"
)

// Follow goes through the orchestration as the leader does, which has started
// it: the bodies of steps run while they are in force there, and what they
// drive is recorded here. Layers, the document's load and its expectations are
// the leader's, whose counts and verdicts are taken over; an expectation that
// the leader cannot decide, since it does not see what is driven here, is
// judged here. A failure that only shows here, StopAfterStep, Stop, and the end
// of ctx stop the leader's run. Follow takes the place of Run.
func (r *Run) Follow(ctx context.Context, leader Leader) RunResult {
	r.open(ctx)
	f := &following{run: r, view: newView(leader)}
	r.follows = f
	watching, enough := context.WithCancel(context.WithoutCancel(ctx))
	var watch sync.WaitGroup
	watch.Go(func() { f.view.watch(watching) })
	endBackground := r.startBackground()
	for n := 1; !f.over; n++ {
		r.begin(n)
		r.wrap(n, func() { f.iterate(n) })
		if limit := r.opts.IterationLimit; !f.over && r.rounds == 0 && limit > 0 && n >= limit {
			r.fail(endless(limit))
			f.over = true
		}
	}
	f.stop()
	endBackground()
	enough()
	watch.Wait()
	f.conclude()
	return r.finish()
}

// following is a run that follows a leader.
type following struct {
	run  *Run
	view *view
	over bool // of the run's goroutine

	mu      sync.Mutex
	stopped bool // the leader was told to stop
}

// iterate follows one iteration.
func (f *following) iterate(n int) {
	r := f.run
	var steps sync.WaitGroup
	defer steps.Wait()
	started := map[string]bool{}
	ended := r.ctx.Done()
	var patience <-chan time.Time
	for {
		report, at, changed, err := f.view.latest()
		for _, s := range report.Steps {
			index := slices.IndexFunc(r.o.Steps, func(step Step) bool { return step.Name == s.Name })
			if s.Iteration != n || started[s.Name] || index < 0 {
				continue
			}
			started[s.Name] = true
			if s.State == StepSkipped {
				r.skipped(r.o.Steps[index], n, f.because(s.Reason))
				continue
			}
			steps.Go(func() { f.step(index, n) })
		}
		f.over = err != nil || report.State.Ended() && !at.IsZero()
		if f.over || report.Iteration > n {
			break
		}
		select {
		case <-changed:
		case <-ended:
			ended = nil
			f.stop()
			patience = time.After(r.grace + followPatience)
		case <-patience:
			f.over = true
			return
		}
	}
	for _, step := range r.o.Steps {
		if f.over && !started[step.Name] {
			r.skipped(step, n, f.because("the run was over on the server"))
		}
	}
}

// because says why a step does not run, where that was decided here.
func (f *following) because(reason string) string {
	r := f.run
	_, _, _, lost := f.view.latest()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.failure != "":
		return r.failure
	case lost != nil:
		return lost.Error()
	case r.last:
		return endedEarlier
	case r.ctx.Err() != nil:
		return reasonOf(r.ctx)
	}
	return reason
}

// stop ends the leader's run once, unless it is over.
func (f *following) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	report, at, _, _ := f.view.latest()
	if f.stopped || report.State.Ended() && !at.IsZero() {
		return
	}
	f.stopped = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.run.ctx), 2*followCall)
	defer cancel()
	if err := f.view.leader.Stop(ctx); err != nil {
		f.run.fail("the leader's run cannot be stopped: " + err.Error())
	}
}

// conclude takes over how the leader's run ended, where nothing here says it
// already.
func (f *following) conclude() {
	r := f.run
	report, _, _, err := f.view.latest()
	r.mu.Lock()
	failing := r.failing
	r.mu.Unlock()
	f.mu.Lock()
	stopped := f.stopped
	f.mu.Unlock()
	switch {
	case err != nil:
		r.fail(err.Error())
	case report.State == RunFailed && !failing && !slices.ContainsFunc(report.Checks, failed):
		r.fail(report.Reason)
	case report.State == RunStopped && !stopped:
		r.cancel(errors.New(report.Reason))
	}
}

func failed(c CheckReport) bool { return c.Status == assert.Fail.String() }

// judged are the expectations of a document, as the leader judged them.
func judged(list []assert.Expectation, reports []CheckReport, results assert.Results) (checks []Check) {
	for i, c := range reports {
		if i >= len(list) {
			break
		}
		v := assert.Verdict{Status: assert.Inconclusive, Subject: c.Subject, Got: c.Got, Want: c.Want, Detail: c.Detail}
		switch c.Status {
		case assert.Pass.String():
			v.Status = assert.Pass
		case assert.Fail.String():
			v.Status = assert.Fail
		default:
			if here := list[i].Check(results); here.Status != assert.Inconclusive {
				v = here
			}
		}
		checks = append(checks, Check{Expectation: list[i], Verdict: v, Documented: true, Index: i})
	}
	return checks
}

func endless(limit int) string {
	return fmt.Sprintf("the endless loop was not stopped after %d iterations: call step.Stop, add stop_conditions, or bound it with chaostest.Iterations(n)", limit)
}
