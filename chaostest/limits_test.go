package chaostest_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
)

// Buckets for each client address or endpoint are separate ones.
func TestRateLimits(t *testing.T) {
	t.Parallel()
	limit := func(perIP, perEndpoint bool) injector.Config {
		return injector.Config{RateLimit: &injector.RateLimit{RequestsPerSecond: 1, BurstSize: 3, PerIP: perIP, PerEndpoint: perEndpoint}}
	}
	for _, tt := range []struct {
		name   string
		config injector.Config
		want   map[string]int // requests let through of ten each
	}{
		{"one bucket for all", limit(false, false), map[string]int{"10.0.0.1 /a": 3, "10.0.0.1 /b": 0, "10.0.0.2 /a": 0, "10.0.0.2 /b": 0}},
		{"one for each address", limit(true, false), map[string]int{"10.0.0.1 /a": 3, "10.0.0.1 /b": 0, "10.0.0.2 /a": 3, "10.0.0.2 /b": 0}},
		{"one for each endpoint", limit(false, true), map[string]int{"10.0.0.1 /a": 3, "10.0.0.1 /b": 3, "10.0.0.2 /a": 0, "10.0.0.2 /b": 0}},
		{"an address's and an endpoint's", limit(true, true), map[string]int{"10.0.0.1 /a": 3, "10.0.0.1 /b": 0, "10.0.0.2 /a": 0, "10.0.0.2 /b": 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in(t, chaos("limited", time.Minute, tt.config), func(step *chaostest.Step) {
				got := map[string]int{}
				for _, who := range []string{"10.0.0.1 /a", "10.0.0.1 /b", "10.0.0.2 /a", "10.0.0.2 /b"} {
					ip, path, _ := strings.Cut(who, " ")
					got[who] = 0
					for range 10 {
						if r := fetch(step.Client(), request(step, http.MethodGet, step.URL+path, nil, "X-Forwarded-For", ip)); r.status == http.StatusOK {
							got[who]++
						}
					}
				}
				require.Equal(step, tt.want, got)
				step.Clock().Advance(time.Second)
				require.Equal(step, http.StatusOK, fetch(step.Client(), request(step, http.MethodGet, step.URL+"/a", nil, "X-Forwarded-For", "10.0.0.1")).status, "a second gives every bucket a token")
			})
		})
	}
}

// Bandwidth is shared by all connections of a target.
func TestDownloadsShareTheBandwidth(t *testing.T) {
	t.Parallel()
	const size, perSecond = 100_000, 10_000
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			config := injector.Config{TrafficShaping: &injector.TrafficShaping{BandwidthLimit: perSecond}}
			faulty(t, config, says(strings.Repeat("x", size)), func(step *chaostest.Step, target *chaostest.Target) {
				var both sync.WaitGroup
				var replies [2]reply
				for i := range replies {
					both.Go(func() {
						client := &http.Client{Transport: over(protocol, target)} // a connection of its own
						replies[i] = fetch(client, request(step, http.MethodGet, step.URL, nil))
					})
				}
				both.Wait()
				for _, r := range replies {
					require.NoError(step, r.err)
					require.Len(step, r.body, size)
					require.Greater(step, r.took, 15*time.Second, "each has about half of it")
				}
				require.InDelta(step, 2*size/perSecond, step.Clock().Elapsed().Seconds(), 0.1, "and together they use all of it")
			})
		})
	}
}

