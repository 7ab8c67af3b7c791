package orchestrator

import (
	"slices"
	"time"

	"github.com/mockforge-go/mockforge/assert"
)

// Suspend records that chaos was switched off by somebody else, for the given
// reason: time goes on, and the steps in force, and those that come into force
// before Resume, are inconclusive unless they fail for a reason of their own. So
// is what is expected of the whole run. Stop conditions are not judged meanwhile.
// It does not switch anything off itself, see injector.Injector.Suspend.
func (r *Run) Suspend(reason string) {
	r.mu.Lock()
	r.suspended, r.wasOff = reason, reason
	r.mu.Unlock()
	r.recorder.inForce(func(s *ActiveStep) { s.doubt(reason) })
}

// Resume records that chaos is on again.
func (r *Run) Resume() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.suspended != "" {
		r.suspended, r.onAgain = "", r.schedule.now()
	}
}

// doubtIfSuspended is called once the step can be found by Suspend.
func (r *Run) doubtIfSuspended(s *ActiveStep) {
	r.mu.Lock()
	reason := r.suspended
	r.mu.Unlock()
	if reason != "" {
		s.doubt(reason)
	}
}

// doubt makes the step inconclusive.
func (s *ActiveStep) doubt(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.doubts, reason) {
		s.doubts = append(s.doubts, reason)
	}
}

// doubtful reports whether the step's expectations would say nothing.
func (s *ActiveStep) doubtful() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.doubts) > 0
}

// unlessSuspended is a verdict about the whole run, which says nothing where
// chaos was off for a part of it.
func (r *Run) unlessSuspended(v assert.Verdict) assert.Verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wasOff != "" {
		v.Status, v.Detail = assert.Inconclusive, []string{"hint     " + r.wasOff}
	}
	return v
}

// rested reports whether chaos was off at any time of the last d.
func (r *Run) rested(d time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.suspended != "" || r.wasOff != "" && r.schedule.now().Sub(r.onAgain) < d
}
