package server_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/server"
)

// A change of config counts from the next request on, whatever else is on its
// way.
func TestConfigFlips(t *testing.T) {
	t.Parallel()
	p := startPlane(t, server.Options{Upstream: backend(t, "http", say), Chaos: true})
	var stop atomic.Bool
	var traffic sync.WaitGroup
	var served atomic.Int64
	for range 8 {
		client := p.newClient("HTTP/1.1")
		traffic.Go(func() {
			for !stop.Load() {
				resp, body, err := fetch(t, client, p.URL())
				if err != nil {
					t.Error(err)
					return
				}
				if resp.StatusCode == http.StatusOK && body != content || resp.StatusCode != http.StatusOK && resp.Header.Get("X-Mockforge-Fault") == "" {
					t.Errorf("%d %q", resp.StatusCode, body)
				}
				served.Add(1)
			}
		})
	}
	for _, tt := range []struct {
		method, path, body string
		want               int
	}{
		{"PUT", "/api/chaos/config", `{"fault_injection": {"http_errors": [502], "http_error_probability": 1}}`, 502},
		{"PUT", "/api/chaos/config/faults", `{"http_errors": [501]}`, 501},
		{"PUT", "/api/chaos/config/latency", `{"fixed_delay_ms": 1, "probability": 1}`, 501},
		{"POST", "/api/chaos/disable", "", 200},
		{"POST", "/api/chaos/enable", "", 501},
		{"PUT", "/api/chaos/config", `{"bulkhead": {"max_concurrent_requests": 1000}, "circuit_breaker": {}, "traffic_shaping": {"bandwidth_limit_bps": 100000000}}`, 200},
		{"POST", "/api/chaos/reset", "", 200},
	} {
		for range 10 {
			p.call(tt.method, tt.path, tt.body)
			resp, _, err := p.get("/")
			require.NoError(t, err)
			require.Equal(t, tt.want, resp.StatusCode, "%s %s %s", tt.method, tt.path, tt.body)
		}
	}
	stop.Store(true)
	traffic.Wait()
	require.Positive(t, served.Load())
}

// A change of one section lets nothing pass that another one stops.
func TestAChangeLeavesNoGap(t *testing.T) {
	t.Parallel()
	p := startPlane(t, server.Options{Upstream: backend(t, "http", say), Chaos: true})
	p.call("PUT", "/api/chaos/config", `{"fault_injection": {"http_errors": [502], "http_error_probability": 1}}`)
	var stop atomic.Bool
	var traffic sync.WaitGroup
	for range 4 {
		client := p.newClient("HTTP/1.1")
		traffic.Go(func() {
			for !stop.Load() {
				resp, _, err := fetch(t, client, p.URL())
				if err != nil || resp.StatusCode != http.StatusBadGateway {
					t.Errorf("%v %v", resp, err)
					return
				}
			}
		})
	}
	for n := range 300 {
		p.call("PUT", "/api/chaos/config/rate-limit", fmt.Sprintf(`{"requests_per_second": %d}`, 1_000_000+n))
	}
	stop.Store(true)
	traffic.Wait()
}