// What waits in the bulkhead's queue gets in in the order in which it came,
// and what finds no room, or waits too long, is refused.
func TestBulkheadQueues(t *testing.T) {
	t.Parallel()
	config := injector.Config{Bulkhead: &injector.Bulkhead{MaxConcurrentRequests: 1, MaxQueueSize: new(3), QueueTimeout: new(2500 * time.Millisecond)}}
	var mu sync.Mutex
	var served []string
	upstream := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		served = append(served, r.URL.Path)
		mu.Unlock()
		time.Sleep(time.Second)
	})
	faulty(t, config, upstream, func(step *chaostest.Step, target *chaostest.Target) {
		client := &http.Client{Transport: over("HTTP/1.1", target)}
		replies := make([]reply, 6)
		var all sync.WaitGroup
		for i := range replies {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				replies[i] = fetch(client, request(step, http.MethodGet, fmt.Sprintf("%s/%d", step.URL, i), nil))
			})
		}
		all.Wait()
		require.Equal(step, []string{"/0", "/1", "/2"}, served)
		for i, want := range []struct {
			status int
			took   time.Duration
		}{{200, time.Second}, {200, 1990 * time.Millisecond}, {200, 2980 * time.Millisecond}, {503, 2500 * time.Millisecond}, {503, 0}, {503, 0}} {
			require.NoError(step, replies[i].err)
			require.Equal(step, want.status, replies[i].status, "%d", i)
			require.InDelta(step, want.took, replies[i].took, float64(100*time.Microsecond), "%d", i)
			if want.status == 503 {
				require.Equal(step, "bulkhead", replies[i].header.Get("X-Mockforge-Fault"))
				require.Contains(step, replies[i].header.Get("Content-Type"), "application/json")
			}
		}
		step.Expect(assert.InjectedCount("bulkhead").Equal(3))
	})
}

// A layer that limits the connections refuses the dial.
func TestMaxConnections(t *testing.T) {
	t.Parallel()
	faulty(t, injector.Config{TrafficShaping: &injector.TrafficShaping{MaxConnections: 2}}, nil, func(step *chaostest.Step, target *chaostest.Target) {
		first, err := target.Dial(step.Context(), "tcp", "")
		require.NoError(step, err)
		second, err := target.Dial(step.Context(), "tcp", "")
		require.NoError(step, err)
		_, err = target.Dial(step.Context(), "tcp", "")
		require.ErrorContains(step, err, "connection refused")
		require.NoError(step, first.Close())
		third, err := target.Dial(step.Context(), "tcp", "")
		require.NoError(step, err)
		require.NoError(step, second.Close())
		require.NoError(step, third.Close())
	})
}

// The life of a breaker, request by request.
func TestBreakerLife(t *testing.T) {
	t.Parallel()
	config := injector.Config{CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 3, SuccessThreshold: 2, Timeout: 5 * time.Second}}
	status := http.StatusInternalServerError
	upstream := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	faulty(t, config, upstream, func(step *chaostest.Step, target *chaostest.Target) {
		ask := func() (status int, fault string) {
			r := fetch(step.Client(), request(step, http.MethodGet, step.URL, nil))
			require.NoError(step, r.err)
			if r.header.Get("X-Mockforge-Fault") != "" {
				require.Regexp(step, `^[1-5]$`, r.header.Get("Retry-After"))
				require.Contains(step, r.header.Get("Content-Type"), "application/json")
			}
			return r.status, r.header.Get("X-Mockforge-Fault")
		}
		states := map[string]int{}
		want := func(wantStatus int, wantFault, why string) {
			status, fault := ask()
			require.Equal(step, wantStatus, status, why)
			require.Equal(step, wantFault, fault, why)
		}
		for range 3 {
			want(500, "", "closed")
		}
		want(503, "circuit_breaker", "open")
		step.Clock().Advance(4900 * time.Millisecond)
		want(503, "circuit_breaker", "still open")
		step.Clock().Advance(100 * time.Millisecond)
		want(500, "", "half open: a probe fails")
		want(503, "circuit_breaker", "open again")
		step.Clock().Advance(5 * time.Second)
		status = http.StatusOK
		want(200, "", "half open")
		status = http.StatusInternalServerError
		for _, c := range step.Results().States("default") {
			states[c.State]++
		}
		require.Equal(step, map[string]int{"closed": 1, "open": 2, "half_open": 2}, maps.Clone(states))
		status = http.StatusOK
		want(200, "", "closed")
		step.Expect(assert.CircuitBreaker("default").Is(assert.Closed))
	})
}
