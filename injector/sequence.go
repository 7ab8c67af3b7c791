package injector

import (
	"context"
	"time"
)

// A Sequencer gives arrivals an order and departures instants of their own, so
// that a run on virtual time repeats exactly. In real time there is none: the
// injector then decides in the order in which requests happen to come.
//
// The rules are those of docs/virtual-time.md: an arrival is decided on its
// own, in the order of its instant and then of its key; a departure never
// shares its instant with another one.
type Sequencer interface {
	// Turn waits for the turn of an arrival that came now, calls decide, and
	// returns. No two calls of decide overlap. stamp is the arrival's own
	// instant, which is earlier than the moment of the call. key orders
	// arrivals of the same instant; it is called only when it is needed. When
	// ctx ends first, Turn returns its error and decide is never called.
	Turn(ctx context.Context, key func() string, decide func(stamp time.Time)) error
	// Slot reserves departure instants for one request. It must be called from
	// decide, or at an instant of a slot that the caller holds, and released
	// once.
	Slot() Slot
}

// A Slot is a set of instants, 20 µs apart, that no other slot contains.
type Slot interface {
	Before(t time.Time) time.Time // the last instant strictly before t
	After(t time.Time) time.Time  // the first instant at t or later
	Release()
}
