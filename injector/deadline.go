package injector

import (
	"sync"
	"time"
)

// A deadline closes a channel at an instant that can be moved.
type deadline struct {
	mu     sync.Mutex
	passed chan struct{}
	timer  *time.Timer
	epoch  int // of the timer: one that was replaced does nothing
}

func newDeadline() *deadline { return &deadline{passed: make(chan struct{})} }

// set moves the deadline. The zero time is never.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.epoch++
	left := time.Until(t)
	if t.IsZero() || left > 0 {
		if d.over() {
			d.passed = make(chan struct{})
		}
	}
	switch {
	case t.IsZero():
	case left <= 0:
		if !d.over() {
			close(d.passed)
		}
	default:
		epoch := d.epoch
		d.timer = time.AfterFunc(left, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			if epoch == d.epoch && !d.over() {
				close(d.passed)
			}
		})
	}
}

// done is closed once the deadline has passed.
func (d *deadline) done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed
}

func (d *deadline) over() bool {
	select {
	case <-d.passed:
		return true
	default:
		return false
	}
}
