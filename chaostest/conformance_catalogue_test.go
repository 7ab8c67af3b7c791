package chaostest_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// delayed is a fixed latency for every request.
func delayed(d time.Duration) effect {
	return effect{[]string{"latency"}, func(t *testing.T, s seen) {
		s.exactly(t, "latency", 1, 1)
		s.within(t, "latency", d, d)
	}}
}

// failing is HTTP errors in the part p of all requests.
func failing(p float64, statuses ...int) effect {
	return effect{[]string{"http_error"}, func(t *testing.T, s seen) {
		s.exactly(t, "http_error", p, 1)
		s.answers(t, "http_error", statuses...)
	}}
}

// limiting is a rate limit with the default burst.
func limiting(perSecond float64) effect {
	return effect{[]string{"rate_limit"}, func(t *testing.T, s seen) { s.limited(t, perSecond, 10) }}
}

// slowAndLimited is a latency behind a rate limit.
func slowAndLimited(d time.Duration, perSecond float64) effect {
	return effect{[]string{"latency", "rate_limit"}, func(t *testing.T, s seen) {
		s.limited(t, perSecond, 10)
		s.exactly(t, "latency", 1, 1)
		s.within(t, "latency", d, d)
	}}
}

// lossy is packet loss in both directions: stalls, and never missing bytes.
func lossy(p float64) effect {
	return effect{[]string{"packet_loss"}, func(t *testing.T, s seen) {
		s.exactly(t, "packet_loss", p, 2)
		// Retransmissions after 200, 400, 800 … ms, and a reset after 30 s.
		lengths := []time.Duration{30 * time.Second}
		for k := 1; k <= 7; k++ {
			lengths = append(lengths, 200*time.Millisecond*(1<<k-1))
		}
		for _, a := range s.arrivals {
			for _, d := range a.decisions {
				require.Contains(t, lengths, d.delay)
			}
		}
	}}
}

// partition is silence until the client gives up or the link heals.
func partition() effect {
	return effect{[]string{"packet_loss"}, func(t *testing.T, s seen) {
		s.exactly(t, "packet_loss", 1, 1)
		for _, a := range s.arrivals {
			require.Equal(t, a.at+s.timeout <= s.to, a.timedOut(), "%+v", a)
		}
	}}
}

// networkDegradation is the preset of that name.
func networkDegradation() effect {
	return effect{[]string{"bandwidth", "latency", "packet_loss"}, func(t *testing.T, s seen) {
		s.exactly(t, "latency", 0.8, 1)
		s.within(t, "latency", 400*time.Millisecond, 600*time.Millisecond)
		s.exactly(t, "packet_loss", 0.05, 2)
		s.exactly(t, "bandwidth", 1, 1)
		slow := 0
		for _, a := range s.arrivals {
			if a.took >= a.decided().delay+bodyTime-2*instant {
				slow++
			}
		}
		require.Greater(t, slow, len(s.arrivals)/2, "a kilobyte takes 10 ms")
	}}
}

// serviceInstability is the preset of that name.
func serviceInstability() effect {
	return effect{[]string{"http_error", "timeout"}, func(t *testing.T, s seen) {
		s.exactly(t, "http_error", 0.2, 1)
		s.answers(t, "http_error", 500, 502, 503, 504)
		s.exactly(t, "timeout", 0.1, 1)
		s.within(t, "timeout", 5*time.Second, 5*time.Second)
		s.answers(t, "timeout", http.StatusGatewayTimeout)
	}}
}

// cascadingFailure is the preset of that name.
func cascadingFailure() effect {
	return effect{[]string{"connection_error", "http_error", "latency", "rate_limit", "timeout"}, func(t *testing.T, s seen) {
		s.limited(t, 10, 2)
		s.exactly(t, "latency", 0.7, 1)
		s.within(t, "latency", 700*time.Millisecond, 6500*time.Millisecond)
		s.exactly(t, "http_error", 0.3, 1)
		s.answers(t, "http_error", 500, 503)
		s.exactly(t, "connection_error", 0.1, 1)
		s.answers(t, "connection_error", http.StatusServiceUnavailable)
		s.exactly(t, "timeout", 0.2, 1)
		s.within(t, "timeout", 5*time.Second, 5*time.Second)
		s.answers(t, "timeout", http.StatusGatewayTimeout)
	}}
}

// custom is the inline scenario of the advanced topics: 70 requests at once
// find 50 places in the bulkhead and 10 in its queue, and three failures in a
// row open the breaker for longer than the step lasts.
func custom() effect {
	return effect{[]string{"bulkhead", "circuit_breaker", "http_error", "latency"}, func(t *testing.T, s seen) {
		s.exactly(t, "latency", 1, 1)
		s.within(t, "latency", 80*time.Millisecond, 600*time.Millisecond)
		s.exactly(t, "http_error", 0.15, 1)
		s.answers(t, "http_error", 500, 502)
		refused, queued := 0, 0
		for _, a := range s.arrivals {
			d := a.decided()
			switch {
			case a.at != s.arrivals[0].at: // not one of the 70
			case d.kind == "bulkhead":
				refused++
			case a.took > d.delay+instant:
				queued++
			}
		}
		require.Equal(t, []int{10, 10}, []int{refused, queued}, "refused by the bulkhead, and queued in it")
		s.broken(t, 3)
	}}
}

// broken checks that so many failures in a row, in the order in which the
// answers left, open the breaker, and that it lets nothing through afterwards.
func (s seen) broken(t *testing.T, failures int) {
	t.Helper()
	left := slices.Clone(s.arrivals)
	slices.SortFunc(left, func(a, b arrival) int { return int(a.at + a.took - b.at - b.took) })
	opened, inARow := s.to, 0
	for _, a := range left {
		switch a.decided().kind {
		case "http_error":
			inARow++
		case "latency":
			inARow = 0
		}
		if inARow == failures {
			opened = a.at + a.took
			break
		}
	}
	require.Less(t, opened, s.to, "the breaker never opened")
	for _, a := range s.arrivals {
		require.Equal(t, a.at > opened, a.decided().kind == "circuit_breaker", "opened at %s: %+v", opened, a)
	}
}
