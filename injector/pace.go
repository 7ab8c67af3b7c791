package injector

import (
	"context"
	"time"
)

// shift is the most by which a departure is moved to an instant of its own, and
// the shortest delay that is shortened so that it never ends late.
const shift = 20 * time.Microsecond

// A pace makes what leaves a request leave at the instants of its slot. Without
// a slot it does nothing. It is for one goroutine.
type pace struct {
	slot Slot
	here time.Time // the instant of the slot that was reached last
	aim  time.Time // the one that a wait is to end at
}

// sync waits for the next instant of the slot, unless this is one.
func (a *pace) sync() {
	if a.slot == nil {
		return
	}
	now := time.Now()
	if now.Equal(a.here) {
		return
	}
	a.here = a.slot.After(now)
	time.Sleep(a.here.Sub(now))
}

// early is when to end a wait that began at start and nominally ends at end: at
// an instant of the slot, and never late, where the wait is long enough.
func (a *pace) early(start, end time.Time) time.Time {
	if a.slot == nil || end.Sub(start) < shift {
		return end
	}
	a.aim = a.slot.Before(end)
	return a.aim
}

// further is when to end a wait that began at start and nominally lasts until
// end, for a request that may have been shortened already: once is enough.
func (a *pace) further(start, end time.Time) time.Time {
	if a.slot == nil || !start.Equal(a.here) {
		return a.early(start, end)
	}
	a.aim = a.slot.After(end)
	return a.aim
}

// reached notes that a wait has come to its end.
func (a *pace) reached(end time.Time) {
	if end.Equal(a.aim) {
		a.here = end
	}
}

func (a *pace) syncIf(yes bool) {
	if yes {
		a.sync()
	}
}

// sleep waits until bytes are through a layer's limit. It ends early when the
// layer goes, and reports false when the client left.
func (a *pace) sleep(ctx context.Context, until time.Time, l *layer) bool {
	return a.rest(ctx, until, &l.gone, l.cut)
}

// rest waits until an instant, or until one of two bells rings; nil ones never
// do. It reports false when the client left; one that leaves at that very instant
// has left behind it.
func (a *pace) rest(ctx context.Context, until time.Time, gone, cut *bell) bool {
	if a.slot != nil {
		until = a.slot.After(until)
	}
	heard, stop, quiet := listenAll(gone, cut)
	if !quiet {
		return true
	}
	defer stop()
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-t.C:
		a.here = until
	case <-heard:
	case <-ctx.Done():
		return a.comes(until)
	case <-peerGone(ctx):
		return a.comes(until)
	}
	return true
}

// comes reports whether an instant of the slot is there, or past.
func (a *pace) comes(until time.Time) bool {
	if a.slot == nil || time.Now().Before(until) {
		return false
	}
	a.here = until
	return true
}
