package chaostest

import (
	"container/heap"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// A gate makes the order of arrivals deterministic in virtual time.
//
// Goroutines that run at the same virtual instant race. The gate stamps each
// arrival and fires at the next odd nanosecond that is strictly later: virtual
// time moves only when every goroutine is blocked, so by then everything of the
// stamped instant has arrived. It admits the earliest arrival, by stamp and
// then by key, and fires again 2 ns later for the next one. Everything else in
// a run happens at even nanoseconds (see slots), so that an admission never
// shares its instant with anything.
type gate struct {
	slots *slots
	fired *atomic.Uint64 // read by the watchdog, outside virtual time

	mu      sync.Mutex
	waiting arrivals
	used    []*arrival  // for the next ones
	timer   *time.Timer // made inside virtual time, on the first arrival
	armed   bool
}

func newGate(seed uint64, fired *atomic.Uint64) *gate {
	return &gate{slots: newSlots(seed), fired: fired}
}

type arrival struct {
	stamp  time.Time
	key    func() string
	name   string // key's value, once it was needed
	named  bool
	decide func(time.Time)
	done   chan struct{}
	index  int // in the heap; -1: admitted or given up
}

// Turn implements injector.Sequencer.
func (g *gate) Turn(ctx context.Context, key func() string, decide func(stamp time.Time)) error {
	g.mu.Lock()
	a := g.spare()
	a.stamp, a.key, a.decide, a.named = time.Now(), key, decide, false
	heap.Push(&g.waiting, a)
	g.arm()
	g.mu.Unlock()
	var err error
	select {
	case <-a.done:
	case <-ctx.Done():
		g.mu.Lock()
		if a.index >= 0 {
			heap.Remove(&g.waiting, a.index)
			err = ctx.Err()
		}
		g.mu.Unlock()
		if err == nil {
			<-a.done
		}
	}
	g.mu.Lock()
	a.key, a.decide = nil, nil
	g.used = append(g.used, a)
	g.mu.Unlock()
	return err
}

// spare is an arrival that was used before, or a new one. g.mu is held.
func (g *gate) spare() *arrival {
	if n := len(g.used); n > 0 {
		a := g.used[n-1]
		g.used = g.used[:n-1]
		return a
	}
	return &arrival{done: make(chan struct{}, 1)}
}

// Slot implements injector.Sequencer.
func (g *gate) Slot() injector.Slot { return g.slots.take() }

// arm sets the timer for the next odd nanosecond. g.mu is held.
func (g *gate) arm() {
	if g.armed {
		return
	}
	g.armed = true
	wait := time.Duration(1 + time.Now().UnixNano()&1)
	if g.timer == nil {
		g.timer = time.AfterFunc(wait, g.fire)
		return
	}
	g.timer.Reset(wait)
}

func (g *gate) fire() {
	g.fired.Add(1)
	now := time.Now()
	g.mu.Lock()
	var a *arrival
	if len(g.waiting) > 0 && g.waiting[0].stamp.Before(now) {
		a = heap.Pop(&g.waiting).(*arrival)
	}
	g.mu.Unlock()
	if a != nil {
		a.decide(a.stamp)
		a.done <- struct{}{}
	}
	g.mu.Lock()
	g.armed = false
	if len(g.waiting) > 0 {
		g.arm()
	}
	g.mu.Unlock()
}

// arrivals is a heap by stamp, then key.
type arrivals []*arrival

func (h arrivals) Len() int { return len(h) }
func (h arrivals) Less(i, j int) bool {
	a, b := h[i], h[j]
	if !a.stamp.Equal(b.stamp) {
		return a.stamp.Before(b.stamp)
	}
	return a.text() < b.text()
}
func (h arrivals) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *arrivals) Push(x any) {
	a := x.(*arrival)
	a.index = len(*h)
	*h = append(*h, a)
}

func (h *arrivals) Pop() any {
	old := *h
	n := len(old) - 1
	a := old[n]
	old[n] = nil
	a.index = -1
	*h = old[:n]
	return a
}

func (a *arrival) text() string {
	if !a.named {
		a.name, a.named = a.key(), true
	}
	return a.name
}
