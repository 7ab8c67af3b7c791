package injector

import (
	"sync"
	"time"
)

// An order lets everything that decisions depend on happen one at a time, each
// at an instant of its own.
type order struct {
	mu   sync.Mutex
	last time.Time
}

// do calls f alone. now is later than in every call before.
func (o *order) do(f func(now time.Time)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if !now.After(o.last) {
		now = o.last.Add(1)
	}
	o.last = now
	f(now)
}

// alone calls f alone where there is an order, and in any case with the instant
// that it is to use.
func (e *engine) alone(f func(now time.Time)) {
	if e.order == nil {
		f(time.Now())
		return
	}
	e.order.do(f)
}

// restamp moves a passage to an instant of the order.
func (p *passage) restamp(now time.Time) {
	if p.engine.order != nil {
		p.stamp = now
	}
}
