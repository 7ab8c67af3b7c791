package chaostest

import (
	"cmp"
	"slices"
	"time"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// add places a moment of the recording. It hangs on the layer, of those given
// or else of all, that had gone on last: what is recorded in a step happens in
// it again, though the steps of a run in real time are late and end late. It
// reports false for what was before the first step or after the last one.
//
// What met the layer, in a busy real time perhaps a moment after the step's
// end, must meet it again. What met one that stays hangs on the step that it came
// in, and comes before the last one's end, which is the replay's.
func (p *replayer) add(t time.Duration, among []injector.LayerRef, met bool, do func(*orchestrator.ActiveStep)) bool {
	base := -1
	for i, l := range p.rec.Layers {
		if l.On <= t && (len(among) == 0 || slices.Contains(among, l.LayerRef)) {
			base = i
		}
	}
	if base < 0 {
		return false
	}
	if met && p.kept(p.rec.Layers[base].Name) && t >= p.ended(base) {
		base = p.latest(t)
	}
	l := p.rec.Layers[base]
	was, is := p.lengths(l)
	offset, last := t-l.On, base == p.latest(p.rec.Elapsed)
	switch {
	case len(among) == 0 && last && offset >= was:
		return false
	case is == 0:
	case offset >= was:
		offset += is - was
	case was > is:
		offset = time.Duration(float64(offset) / float64(was) * float64(is))
	}
	if end := cmp.Or(is, was); met && (last || is > 0 && slices.Contains(among, l.LayerRef) && !p.kept(l.Name)) {
		offset = min(offset, end-min(arrivalTime, end/2))
	}
	p.moments[l.LayerRef] = append(p.moments[l.LayerRef], moment{offset, do})
	return true
}

// latest is the layer, of those that had gone on by an instant, whose step ended
// last.
func (p *replayer) latest(t time.Duration) int {
	out := 0
	for i, l := range p.rec.Layers {
		if l.On <= t && p.ended(i) >= p.ended(out) {
			out = i
		}
	}
	return out
}

// ended is when the step of a recorded layer ended.
func (p *replayer) ended(i int) time.Duration {
	l := p.rec.Layers[i]
	was, _ := p.lengths(l)
	return l.On + was
}

// arrivalTime is more than a request needs in virtual time to be admitted.
const arrivalTime = 200 * time.Microsecond

// kept reports whether a step's layer stays after the step.
func (p *replayer) kept(name string) bool {
	return slices.ContainsFunc(p.h.o.Steps, func(s orchestrator.Step) bool { return s.Name == name && s.Keep })
}

// lengths are how long a layer's step was in force in the recording, and how
// long it is in virtual time; 0: as long as in the recording.
func (p *replayer) lengths(l orchestrator.RecordedLayer) (was, is time.Duration) {
	was = p.rec.Elapsed - l.On
	if l.Off >= 0 {
		was = l.Off - l.On
	}
	for _, s := range p.rec.Steps {
		if s.Name == l.Name && s.Iteration == l.Iteration && s.End > l.On {
			was = min(was, s.End-l.On)
		}
	}
	for i := range p.h.o.Steps {
		if p.h.o.Steps[i].Name == l.Name {
			is = p.h.o.StepDuration(i)
		}
	}
	return was, is
}
