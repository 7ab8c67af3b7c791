package orchestrator

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
)

// An ActiveStep is a step of one iteration while it runs. It is safe for
// concurrent use.
type ActiveStep struct {
	Spec      Step
	Index     int // in the document
	Iteration int // from 1

	run       *Run
	collector *assert.Collector
	entered   atomic.Int64 // requests that met its layer
	within    atomic.Bool  // so did what happened within others: messages, open connections
	faulted   bool         // its layer can inject something

	start    time.Time
	due      time.Time // nominal end
	duration time.Duration
	ctx      context.Context // ends one nanosecond before the step does
	cancel   context.CancelCauseFunc
	led      *ledStep            // nil: the run follows nobody
	cut      error               // why it was ended before its time; nil: it was not
	left     func(end time.Time) // told when it is over, before its verdict; or nil

	mu       sync.Mutex
	end      time.Time // zero until it ended
	failures []string  // reported by the body
	problems []string  // found by the engine
	doubts   []string  // why nothing can be said about it
	skipped  string
	checks   []Check
	inFlight int
	idle     chan struct{} // closed when inFlight falls to zero; nil: nobody waits
	ops      int           // operations started
}

func (s *ActiveStep) ref() injector.LayerRef {
	return injector.LayerRef{Name: s.Spec.Name, Iteration: s.Iteration}
}

// Context ends one nanosecond before the step does, or when the step is ended
// early; context.Cause then says why.
func (s *ActiveStep) Context() context.Context { return s.ctx }

// Start is when the step's layer went on.
func (s *ActiveStep) Start() time.Time { return s.start }

// Duration is the planned length; 0 for a quiet step that lasts as long as its
// body does.
func (s *ActiveStep) Duration() time.Duration { return s.duration }

// Begin starts an operation of the step. The caller ends it with End. An
// operation that begins after the step is over counts for the run only.
func (s *ActiveStep) Begin() *Operation {
	op := s.run.newOperation()
	s.adopt(op)
	return op
}

// beginWithin is Begin, and nil where the step is over: its context notices that
// some microseconds later than a timer of the same instant.
func (s *ActiveStep) beginWithin() *Operation {
	op := s.Begin()
	if len(op.steps) == 0 {
		return nil
	}
	return op
}

// adopt lets an operation count for the step, unless the step is over. Whoever
// wakes at the very end is too late, though the step may not have noticed yet.
func (s *ActiveStep) adopt(op *Operation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end.IsZero() && (s.duration == 0 || op.start.Before(s.due)) {
		s.ops++
		s.inFlight++
		op.steps = append(op.steps, credit{s, s.ops})
	}
}

func (s *ActiveStep) operationEnded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	if s.inFlight == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// Fail marks the step failed. The run goes on to the step's end.
func (s *ActiveStep) Fail(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, firstLine(reason))
}

// leftOut reports whether the step's body skipped it before anything failed.
func (s *ActiveStep) leftOut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.skipped != "" && !s.failedLocked()
}

// problem marks the step failed for a reason of the engine's own.
func (s *ActiveStep) problem(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, reason)
}

// Skip marks the step skipped, unless it failed.
func (s *ActiveStep) Skip(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skipped = firstLine(reason)
}

// Failed reports whether the step failed so far.
func (s *ActiveStep) Failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failedLocked()
}

func (s *ActiveStep) failedLocked() bool {
	for _, c := range s.checks {
		if c.Verdict.Status == assert.Fail {
			return true
		}
	}
	return len(s.failures)+len(s.problems) > 0
}

// Finish ends the step now: its context, its load and its layer.
func (s *ActiveStep) Finish(cause error) { s.cancel(cause) }

// Check evaluates expectations against what happened so far and records the
// verdicts as the step's.
func (s *ActiveStep) Check(expectations ...assert.Expectation) []Check {
	return s.check(s.Results(), expectations, false)
}

func (s *ActiveStep) check(results assert.Results, expectations []assert.Expectation, documented bool) []Check {
	checks := make([]Check, len(expectations))
	for i, e := range expectations {
		checks[i] = Check{Expectation: e, Verdict: e.Check(results), Documented: documented, Index: i}
	}
	s.record(checks)
	return checks
}

