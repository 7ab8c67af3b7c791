package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mockforge-go/mockforge/assert"
)

// elapsed is how long the run has lasted: in virtual time without the
// nanoseconds that its own work takes.
func (r *Run) elapsed() time.Duration {
	d := r.schedule.now().Sub(r.started)
	if r.opts.Virtual {
		return d.Round(punctual)
	}
	return d
}

// finish judges the whole run, unless it was cut short from outside.
func (r *Run) finish() RunResult {
	cause := context.Cause(r.ctx)
	var results assert.Results
	r.settle("results of the run", func() { results = r.recorder.total.Snapshot(r.elapsed()) })
	var checks []Check
	switch {
	case cause != nil:
	case r.follows != nil:
		report, _, _, _ := r.follows.view.latest()
		checks = r.shared(r.o.Expect, slices.ContainsFunc(r.o.Steps, r.o.loaded), report.Checks, results)
	default:
		for i, e := range r.o.Expect {
			checks = append(checks, Check{Expectation: e, Verdict: r.unlessSuspended(e.Check(results)), Documented: true, Index: i})
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = r.schedule.now()
	res := &r.result
	// A verdict that came late stands behind those of later steps.
	slices.SortStableFunc(res.Steps, func(a, b StepResult) int { return cmp.Compare(a.Start, b.Start) })
	res.Name, res.Seed, res.Elapsed, res.Checks, res.Results = r.o.Name, r.seed, r.ended.Sub(r.started), checks, results
	for _, c := range checks {
		r.logRunVerdict(c)
		switch c.Verdict.Status {
		case assert.Fail:
			r.failing = true
			if r.failure == "" {
				r.failure = sentence(c.Verdict)
			}
		case assert.Inconclusive:
			if r.doubtful == "" {
				r.doubtful = sentence(c.Verdict)
			}
		}
	}
	switch {
	case r.failure != "":
		res.State, res.Reason = RunFailed, r.failure
	case cause != nil:
		res.State, res.Reason = RunStopped, cause.Error()
	case r.failing:
		res.State, res.Reason = RunFailed, "a tolerated step failed"
	case r.doubtful != "":
		res.State, res.Reason = RunInconclusive, r.doubtful
	default:
		res.State = RunCompleted
	}
	r.state = res.State
	r.current = nil
	r.log.add(res.Elapsed, logRun, "run", func(b []byte) []byte {
		b = appendText(b, "state", string(res.State))
		return appendText(b, "reason", res.Reason)
	})
	_ = r.log.Close() // the writer's owner reports its errors
	res.Digest = r.log.Digest()
	r.cancel(errEnded)
	return *res
}

var errEnded = errors.New("the run is over")

func (r *Run) logRunVerdict(c Check) {
	r.log.add(r.schedule.now().Sub(r.started), logVerdict, "verdict", func(b []byte) []byte { return appendVerdict(b, c) })
}
