package orchestrator

import (
	"context"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/assert"
)

// A sighting is a leader's step when it was seen first. It may be over by now,
// and is in no report then until it has its verdict.
type sighting struct {
	StepReport
	elapsed float64 // of the leader's run, in seconds
	at      time.Time
}

// step runs one step as the leader does. over is told when it is over, before
// its verdict.
func (f *following) step(index int, seen sighting, over func()) {
	r := f.run
	s := r.activate(index, seen.Iteration)
	var res StepResult
	do := func() StepResult {
		res = f.force(s, seen, over)
		return res
	}
	if r.opts.Hooks.Step != nil {
		r.opts.Hooks.Step(s, do)
	} else {
		do()
	}
	bad := r.note(res)
	r.mu.Lock()
	last := r.last
	r.mu.Unlock()
	switch {
	case bad && !res.Tolerated && !s.led.failed:
		f.stop("step " + s.Spec.Name + " failed")
	case last:
		f.stop(endedEarlier)
	}
}

// force puts a step in force for as long as the leader's is.
func (f *following) force(s *ActiveStep, seen sighting, over func()) StepResult {
	r := f.run
	s.start = r.schedule.at(seen.at).Add(-ofSeconds(seen.elapsed - seen.Start))
	s.due = s.start.Add(ofSeconds(seen.End - seen.Start))
	base, cancel := context.WithCancelCause(r.ctx)
	defer cancel(ErrStepEnded)
	s.cancel, s.ctx = cancel, base
	if s.duration > 0 {
		var done context.CancelFunc
		s.ctx, done = context.WithDeadlineCause(base, r.schedule.plain(s.due).Add(-1), ErrStepEnded)
		defer done()
	}
	_, quiet, err := r.o.ResolveScenario(s.Spec)
	s.faulted = !quiet && err == nil
	s.led = &ledStep{}
	r.recorder.open(s)
	r.entered(s)
	r.knowStates(s)
	switch {
	case seen.State == StepRunning && s.duration > 0 && s.Remaining() > 0:
		work := r.work(s)
		f.untilOver(base, s)
		s.ended()
		s.cut = context.Cause(r.ctx)
		cancel(ErrStepEnded)
		r.sample()
		if s.Failed() && !s.Spec.ContinueOnFailure {
			f.stop("step " + s.Spec.Name + " failed")
		}
		over()
		r.waitFor(s, work)
	default:
		s.ended()
		over()
		if r.opts.Hooks.Body != nil && s.duration > 0 {
			s.problem("it was over on the server before its body could start: make it longer")
		}
	}
	return f.judge(s)
}

// untilOver returns when the leader's step is over, or its time is up.
func (f *following) untilOver(ctx context.Context, s *ActiveStep) {
	ctx, cancel := context.WithDeadline(ctx, f.run.schedule.plain(s.due))
	defer cancel()
	f.view.until(ctx, func(report Report) bool {
		there := report.find(s.Spec.Name, s.Iteration)
		return there == nil || there.State != StepRunning
	})
}

// judge takes over the leader's verdict of a step and ends it.
func (f *following) judge(s *ActiveStep) StepResult {
	r := f.run
	there := f.verdict(s, time.Until(r.schedule.plain(s.due))+r.grace+followPatience)
	results := s.Results()
	switch {
	case there != nil:
		f.takeOver(s, *there, results)
	case s.cut == nil:
		s.problem("the server has no verdict of it")
	}
	if s.cut != nil {
		s.Skip(s.cut.Error())
	}
	return r.concluded(s, results)
}

// verdict waits for the leader's verdict of a step; nil: there is none.
func (f *following) verdict(s *ActiveStep, patience time.Duration) (there *StepReport) {
	ctx, cancel := context.WithTimeout(f.patience, max(0, patience))
	defer cancel()
	f.view.until(ctx, func(report Report) bool {
		there = report.find(s.Spec.Name, s.Iteration)
		if there != nil && there.State == StepRunning {
			there = nil
		}
		return there != nil || report.State.Ended()
	})
	return there
}

// takeOver adds the leader's verdict to what was found here.
func (f *following) takeOver(s *ActiveStep, there StepReport, results assert.Results) {
	if there.State != StepSkipped && !s.leftOut() {
		s.record(f.run.shared(s.Spec.Expect, f.run.o.loaded(s.Spec), there.Checks, results))
	}
	for _, p := range there.Problems {
		s.problem(p)
	}
	switch {
	case there.State == StepFailed:
		s.led.failed = true
		if !s.Failed() {
			s.problem(there.Reason)
		}
	case there.State == StepSkipped:
		s.Skip(f.because(there.Reason))
	case there.State == StepInconclusive && !undecided(there.Checks):
		s.doubt(there.Reason) // chaos was switched off
	}
}

func undecided(checks []CheckReport) bool {
	for _, c := range checks {
		if c.Status == assert.Inconclusive.String() {
			return true
		}
	}
	return false
}

// A ledStep is what is known of a step from its leader.
type ledStep struct {
	failed bool // its verdict

	mu       sync.Mutex
	counted  [2]int // requests that succeeded and that failed
	injected map[string]int
}

// refresh brings the step's server-side counts up to date. Once the step's time
// is up they are those of the leader's verdict.
func (f *following) refresh(s *ActiveStep) {
	var there *StepReport
	if !s.over() && s.Remaining() > 1 && f.view.ask(context.Background()) == nil {
		report, _, _, _ := f.view.latest()
		there = report.find(s.Spec.Name, s.Iteration)
	}
	if there == nil {
		there = f.verdict(s, followCall)
	}
	if there != nil && there.Counts != nil {
		s.count(*there.Counts)
	}
}

// count adds what the leader has counted since the last time. Its instants are
// not known: they are those of the report.
func (s *ActiveStep) count(counts CountsReport) {
	at := s.elapsed()
	s.led.mu.Lock()
	defer s.led.mu.Unlock()
	for i, n := range [2]int{counts.Requests - counts.ServerErrors, counts.ServerErrors} {
		for ; s.led.counted[i] < n; s.led.counted[i]++ {
			s.collector.Request(assert.ServerRequest{At: at, Failed: i == 1})
		}
	}
	if s.led.injected == nil {
		s.led.injected = map[string]int{}
	}
	for kind, n := range counts.Injected {
		for ; s.led.injected[kind] < n; s.led.injected[kind]++ {
			s.collector.Injection(assert.Injection{Kind: kind})
		}
	}
	for kind, n := range s.led.injected {
		for ; n > counts.Injected[kind]; n-- { // it did not come to be after all
			s.collector.Injection(assert.Injection{Kind: kind, Spared: true})
		}
		s.led.injected[kind] = n
	}
	s.entered.Store(int64(counts.Requests))
}
