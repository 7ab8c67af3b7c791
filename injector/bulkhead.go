package injector

import (
	"container/list"
	"fmt"
	"time"
)

// The states of a bulkhead, as in Transition.From and To.
const (
	stateAccepting = "accepting"
	stateRefusing  = "refusing"
)

// A bulkhead limits the requests in progress of one layer and target. Those
// beyond it wait in the order in which they came.
type bulkhead struct {
	limit, places int
	timeout       time.Duration

	mu       teller
	active   int
	queue    list.List // of *place
	refusing bool
}

// A place is a request's in a bulkhead's queue.
type place struct {
	granted chan struct{} // closed once the request may go on
	in      *list.Element // nil: granted, or left
}

func newBulkhead(c *Bulkhead, changed func(now time.Time, from, to, reason string)) *bulkhead {
	b := &bulkhead{
		limit: positive(c.MaxConcurrentRequests, 100), places: max(or(c.MaxQueueSize, 10), 0),
		timeout: or(c.QueueTimeout, 5*time.Second), mu: teller{tell: changed},
	}
	if b.timeout <= 0 {
		b.places = 0
	}
	return b
}

// enter admits a request, or gives it a place in the queue, or neither.
func (b *bulkhead) enter(now time.Time) (ok bool, p *place) {
	b.mu.Lock()
	defer b.mu.release()
	if b.active < b.limit {
		b.active++
		return true, nil
	}
	if b.queue.Len() < b.places {
		p = &place{granted: make(chan struct{})}
		p.in = b.queue.PushBack(p)
		return false, p
	}
	if !b.refusing {
		b.refusing = true
		b.mu.note(now, stateAccepting, stateRefusing, fmt.Sprintf("%d in progress, %d waiting", b.active, b.queue.Len()))
	}
	return false, nil
}

// quit takes a request out of the queue. It reports whether the request had
// been let in already; then it is in progress, and must be released.
func (b *bulkhead) quit(now time.Time, p *place) (granted bool) {
	b.mu.Lock()
	defer b.mu.release()
	if p.in == nil {
		return true
	}
	b.queue.Remove(p.in)
	p.in = nil
	b.accept(now)
	return false
}

// release ends a request that was in progress and lets in the first that waits.
func (b *bulkhead) release(now time.Time) {
	b.mu.Lock()
	defer b.mu.release()
	if first := b.queue.Front(); first != nil {
		p := b.queue.Remove(first).(*place)
		p.in = nil
		close(p.granted)
	} else {
		b.active--
	}
	b.accept(now)
}

func (b *bulkhead) current() (active, waiting int) {
	b.mu.Lock()
	defer b.mu.release()
	return b.active, b.queue.Len()
}

// accept ends a spell of refusing. b.mu is held.
func (b *bulkhead) accept(now time.Time) {
	if b.refusing {
		b.refusing = false
		b.mu.note(now, stateRefusing, stateAccepting, fmt.Sprintf("%d in progress, %d waiting", b.active, b.queue.Len()))
	}
}
