package orchestrator

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// sequential runs the steps of one iteration one after another.
//
// The timetable is the document's: a step starts at its predecessor's nominal
// end plus its own delay. A verdict that comes late uses up the delay first,
// and only then moves the step.
func (r *Run) sequential(iteration int) {
	failed := false // in this iteration, tolerated or not
	for i := range r.o.Steps {
		step := r.o.Steps[i]
		if r.late != nil {
			failed = r.late.failedIn(iteration, step.When == OnFailure)
		}
		if reason := r.skip(step, failed); reason != "" {
			r.skipped(step, iteration, reason)
			continue
		}
		start := r.clock.Add(step.DelayBefore)
		if late := r.schedule.now().Sub(start); late > r.tolerance(r.o.StepDuration(i)) {
			if r.opts.Hooks.Moved != nil {
				r.opts.Hooks.Moved(step, late, r.before)
			}
			start = r.aligned()
		}
		r.schedule.spend(start)
		if !r.schedule.sleepUntil(r.ctx, start) {
			r.skipped(step, iteration, reasonOf(r.ctx))
			continue
		}
		r.before = step.Name
		if r.late != nil {
			if reason := r.skip(step, true); reason != "" { // it became known in the meantime
				r.skipped(step, iteration, reason)
				continue
			}
			r.clock = r.late.step(i, iteration, start)
			continue
		}
		res, end := r.step(r.ctx, i, iteration, start, nil)
		r.clock = end
		failed = r.note(res) || failed
	}
}

// punctual is how late a step may start in virtual time without a report: the
// verdict of a step takes some nanoseconds of its own there.
const punctual = 20 * time.Microsecond

// tolerance is how late a step of length d may start and still end when the
// timetable says. In real time every timer is late; without it a long run would
// drift.
func (r *Run) tolerance(d time.Duration) time.Duration {
	const most = 100 * time.Millisecond
	switch {
	case r.opts.Virtual:
		return punctual
	case d == 0:
		return most
	}
	return max(punctual, min(most, d/10))
}

// parallel runs the steps of one iteration at once, each after its own delay;
// then the steps that wait for a failure, and those that always run.
func (r *Run) parallel(iteration int) {
	group, stop := context.WithCancelCause(r.ctx)
	defer stop(nil)
	if r.late != nil {
		group = r.late.group
	}
	var steps sync.WaitGroup
	var mu sync.Mutex
	failed := false
	var after []int
	start := r.clock
	if r.schedule.now().Sub(start) > r.tolerance(r.total) {
		start = r.aligned()
	}
	end := start
	var first []int
	for i, step := range r.o.Steps {
		if step.When != OnSuccess && step.When != "" {
			after = append(after, i)
			continue
		}
		first = append(first, i)
		r.schedule.mark(start.Add(step.DelayBefore))
	}
	for _, i := range first {
		step := r.o.Steps[i]
		steps.Go(func() {
			nominal := start.Add(step.DelayBefore)
			if !r.schedule.sleepUntil(group, nominal) {
				r.schedule.unmark(nominal)
				r.skipped(step, iteration, reasonOf(group))
				return
			}
			var ended time.Time
			bad := false
			if r.late != nil {
				ended = r.late.step(i, iteration, nominal)
			} else {
				var res StepResult
				res, ended = r.step(group, i, iteration, nominal, nil)
				if bad = r.note(res); bad && !res.Tolerated {
					stop(fmt.Errorf("%w by %s", ErrStopped, step.Name))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			failed = failed || bad
			if ended.After(end) {
				end = ended
			}
		})
	}
	steps.Wait()
	r.clock = end
	for _, i := range after {
		step := r.o.Steps[i]
		if r.late != nil {
			failed = r.late.failedIn(iteration, step.When == OnFailure)
		}
		if reason := r.skip(step, failed); reason != "" {
			r.skipped(step, iteration, reason)
			continue
		}
		nominal := r.aligned().Add(step.DelayBefore)
		if !r.schedule.sleepUntil(r.ctx, nominal) {
			r.skipped(step, iteration, reasonOf(r.ctx))
			continue
		}
		if r.late != nil {
			r.clock = r.late.step(i, iteration, nominal)
			continue
		}
		res, ended := r.step(r.ctx, i, iteration, nominal, nil)
		r.clock = ended
		failed = r.note(res) || failed
	}
}

// endedEarlier is why steps after StopAfterStep do not run.
const endedEarlier = "the run was ended after an earlier step"

// skip says why a step does not run; "" if it does.
func (r *Run) skip(step Step, failed bool) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.ctx.Err() != nil:
		return reasonOf(r.ctx)
	case r.last:
		return endedEarlier
	case step.When == OnFailure && !failed:
		return "no step failed"
	case (step.When == OnSuccess || step.When == "") && r.failure != "":
		return r.failure
	}
	return ""
}

func reasonOf(ctx context.Context) string {
	if cause := context.Cause(ctx); cause != nil {
		return cause.Error()
	}
	return "stopped"
}

func (r *Run) skipped(step Step, iteration int, reason string) {
	r.dropHandover()
	at := r.recorder.offset(r.schedule.now())
	res := StepResult{Name: step.Name, Iteration: iteration, State: StepSkipped, Reason: reason, Start: at, End: at}
	r.mu.Lock()
	r.result.add(res)
	r.mu.Unlock()
	r.logStep(res)
	if r.opts.Hooks.Skipped != nil {
		r.opts.Hooks.Skipped(step, iteration, reason)
	}
}

// note records a step's result and reports whether it failed.
func (r *Run) note(res StepResult) bool {
	if r.opts.Hooks.Ended != nil {
		defer r.opts.Hooks.Ended(res)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.add(res)
	switch res.State {
	case StepFailed:
		r.failing = true
		if !slices.Contains(r.broken, res.Name) {
			r.broken = append(r.broken, res.Name)
		}
		if !res.Tolerated && r.failure == "" {
			r.failure = "step " + res.Name + " failed"
		}
		return true
	case StepInconclusive:
		if r.doubtful == "" {
			r.doubtful = "step " + res.Name + " is inconclusive"
		}
	}
	return false
}

func (r *Run) logStep(res StepResult) {
	r.log.add(res.End, logStep, "step", func(b []byte) []byte {
		b = appendText(b, "step", res.Name)
		b = appendInt(b, "iteration", int64(res.Iteration))
		b = appendText(b, "state", string(res.State))
		b = appendInt(b, "start", int64(res.Start))
		return appendText(b, "reason", res.Reason)
	})
}
