package assert

import (
	"slices"
	"sync"
	"time"
)

// windowEvents is how many operations, and how many requests, a Window keeps.
const windowEvents = 1 << 16

// A Window records like a Collector and gives Results over the last part of a
// run only, for stop conditions. It keeps at most 65,536 operations and as many
// requests; where more fall into its length, it covers the latest of them. It
// is safe for concurrent use.
//
// Operations and requests belong to the window in which they end. Attempts,
// injections and draws carry no instant: they are counted from the latest
// Snapshot that is at least the length ago.
type Window struct {
	mu         sync.Mutex
	length     time.Duration
	opts       CollectorOptions
	operations queue[Operation]
	requests   queue[ServerRequest]
	states     map[stateKey]*queue[StateChange]
	attempts   int
	faults     faults
	marks      []mark // earlier Snapshots, the oldest first
}

// A mark is what the counts without an instant were at a Snapshot.
type mark struct {
	at       time.Duration
	attempts int
	faults   faults
}

// NewWindow returns an empty Window of the given length, which must be
// positive.
func NewWindow(length time.Duration, opts CollectorOptions) *Window {
	if length <= 0 {
		panic("assert: a window needs a length")
	}
	opts.Duration = length
	return &Window{length: length, opts: opts, states: map[stateKey]*queue[StateChange]{}, faults: newFaults()}
}

// Operation records an operation that has ended.
func (w *Window) Operation(op Operation) {
	w.mu.Lock()
	w.operations.push(op, windowEvents)
	w.mu.Unlock()
}

// Request records a request that the chaos server has seen end.
func (w *Window) Request(r ServerRequest) {
	w.mu.Lock()
	w.requests.push(r, windowEvents)
	w.mu.Unlock()
}

// Injection records a fault that fired or was masked.
func (w *Window) Injection(i Injection) {
	w.mu.Lock()
	w.faults.injection(i)
	w.mu.Unlock()
}

// Draws sets how many requests have met a rule since the run began.
func (w *Window) Draws(d Draws) {
	w.mu.Lock()
	w.faults.setDraws(d)
	w.mu.Unlock()
}

// Attempt records one request that the client made.
func (w *Window) Attempt() {
	w.mu.Lock()
	w.attempts++
	w.mu.Unlock()
}

// State records the state of name at an instant.
func (w *Window) State(side Side, name string, at time.Duration, state string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	changes := w.changes(side, name)
	if n := len(changes.items); n > 0 && sameState(changes.items[n-1].State, state) {
		return
	}
	changes.push(StateChange{at, state}, keptChanges)
}

// KnowState says that name has a state, though none has been seen yet.
func (w *Window) KnowState(side Side, name string) {
	w.mu.Lock()
	w.changes(side, name)
	w.mu.Unlock()
}

// SetReference sets the error rate, 0–1, that "recovers" returns to.
func (w *Window) SetReference(errorRate float64) {
	w.mu.Lock()
	w.opts.Reference = errorRate
	w.mu.Unlock()
}

func (w *Window) changes(side Side, name string) *queue[StateChange] {
	key := stateKey{side, name}
	if w.states[key] == nil {
		w.states[key] = &queue[StateChange]{}
	}
	return w.states[key]
}

// Snapshot returns what happened in the window that ends now, an instant from
// the run's start, and forgets what is older. Snapshots must be taken in order.
func (w *Window) Snapshot(now time.Duration) Results {
	w.mu.Lock()
	defer w.mu.Unlock()
	from := max(0, now-w.length, w.operations.evicted, w.requests.evicted)
	w.operations.drop(from)
	w.requests.drop(from)

	t := newTally(w.opts, from)
	for _, op := range w.operations.items {
		t.operation(&op)
	}
	for _, r := range w.requests.items {
		t.request(r)
	}
	for key, q := range w.states {
		log := t.log(key.side, key.name)
		for len(q.items) > 1 && q.items[1].At <= from {
			q.items = q.items[1:]
		}
		for _, c := range q.items {
			log.add(max(c.At, from), c.State)
		}
	}
	base := w.base(from)
	t.attempts = w.attempts - base.attempts
	t.faults = w.faults.since(base.faults)
	w.mark(now)
	return t.results(now)
}

// base is the latest mark at or before from, or none.
func (w *Window) base(from time.Duration) mark {
	i, found := slices.BinarySearchFunc(w.marks, from, func(m mark, at time.Duration) int {
		return int(min(max(m.at-at, -1), 1))
	})
	if !found {
		i--
	}
	if i < 0 {
		return mark{faults: newFaults()}
	}
	w.marks = slices.Delete(w.marks, 0, i)
	return w.marks[0]
}

// mark keeps the counts for later windows, at most 64 of them a window.
func (w *Window) mark(now time.Duration) {
	if n := len(w.marks); n > 0 && now-w.marks[n-1].at < w.length/64 {
		return
	}
	w.marks = append(w.marks, mark{now, w.attempts, w.faults.clone()})
}

// An event is what a queue holds: something that happened at an instant.
type event interface{ end() time.Duration }

func (op Operation) end() time.Duration    { return op.At + op.Latency }
func (r ServerRequest) end() time.Duration { return r.At }
func (c StateChange) end() time.Duration   { return c.At }

// A queue keeps the latest events, in order of arrival.
type queue[T event] struct {
	items   []T
	evicted time.Duration // the window cannot reach back before this instant
}

// push appends, and drops the oldest quarter once there are more than most.
func (q *queue[T]) push(item T, most int) {
	if len(q.items) >= most {
		q.evicted = max(q.evicted, q.items[most/4-1].end())
		q.items = slices.Delete(q.items, 0, most/4)
	}
	q.items = append(q.items, item)
}

// drop removes what happened before from.
func (q *queue[T]) drop(from time.Duration) {
	q.items = slices.DeleteFunc(q.items, func(item T) bool { return item.end() < from })
}
