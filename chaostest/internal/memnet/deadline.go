package memnet

import (
	"sync"
	"time"
)

// deadline is the instant from which one direction of one end fails with a
// time-out. Its fields are guarded by the mutex of the waiters' cond.
type deadline struct {
	waiters *sync.Cond
	when    time.Time // zero: none
	past    bool      // when had come already as it was set: no clock to read
	timer   *time.Timer
}

// set replaces the deadline; the zero time removes it.
func (d *deadline) set(when time.Time) {
	d.when, d.past = when, false
	if d.timer != nil {
		d.timer.Stop()
	}
	if when.IsZero() {
		return
	}
	left := time.Until(when)
	switch {
	case left <= 0:
		d.past = true
		d.waiters.Broadcast()
	case d.timer == nil:
		d.timer = time.AfterFunc(left, d.fire)
	default:
		d.timer.Reset(left)
	}
}

// expired compares with the clock instead of trusting the timer to have run
// first: what happens at the instant of the deadline is then not a race.
func (d *deadline) expired() bool {
	return d.past || !d.when.IsZero() && !time.Now().Before(d.when)
}

// fire wakes the waiters. A timer may fire for a deadline that has moved on
// meanwhile, or early where the wall clock was set back: it then goes on.
func (d *deadline) fire() {
	d.waiters.L.Lock()
	defer d.waiters.L.Unlock()
	if left := time.Until(d.when); !d.when.IsZero() && left > 0 {
		d.timer.Reset(left)
		return
	}
	d.waiters.Broadcast()
}

// stop removes the deadline and its timer for good.
func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
	d.when, d.past, d.timer = time.Time{}, false, nil
}
