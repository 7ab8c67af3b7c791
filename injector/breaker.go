package injector

import (
	"fmt"
	"strconv"
	"time"
)

// The states of a breaker, as in Transition.From and To.
const (
	stateClosed   = "closed"
	stateOpen     = "open"
	stateHalfOpen = "half_open"
)

// A breaker is the circuit breaker of one layer and target.
type breaker struct {
	failures, successes int // in a row, to open and to close
	timeout             time.Duration
	probes              int
	rate                float64 // percent
	minimum             int

	mu         teller
	state      string
	generation uint64 // of the state: results of requests that an earlier one admitted say nothing
	inARow     int    // failures while closed, successes while half-open
	window     window
	openedAt   time.Time
	probing    int
}

func newBreaker(c *CircuitBreaker, changed func(now time.Time, from, to, reason string)) *breaker {
	return &breaker{
		failures: positive(c.FailureThreshold, 5), successes: positive(c.SuccessThreshold, 2),
		timeout: positive(c.Timeout, time.Minute), probes: positive(c.HalfOpenMaxRequests, 3),
		rate: clamp(or(c.FailureRateThreshold, 50), 0, 100), minimum: positive(c.MinRequestsForRate, 10),
		mu: teller{tell: changed}, state: stateClosed, generation: 1,
		window: window{length: positive(c.RollingWindow, 10*time.Second)},
	}
}

// admit asks for a request that came now. The generation, which is never zero,
// goes back with its result. A refused request learns when to come again.
func (b *breaker) admit(now time.Time) (generation uint64, retry time.Duration) {
	b.mu.Lock()
	defer b.mu.release()
	if b.state == stateOpen {
		if left := b.openedAt.Add(b.timeout).Sub(now); left > 0 {
			return 0, left
		}
		b.enter(now, stateHalfOpen, fmt.Sprintf("open for %v", b.timeout))
	}
	if b.state == stateHalfOpen {
		if b.probing >= b.probes {
			return 0, time.Second
		}
		b.probing++
	}
	return b.generation, 0
}

// A result is what a breaker learns about a request that it admitted.
type result int

const (
	resultNone result = iota // the client left, or the request never reached the upstream
	resultSuccess
	resultFailure
)

// record gives back a request.
func (b *breaker) record(now time.Time, generation uint64, r result) {
	b.mu.Lock()
	defer b.mu.release()
	if generation != b.generation {
		return
	}
	if b.state == stateHalfOpen {
		b.recordProbe(now, r)
		return
	}
	if r == resultNone {
		return
	}
	b.window.add(now, r == resultFailure)
	if r == resultSuccess {
		b.inARow = 0
		return
	}
	b.inARow++
	total, failed := b.window.count(now)
	switch {
	case b.inARow >= b.failures:
		b.enter(now, stateOpen, strconv.Itoa(b.inARow)+" consecutive failures")
	case total >= b.minimum && float64(failed)*100 >= b.rate*float64(total):
		b.enter(now, stateOpen, fmt.Sprintf("%d of %d failed in %v", failed, total, b.window.length))
	}
}

func (b *breaker) recordProbe(now time.Time, r result) {
	b.probing--
	switch r {
	case resultFailure:
		b.enter(now, stateOpen, "a probe failed")
	case resultSuccess:
		if b.inARow++; b.inARow >= b.successes {
			b.enter(now, stateClosed, strconv.Itoa(b.inARow)+" consecutive successes")
		}
	}
}

// enter changes the state. b.mu is held.
func (b *breaker) enter(now time.Time, to, reason string) {
	from := b.state
	b.state, b.inARow, b.probing = to, 0, 0
	b.generation++
	switch to {
	case stateOpen:
		b.openedAt = now
	case stateClosed:
		b.window.clear()
	}
	b.mu.note(now, from, to, reason)
}

func (b *breaker) current() string {
	b.mu.Lock()
	defer b.mu.release()
	return b.state
}
