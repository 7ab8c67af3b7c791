package orchestrator

import (
	"maps"
	"slices"
	"time"

	"github.com/mockforge-go/mockforge/assert"
)

// keep leaves a layer in force until the iteration ends or a quiet step comes.
func (r *Run) keep(off func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = append(r.kept, off)
}

// dropKept takes all kept layers off.
func (r *Run) dropKept() {
	r.mu.Lock()
	kept := r.kept
	r.kept = nil
	r.mu.Unlock()
	for _, off := range kept {
		off()
	}
}

// knowStates records the states that the step starts with: those of the chaos
// server's breakers and those of the user's own.
func (r *Run) knowStates(s *ActiveStep) {
	r.sample()
	r.knownStates(func(name, state string) { s.collector.State(assert.ClientSide, name, 0, state) })
	for _, target := range r.Targets() {
		if state, ok := r.injector.BreakerState(target); ok {
			s.collector.State(assert.ServerSide, target, 0, state)
			r.recorder.known(assert.ServerSide, target, state)
		}
	}
}

// draws tells the step's collector how often each of its rules drew.
func (r *Run) draws(s *ActiveStep) {
	for _, d := range r.injector.Draws(s.ref()) {
		s.collector.Draws(assert.Draws{
			Kind: d.Kind, Exact: d.Sampling != "bernoulli", Requests: int(d.Requests), Probability: d.Probability, Rules: d.Rules,
		})
	}
}

// targetNames lists the document's targets, sorted; without any there is one.
func (o *Orchestration) targetNames() []string {
	if len(o.Targets) == 0 {
		return []string{DefaultTarget}
	}
	return slices.Sorted(maps.Keys(o.Targets))
}

// shortest is the length of an iteration in which no step fails: a loop in which
// it is zero would not end, or not let time pass.
func (o *Orchestration) shortest() (d time.Duration) {
	for i, step := range o.Steps {
		if step.When != OnFailure {
			d = max(d, addDurations(step.DelayBefore, o.StepDuration(i)))
		}
	}
	return d
}

// firstLoad says where the document asks for load; "" where it does not.
func (o *Orchestration) firstLoad() string {
	if o.Load != nil && o.Load.Rate > 0 {
		return "the document"
	}
	for _, s := range o.Steps {
		if s.Load != nil && s.Load.Rate > 0 {
			return "step " + s.Name
		}
	}
	return ""
}
