package injector_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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

// keys is a Sequencer that remembers the keys of arrivals.
type keys struct {
	nextTurn
	seen []string
}

func (k *keys) Turn(ctx context.Context, key func() string, decide func(time.Time)) error {
	k.seen = append(k.seen, key())
	return k.nextTurn.Turn(ctx, key, decide)
}

func TestKeysTellRequestsApart(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 64<<10)
	tests := []struct {
		name  string
		a, b  func() *http.Request
		equal bool
	}{
		{"equal", post("/a", "1"), post("/a", "1"), true},
		{"path", post("/a", "1"), post("/b", "1"), false},
		{"query", post("/a?x=1", ""), post("/a?x=2", ""), false},
		{"short body", post("/a", "1"), post("/a", "2"), false},
		{"64 KiB", post("/a", big), post("/a", "y"+big[1:]), false},
		{"more", post("/a", big+"1"), post("/a", big+"2"), true},
		{"waits for 100 Continue", with(post("/a", "1"), "Expect", "100-continue"), with(post("/a", "2"), "Expect", "100-continue"), true},
		{"request id", with(post("/a", ""), "X-Request-Id", "1"), with(post("/a", ""), "X-Request-Id", "2"), false},
		{"other header", with(post("/a", ""), "X-Other", "1"), with(post("/a", ""), "X-Other", "2"), true},
	}
	for _, tt := range tests {
		k := &keys{}
		var bodies []string
		h := injector.New(injector.WithSequencer(k)).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			bodies = append(bodies, string(b)+errorText(err))
		}))
		for _, r := range []func() *http.Request{tt.a, tt.b} {
			h.ServeHTTP(httptest.NewRecorder(), r())
			want, err := io.ReadAll(r().Body)
			require.NoError(t, err)
			require.Equal(t, string(want), bodies[len(bodies)-1], "what was read ahead is read again")
		}
		require.Equal(t, tt.equal, k.seen[0] == k.seen[1], tt.name)
	}
}

func post(target, body string) func() *http.Request {
	return func() *http.Request { return httptest.NewRequest("POST", target, strings.NewReader(body)) }
}

func with(request func() *http.Request, name, value string) func() *http.Request {
	return func() *http.Request {
		r := request()
		r.Header.Set(name, value)
		return r
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return " " + err.Error()
}
