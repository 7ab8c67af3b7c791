package chaostest_test

import (
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// instant is how far an instant of the network may be from the computed one:
// departures keep to a grid of 20 µs.
const instant = 20*time.Microsecond + 100*time.Nanosecond

// An arrival is a request from both of its sides.
type arrival struct {
	probe
	requestEvent
}

// A seen is what arrived while a step was in force.
type seen struct {
	from, to time.Duration // in force, since the run's start
	over     time.Duration // the run
	timeout  time.Duration // the client's; 0: none
	queue    bool          // requests may wait for a bulkhead
	arrivals []arrival     // by instant
}

// An effect checks what a step did to the requests that it met.
type effect struct {
	kinds []string // of the faults that fired, sorted
	check func(t *testing.T, s seen)
}

// fired lists the kinds of the faults that fired.
func (s seen) fired() []string {
	kinds := []string{}
	for _, a := range s.arrivals {
		for _, d := range a.decisions {
			if !d.masked && !slices.Contains(kinds, d.kind) {
				kinds = append(kinds, d.kind)
			}
		}
	}
	slices.Sort(kinds)
	return kinds
}

// consistent checks that the client saw what was decided, no more and no less:
// the status, the header, and the virtual time that it took.
func (s seen) consistent(t *testing.T, a arrival) {
	t.Helper()
	d := a.decided()
	wait := s.to - a.at // what a stall or a partition lasts at most: the link heals when the layer goes
	// Where a delay and the client's time-out are equal, the response wins.
	if s.timeout > 0 && (d.partition || d.delay > s.timeout) && (!d.lost || wait >= s.timeout) {
		require.True(t, a.timedOut(), "%+v", a)
		require.InDelta(t, s.timeout, a.took, float64(instant), "%+v", a)
		return
	}
	least, most := d.delay, d.delay
	switch {
	case d.partition || d.lost && d.delay > wait:
		least, most = wait, wait+d.latency // the latency counts from there
	case a.at+d.delay > s.over: // the run's end releases everything
		least, most = s.over-a.at, s.over-a.at
	case s.queue:
		most += time.Second
	}
	if d.shaped { // other responses may be on the link, or have left it idle for a moment
		most += 4 * bodyTime
	}
	if d.lost { // a stall in each direction, each of which may end a little early
		least -= instant
	}
	require.GreaterOrEqual(t, a.took, least-instant, "%+v", a)
	require.LessOrEqual(t, a.took, most+instant, "%+v", a)
	require.NoError(t, a.err)
	require.Equal(t, d.status, a.status, "%+v", a)
	require.Equal(t, d.kind, a.header.Get("X-Mockforge-Fault"), "%+v", a)
	if d.kind != "" {
		require.Equal(t, a.steps, a.header.Values("X-Mockforge-Step"))
	}
	if d.status == http.StatusOK {
		require.Equal(t, upstreamSays, a.body)
	}
	if d.kind == "rate_limit" || d.kind == "circuit_breaker" {
		require.NotEmpty(t, a.header.Get("Retry-After"))
	}
}

// bodyTime is how long the upstream's answer takes through the one bandwidth
// limit of the documentation, 100,000 bytes a second.
const bodyTime = 10 * time.Millisecond

// A decided is what the decisions about a request add up to.
type decided struct {
	kind           string // that the response names
	status         int
	delay, latency time.Duration // all of it, and without stalls
	lost           bool          // a packet
	partition      bool
	shaped         bool // by a bandwidth
}

func (a arrival) decided() decided {
	out := decided{status: http.StatusOK}
	stages := injector.Kinds()
	for _, d := range a.decisions {
		if d.masked {
			continue
		}
		out.delay += d.delay
		if d.status != 0 {
			out.status = d.status
		}
		switch d.kind {
		case injector.KindBandwidth:
			out.shaped = true
			if out.kind != "" {
				continue
			}
		case injector.KindPacketLoss:
			out.lost = true
			out.partition = out.partition || d.delay == 0
		default:
			out.latency += d.delay
		}
		if out.kind == injector.KindBandwidth || slices.Index(stages, d.kind) >= slices.Index(stages, out.kind) {
			out.kind = d.kind
		}
	}
	return out
}

// refusals are the kinds that keep a request from the latency and fault rules.
var refusals = []string{"rate_limit", "circuit_breaker", "bulkhead"}

// exactly checks that the part p of the requests that drew was hit, hidden
// hits included. It looks at whole blocks of the exact sampling only. draws is
// how many rules of that kind each request meets.
func (s seen) exactly(t *testing.T, kind string, p float64, draws int) {
	t.Helper()
	drew := 0
	for _, a := range s.arrivals {
		if !slices.ContainsFunc(a.decisions, func(d decisionEvent) bool { return slices.Contains(refusals, d.kind) }) {
			drew++
		}
	}
	whole := drew - drew%20
	for math.Abs(p*float64(whole)-math.Round(p*float64(whole))) > 1e-9 {
		whole -= 20
	}
	require.Positive(t, whole, "%d requests are too few to see %v of them", drew, p)
	hits := 0
	for _, a := range s.arrivals {
		for _, d := range a.decisions {
			if d.kind == kind && d.ordinal < whole {
				hits++
			}
		}
	}
	require.Equal(t, draws*int(math.Round(p*float64(whole))), hits, "%s in %d of %d requests", kind, hits, whole)
}

// within checks the delay that each decision of a kind injected, and that they
// spread over at least half of the range.
func (s seen) within(t *testing.T, kind string, lo, hi time.Duration) {
	t.Helper()
	least, most := time.Duration(math.MaxInt64), time.Duration(0)
	for _, a := range s.arrivals {
		for _, d := range a.decisions {
			if d.kind == kind && !d.masked {
				least, most = min(least, d.delay), max(most, d.delay)
			}
		}
	}
	require.GreaterOrEqual(t, least, lo)
	require.LessOrEqual(t, most, hi)
	require.GreaterOrEqual(t, most-least, (hi-lo)/2)
}

// answers checks that a fault of a kind answers every one of these statuses,
// and no other.
func (s seen) answers(t *testing.T, kind string, statuses ...int) {
	t.Helper()
	var got []int
	for _, a := range s.arrivals {
		if a.header.Get("X-Mockforge-Fault") == kind && !slices.Contains(got, a.status) {
			got = append(got, a.status)
		}
	}
	require.ElementsMatch(t, statuses, got, kind)
}

// limited checks every single request against a token bucket of its own.
func (s seen) limited(t *testing.T, perSecond, burst float64) {
	t.Helper()
	tokens, last := burst, s.from
	refused := 0
	for _, a := range s.arrivals {
		tokens = min(burst, tokens+perSecond*(a.at-last).Seconds())
		last = a.at
		require.Equal(t, tokens < 1, a.status == http.StatusTooManyRequests, "with %.3f tokens left: %+v", tokens, a)
		if tokens < 1 {
			refused++
		} else {
			tokens--
		}
	}
	require.Positive(t, refused, "no request exceeded the limit")
}
