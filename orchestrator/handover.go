package orchestrator

import "github.com/mockforge-go/mockforge/injector"

// A handover is the layer of a step that is over, which stays in force until the
// one of the next step takes its place: no request passes between the two.
type handover struct {
	ref injector.LayerRef
	off func()
}

// handsOver reports whether the step leaves its layer to the next one. In virtual
// time no request comes in between; and where the next step has a delay, or waits
// for the verdict, none is in force for that time.
func (r *Run) handsOver(s *ActiveStep) bool {
	next := s.Index + 1
	if next == len(r.o.Steps) && r.o.Loop {
		next = 0
	}
	if s.left == nil || r.opts.Virtual || r.o.Parallel || next == len(r.o.Steps) || s.cut != nil {
		return false
	}
	step := r.o.Steps[next]
	return step.DelayBefore == 0 && step.When != OnFailure && !bounds(step.Scenario)
}

// handOver leaves the layer that off takes off to the next step.
func (r *Run) handOver(s *ActiveStep, off func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handed = &handover{ref: s.ref(), off: off}
}

// takeOver puts a layer in force, in the place of the one that was left, if one
// was.
func (r *Run) takeOver(l injector.Layer) (off func()) {
	if h := r.left(); h != nil {
		return r.injector.Replace(h.ref, l)
	}
	return r.injector.Apply(l)
}

// dropHandover takes the layer off that was left, where nothing follows.
func (r *Run) dropHandover() {
	if h := r.left(); h != nil {
		h.off()
	}
}

func (r *Run) left() *handover {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.handed
	r.handed = nil
	return h
}
