package injector_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// record runs eight clients at once against a layer with everything that
// depends on order, and returns what they and the observer saw.
func record(t *testing.T) string {
	var log strings.Builder
	seen := &events{}
	opts := []injector.Option{injector.WithSeed(11), injector.WithSequencer(&sequencer{}), injector.WithObserver(seen)}
	virtual(t, ok, opts, func(w *world) {
		w.in.Apply(injector.Layer{Name: "all", Config: injector.Config{
			Latency:        &injector.Latency{FixedDelay: 20 * time.Millisecond, Probability: new(0.5)},
			FaultInjection: &injector.FaultInjection{HTTPErrorProbability: new(0.3)},
			RateLimit:      &injector.RateLimit{RequestsPerSecond: 300, BurstSize: 10},
			Bulkhead:       &injector.Bulkhead{MaxConcurrentRequests: 4, MaxQueueSize: new(2), QueueTimeout: new(5 * time.Millisecond)},
			CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 3, SuccessThreshold: 1, Timeout: 30 * time.Millisecond},
		}})
		var logs [8]strings.Builder
		var wg sync.WaitGroup
		for i := range logs {
			wg.Go(func() {
				for n := range 50 {
					body := strings.NewReader(fmt.Sprint(i, n))
					resp, err := w.client.Post(fmt.Sprintf("http://test/%d", i), "", body)
					if err != nil {
						w.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
					fmt.Fprintln(&logs[i], i, n, w.elapsed(), resp.StatusCode, resp.Header["X-Mockforge-Fault"])
					time.Sleep(10 * time.Millisecond) // all at the same instants, but for their slots
				}
			})
		}
		wg.Wait()
		for i := range logs {
			log.WriteString(logs[i].String())
		}
		for _, r := range seen.requests {
			fmt.Fprintln(&log, "request", r.N, r.At.Sub(w.start), r.Path, r.Decisions)
		}
		for _, o := range seen.outcomes {
			fmt.Fprintln(&log, "done", o.N, o.At.Sub(w.start), o.Status, o.Fault)
		}
		fmt.Fprintln(&log, seen.changes)
	})
	return log.String()
}

func TestOneSeedOneRun(t *testing.T) {
	t.Parallel()
	want := record(t)
	for _, part := range []string{"429", "bulkhead", "circuit_breaker", "http_error", "latency", "half_open"} {
		require.Contains(t, want, part, "the run must exercise everything that depends on order")
	}
	for range 8 {
		require.Equal(t, want, record(t))
	}
}

func TestDepartures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		delay time.Duration
		late  bool
		why   string
	}{
		{"delayed", 50 * time.Millisecond, false, "a client time-out equal to the delay must lose"},
		{"hardly delayed", 19 * time.Microsecond, true, "too short to be shortened"},
		{"not delayed", 0, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			virtual(t, ok, []injector.Option{injector.WithSequencer(&sequencer{})}, func(w *world) {
				if tt.delay > 0 {
					w.in.Apply(slow(tt.delay))
				}
				instants := map[time.Duration]bool{}
				var mu sync.Mutex
				var wg sync.WaitGroup
				for range 50 {
					wg.Go(func() {
						_, _, err := get(w.client, "http://test")
						mu.Lock()
						defer mu.Unlock()
						if err != nil {
							w.Error(err)
						}
						instants[w.elapsed()] = true
					})
				}
				wg.Wait()
				require.Len(w, instants, 50, "every response leaves at an instant of its own")
				for at := range instants {
					if tt.late {
						require.GreaterOrEqual(w, at, tt.delay, tt.why)
						require.Less(w, at, tt.delay+2*grid)
					} else {
						require.Less(w, at, tt.delay, tt.why)
						require.GreaterOrEqual(w, at, tt.delay-grid)
					}
				}
			})
		})
	}
}

func TestClientTimeoutEqualToTheHold(t *testing.T) {
	t.Parallel()
	virtual(t, ok, []injector.Option{injector.WithSequencer(&sequencer{})}, func(w *world) {
		w.in.Apply(faults(injector.FaultInjection{TimeoutProbability: new(1.0), Timeout: new(time.Second)}))
		w.client.Timeout = time.Second
		resp, _, err := get(w.client, "http://test")
		require.NoError(w, err)
		require.Equal(w, http.StatusGatewayTimeout, resp.StatusCode)
	})
}
