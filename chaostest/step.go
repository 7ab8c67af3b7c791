package chaostest

import (
	"context"
	"iter"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A Step is a step of the orchestration while it is in force. It is a
// testing.TB: use it in place of the outer t, which does not know that virtual
// time exists. It is safe for concurrent use.
type Step struct {
	*scope
	URL       string            // base URL of the default target, without a slash at the end
	Spec      orchestrator.Step // the step as the document has it
	Iteration int               // from 1

	env       *Env
	active    *orchestrator.ActiveStep
	client    *http.Client
	goroutine atomic.Value // the id of the body's goroutine
}

// Client is a client whose requests count as this step's. Outside Do and Load
// each request is an operation of its own, from its start to the end of its
// body, and fails on an error, a 5xx or a 429. Inside one it is an attempt.
func (s *Step) Client() *http.Client { return s.client }

// Clock is where the step stands in time.
func (s *Step) Clock() Clock { return Clock{s.active, s.env.real && !s.env.remote} }

// Every yields 0, 1, 2, … at once and then each time that d has passed, until
// the step ends. Ticks that the loop's body sleeps through are left out, as
// time.Ticker does. d must be positive.
func (s *Step) Every(d time.Duration) iter.Seq[int] {
	return func(yield func(int) bool) {
		if d <= 0 {
			s.Fatalf("Every(%s): the interval must be positive", d)
		}
		if s.active.Duration() <= 0 {
			s.Fatalf("Every needs a step with a length: set duration_seconds of step %s", s.Spec.Name)
		}
		ctx := s.active.Context()
		next := time.Now()
		for i := 0; ctx.Err() == nil; i++ {
			if !yield(i) {
				return
			}
			ticks := int64(time.Since(next)/d) + 1 // those that were slept through are left out
			next = next.Add(time.Duration(ticks * int64(d)))
			timer := time.NewTimer(time.Until(next))
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return
			}
		}
	}
}

// Load calls op perSecond times a second until the step ends, whether or not
// earlier calls have returned (an open loop), and returns when the last call
// has. Each call is an operation; it fails when op returns an error, panics or
// exits its goroutine. Pass ctx on to requests: it credits them to the
// operation. At most 10,000 calls are in progress; what exceeds that fails.
func (s *Step) Load(perSecond float64, op func(ctx context.Context) error) {
	if err := s.active.Load(perSecond, op); err != nil {
		s.Fatal(err.Error())
	}
}

// Do calls op as one operation and returns its error. A panic of op is
// returned as an error too.
func (s *Step) Do(op func(ctx context.Context) error) error { return s.active.Do(op) }

// Expect checks expectations against what happened in the step so far. It
// reports each one that does not hold and goes on; it returns whether all did.
// One that had nothing to judge does not hold.
func (s *Step) Expect(e ...assert.Expectation) bool {
	return s.expect(s.known.line(), e)
}

// Require is Expect that ends the step, and the calling goroutine, where an
// expectation does not hold.
func (s *Step) Require(e ...assert.Expectation) {
	if !s.expect(s.known.line(), e) {
		s.leave()
	}
}

func (s *Step) expect(at string, e []assert.Expectation) bool {
	ok := true
	for _, c := range s.active.Check(e...) {
		if c.Verdict.Status != assert.Pass {
			if s.env.remote {
				s.explain(&c)
			}
			s.fault(at, c)
			ok = false
		}
	}
	return ok
}

// fault prints a check that did not hold. The engine has recorded it already,
// so that only the sink has to fail.
func (s *Step) fault(at string, c orchestrator.Check) {
	s.print(at, describe(c))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = true
	s.sink.Fail()
}

// Results is what happened in the step so far: counts, rates, quantiles,
// timelines, states and what was injected.
func (s *Step) Results() assert.Results { return s.active.Results() }

// Past is what an earlier step of the given name ended with, its latest
// iteration.
func (s *Step) Past(name string) (assert.Results, bool) { return s.env.run.Past(name) }

// Stop ends the orchestration after this step. The steps after it are skipped.
func (s *Step) Stop() { s.env.run.StopAfterStep() }
