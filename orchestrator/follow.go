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
// what ForLeader returned: the bodies of steps run while they are in force
// there, and what they drive is recorded here. Layers, the document's load and
// the expectations that were sent are the leader's, whose counts and verdicts
// are taken over. A failure that only shows here, StopAfterStep, Stop, and the
// end of ctx stop the leader's run. Follow takes the place of Run.
func (r *Run) Follow(ctx context.Context, leader Leader) RunResult {
	r.open(ctx)
	f := &following{run: r, view: newView(leader)}
	f.patience, f.giveUp = context.WithCancel(context.WithoutCancel(ctx))
	defer f.giveUp()
	r.follows = f
	watching, enough := context.WithCancel(context.WithoutCancel(ctx))
	var watch sync.WaitGroup
	watch.Go(func() { f.view.watch(watching) })
	judge := r.startJudge() // the leader does not see what is driven here
	endBackground := r.startBackground()
	for n := 1; !f.over; n++ {
		r.begin(n)
		r.wrap(n, func() { f.iterate(n) })
		if limit := r.opts.IterationLimit; !f.over && r.rounds == 0 && limit > 0 && n >= limit {
			r.fail(endless(limit))
			f.over = true
		}
	}
	f.stop("the run is over")
	endBackground()
	judge()
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

	patience context.Context // ends a while after the leader was told to stop
	giveUp   context.CancelFunc

	mu      sync.Mutex
	stopped string // why the leader was told to stop; "": it was not
}

// iterate follows one iteration.
func (f *following) iterate(n int) {
	r := f.run
	var steps sync.WaitGroup
	defer steps.Wait()
	started := map[string]bool{}
	ended := r.ctx.Done()
	before := make(chan struct{}) // closed when the step before is over here
	close(before)
	for {
		report, at, changed, err := f.view.latest()
		for _, s := range report.Steps {
			index := slices.IndexFunc(r.o.Steps, func(step Step) bool { return step.Name == s.Name })
			if s.Iteration != n || started[s.Name] || index < 0 {
				continue
			}
			started[s.Name] = true
			if !r.o.Parallel {
				<-before
			}
			if reason := f.skip(s); reason != "" {
				r.skipped(r.o.Steps[index], n, reason)
				continue
			}
			over := make(chan struct{})
			before = over
			seen := sighting{s, report.Elapsed, at}
			steps.Go(func() { f.step(index, seen, func() { close(over) }) })
		}
		f.over = err != nil || report.State.Ended() && !at.IsZero()
		if f.over || report.Iteration > n && len(started) == len(r.o.Steps) || report.Iteration > n+1 {
			break
		}
		select {
		case <-changed:
		case <-ended:
			ended = nil
			f.stop(reasonOf(r.ctx))
		case <-f.patience.Done():
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

// skip says why a step that the leader has reached does not run; "" if it does.
func (f *following) skip(there StepReport) string {
	if reason := f.because(""); reason != "" || there.State != StepSkipped {
		return reason
	}
	return there.Reason
}

// because says why no step runs any more, where that was decided here.
func (f *following) because(reason string) string {
	_, _, _, lost := f.view.latest()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.run.mu.Lock()
	defer f.run.mu.Unlock()
	switch {
	case f.stopped != "":
		return f.stopped
	case lost != nil:
		return lost.Error()
	case f.run.last:
		return endedEarlier
	}
	return reason
}

// stop ends the leader's run once, unless it is over.
func (f *following) stop(reason string) {
	report, at, _, _ := f.view.latest()
	f.mu.Lock()
	needless := f.stopped != "" || report.State.Ended() && !at.IsZero()
	if !needless {
		f.stopped = reason
	}
	f.mu.Unlock()
	if needless {
		return
	}
	time.AfterFunc(f.run.grace+followPatience, f.giveUp)
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
	stopped := f.stopped != ""
	f.mu.Unlock()
	for i, n := range [2]int{report.Counts.Requests - report.Counts.ServerErrors, report.Counts.ServerErrors} {
		for range n {
			r.recorder.total.Request(assert.ServerRequest{At: r.elapsed(), Failed: i == 1})
		}
	}
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

func endless(limit int) string {
	return fmt.Sprintf("the endless loop was not stopped after %d iterations: call step.Stop, add stop_conditions, or bound it with chaostest.Iterations(n)", limit)
}
