package orchestrator

import "slices"

// Suspend records that chaos was switched off by somebody else, for the given
// reason: time goes on, and the steps in force, and those that come into force
// before Resume, are inconclusive unless they fail for a reason of their own.
// It does not switch anything off itself, see injector.Injector.Suspend.
func (r *Run) Suspend(reason string) {
	r.mu.Lock()
	r.suspended = reason
	r.mu.Unlock()
	r.recorder.inForce(func(s *ActiveStep) { s.doubt(reason) })
}

// Resume records that chaos is on again.
func (r *Run) Resume() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.suspended = ""
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
