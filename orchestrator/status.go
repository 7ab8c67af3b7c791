package orchestrator

import (
	"slices"
	"time"

	"github.com/mockforge-go/mockforge/assert"
)

// A RunStatus is a snapshot of a run.
type RunStatus struct {
	Name      string
	State     RunState
	Reason    string
	Seed      uint64
	Iteration int      // from 1; 0 before the start
	Steps     []string // in force, or over and not judged yet, in the document's order
	Elapsed   time.Duration
	Remaining time.Duration // planned; 0 where it is not known
	Progress  float64       // 0–1 over all iterations; of the current one in an endless loop
	Failed    []string      // steps that failed so far, without repeats
}

// Status says where the run is.
func (r *Run) Status() RunStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := RunStatus{
		Name: r.o.Name, State: r.state, Reason: r.result.Reason, Seed: r.seed, Iteration: r.iteration,
		Failed: slices.Clone(r.broken),
	}
	for _, step := range r.o.Steps {
		if slices.Contains(r.current, step.Name) {
			s.Steps = append(s.Steps, step.Name)
		}
	}
	now := r.schedule.now()
	switch {
	case r.state == RunPending:
		return s
	case r.state.Ended():
		now = r.ended
	}
	s.Elapsed = now.Sub(r.started)
	done, whole := s.Elapsed, r.planned()
	if r.rounds == 0 {
		done = now.Sub(r.began)
	}
	if whole > 0 {
		s.Progress = min(1, float64(done)/float64(whole))
	}
	if r.state == RunCompleted {
		s.Progress = 1
	} else if !r.state.Ended() && r.rounds > 0 {
		s.Remaining = max(0, whole-done)
	}
	return s
}

// Past is what an earlier step of the given name ended with.
func (r *Run) Past(name string) (results assert.Results, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	results, ok = r.past[name]
	return results, ok
}
