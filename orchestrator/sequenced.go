package orchestrator

import (
	"context"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// settle calls f when everything that came earlier has been decided. In
// virtual time that makes what f reads the same in every run.
func (r *Run) settle(key string, f func()) {
	if r.opts.Sequencer == nil {
		f()
		return
	}
	// The background context never ends, so Turn cannot fail.
	_ = r.opts.Sequencer.Turn(context.Background(), func() string { return key }, func(time.Time) { f() })
}

// A rhythm gives the calls of one load instants of their own, so that they meet
// nothing else of the run. Without a sequencer it changes nothing.
//
// The load wakes at instants of a slot of its own, and takes a slot for each
// call there. Nothing else takes one at that instant, so that no turn is needed
// for it: the order in which slots are taken is the same in every run.
type rhythm struct {
	sequencer injector.Sequencer
	slot      injector.Slot
}

func (r *Run) rhythm(load string) *rhythm {
	out := &rhythm{sequencer: r.opts.Sequencer}
	if out.sequencer != nil {
		r.settle(load, func() { out.slot = out.sequencer.Slot() })
	}
	return out
}

// wake is when the load prepares the call that is due at t.
func (o *rhythm) wake(t time.Time) time.Time {
	if o.slot == nil {
		return t
	}
	return o.slot.After(t)
}

// next is when the call starts, at most 20 µs from now. release must be called
// when it is over.
func (o *rhythm) next() (at time.Time, release func()) {
	if o.slot == nil {
		return time.Now(), func() {}
	}
	slot := o.sequencer.Slot()
	return slot.After(time.Now()), slot.Release
}

func (o *rhythm) end() {
	if o.slot != nil {
		o.slot.Release()
	}
}

// aligned is now, or in virtual time the next even nanosecond: the odd ones
// belong to the sequencer.
func (r *Run) aligned() time.Time {
	if r.opts.Sequencer != nil && time.Now().UnixNano()&1 == 1 {
		time.Sleep(1)
	}
	return r.schedule.now()
}

// apart is how long the body of a parallel step waits, so that the bodies of
// steps that start at once do not race for who is first, and all their layers
// are on before any of them.
func (r *Run) apart(index int) time.Duration {
	if r.opts.Sequencer == nil || !r.o.Parallel {
		return 0
	}
	return 2 * time.Duration(index+1)
}