// record keeps checks as the step's.
func (s *ActiveStep) record(checks []Check) {
	s.mu.Lock()
	s.checks = append(s.checks, checks...)
	s.mu.Unlock()
	r := s.run.recorder
	at := r.offset(r.schedule.now())
	for _, c := range checks {
		r.log.add(at, logVerdict, "verdict", func(b []byte) []byte {
			b = appendText(b, "step", s.Spec.Name)
			b = appendInt(b, "iteration", int64(s.Iteration))
			return appendVerdict(b, c)
		})
	}
}

func appendVerdict(b []byte, c Check) []byte {
	b = appendText(b, "expectation", c.Expectation.String())
	b = appendText(b, "status", c.Verdict.Status.String())
	return appendText(b, "got", c.Verdict.Got)
}

// Results is what happened in the step so far.
func (s *ActiveStep) Results() assert.Results {
	var results assert.Results
	if s.led != nil {
		s.run.follows.refresh(s)
	}
	s.run.settle("results "+s.Spec.Name, func() {
		s.run.draws(s)
		results = s.collector.Snapshot(s.elapsed())
	})
	return results
}

// elapsed is how long the step has been, or was, in force.
func (s *ActiveStep) elapsed() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.Now().Sub(s.start)
	if !s.end.IsZero() {
		d = s.end.Sub(s.start)
	}
	if s.duration > 0 && d > s.duration-punctual {
		d = s.duration // the timetable's, not that of the nanoseconds around it
	}
	return d
}

// over reports whether the step's time is up.
func (s *ActiveStep) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.end.IsZero()
}

// await waits until every operation of the step has ended, or ctx has.
func (s *ActiveStep) await(ctx context.Context) (left int) {
	s.mu.Lock()
	if s.inFlight == 0 {
		s.mu.Unlock()
		return 0
	}
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	idle := s.idle
	s.mu.Unlock()
	select {
	case <-idle:
		return 0
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inFlight
}

// result is the step's verdict.
func (s *ActiveStep) result() StepResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := StepResult{
		Name: s.Spec.Name, Iteration: s.Iteration, Checks: s.checks, Problems: s.problems,
		Start: s.run.recorder.offset(s.start), End: s.run.recorder.offset(s.end),
	}
	var inconclusive *Check
	var failed *Check
	for i, c := range s.checks {
		switch {
		case c.Verdict.Status == assert.Fail && failed == nil:
			failed = &s.checks[i]
		case c.Verdict.Status == assert.Inconclusive && inconclusive == nil:
			inconclusive = &s.checks[i]
		}
	}
	switch {
	case len(s.failures) > 0:
		r.State, r.Reason = StepFailed, s.failures[0]
	case len(s.problems) > 0:
		r.State, r.Reason = StepFailed, s.problems[0]
	case failed != nil && len(s.doubts) == 0:
		r.State, r.Reason = StepFailed, sentence(failed.Verdict)
	case s.skipped != "":
		r.State, r.Reason = StepSkipped, s.skipped
	case len(s.doubts) > 0:
		r.State, r.Reason = StepInconclusive, s.doubts[0]
	case inconclusive != nil:
		r.State, r.Reason = StepInconclusive, sentence(inconclusive.Verdict)
	case len(s.checks) > 0:
		r.State = StepPassed
	case s.faulted && s.entered.Load() == 0 && s.within.Load():
		r.State, r.Reason = StepPassed, "nothing checked; only connections that were open met its layer"
	case s.faulted && s.entered.Load() == 0:
		r.State, r.Reason = StepPassed, "nothing checked; no request met its layer: its faults never fired"
	default:
		r.State, r.Reason = StepPassed, fmt.Sprintf("nothing checked; %d requests met its layer", s.entered.Load())
	}
	r.Tolerated = r.State == StepFailed && s.Spec.ContinueOnFailure
	return r
}

func sentence(v assert.Verdict) string {
	return v.Subject + " = " + v.Got + ", want " + v.Want
}
