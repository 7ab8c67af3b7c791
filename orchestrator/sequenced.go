package orchestrator

import (
	"context"
	"time"
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

// instant reserves an instant of its own for something that starts now, so
// that it meets nothing else of the run. Where there is no sequencer it is
// now. release must be called when what started there is over.
func (r *Run) instant(key string) (at time.Time, release func()) {
	if r.opts.Sequencer == nil {
		return time.Now(), func() {}
	}
	r.settle(key, func() {
		slot := r.opts.Sequencer.Slot()
		at, release = slot.After(time.Now()), slot.Release
	})
	return at, release
}

// aligned is now, or in virtual time the next even nanosecond: the odd ones
// belong to the sequencer.
func (r *Run) aligned() time.Time {
	if r.opts.Sequencer != nil && time.Now().UnixNano()&1 == 1 {
		time.Sleep(1)
	}
	return time.Now()
}

// apart is an instant of its own, some nanoseconds after t, for one of several
// steps that start at once: their bodies then do not race for who is first.
func (r *Run) apart(t time.Time, index int) time.Time {
	if r.opts.Sequencer == nil {
		return t
	}
	return t.Add(2 * time.Duration(index))
}
