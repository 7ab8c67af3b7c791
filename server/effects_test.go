package server_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/server"
)

const content = "what the upstream says to everybody who asks for it"

func say(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, content) }

// What each fault looks like to a client that speaks HTTP/1.1, and to one that
// speaks HTTP/2.
func TestEffects(t *testing.T) {
	t.Parallel()
	status := func(want int, kind string) func(*testing.T, *http.Response, string, error) {
		return func(t *testing.T, resp *http.Response, _ string, err error) {
			require.NoError(t, err)
			require.Equal(t, want, resp.StatusCode)
			require.Equal(t, []string{kind}, resp.Header["X-Mockforge-Fault"])
			require.Equal(t, "config", resp.Header.Get("X-Mockforge-Step"))
		}
	}
	retry := func(want int, kind string) func(*testing.T, *http.Response, string, error) {
		return func(t *testing.T, resp *http.Response, body string, err error) {
			status(want, kind)(t, resp, body, err)
			seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
			require.NoError(t, err)
			require.Positive(t, seconds)
			require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
			require.Contains(t, body, `"error"`)
		}
	}
	fails := func(is error) func(*testing.T, *http.Response, string, error) {
		return func(t *testing.T, resp *http.Response, _ string, err error) {
			require.Nil(t, resp)
			require.ErrorIs(t, err, is)
		}
	}
	anyError := func(t *testing.T, resp *http.Response, _ string, err error) {
		require.Nil(t, resp)
		require.ErrorContains(t, err, "stream error")
	}
	tests := []struct {
		name, config string
		before       int // requests that change what the next one meets
		h1, h2       func(*testing.T, *http.Response, string, error)
	}{
		{"http_error", `{"fault_injection": {"http_errors": [502], "http_error_probability": 1}}`, 0, status(502, "http_error"), nil},
		{"http503", `{"fault_injection": {"connection_errors": true, "connection_error_probability": 1}}`, 0, status(503, "connection_error"), nil},
		{"timeout", `{"fault_injection": {"timeout_errors": true, "timeout_probability": 1, "timeout_ms": 20}}`, 0, status(504, "timeout"), nil},
		{"tcp_reset", `{"fault_injection": {"connection_errors": true, "connection_error_probability": 1, "connection_error_kind": "tcp_reset"}}`, 0, fails(syscall.ECONNRESET), anyError},
		{"tcp_close", `{"fault_injection": {"connection_errors": true, "connection_error_probability": 1, "connection_error_kind": "tcp_close"}}`, 0, fails(io.EOF), anyError},
		{"partial", `{"fault_injection": {"partial_responses": true, "partial_response_probability": 1}}`, 0,
			func(t *testing.T, resp *http.Response, body string, err error) {
				require.Equal(t, 200, resp.StatusCode)
				require.Error(t, err, "a short success: %q", body)
				require.True(t, len(body) < len(content) && strings.HasPrefix(content, body), "%q", body)
				require.Equal(t, "partial_response", resp.Header.Get("X-Mockforge-Fault"))
			}, nil},
		{"corruption", `{"fault_injection": {"payload_corruption": true, "payload_corruption_probability": 1}}`, 0,
			func(t *testing.T, resp *http.Response, body string, err error) {
				require.NoError(t, err)
				require.Len(t, body, len(content))
				require.NotEqual(t, content, body)
				require.Equal(t, "payload_corruption", resp.Header.Get("X-Mockforge-Fault"))
			}, nil},
		{"rate_limit", `{"rate_limit": {"requests_per_second": 0.01, "burst_size": 1}}`, 1, retry(429, "rate_limit"), nil},
		{"circuit_breaker", `{"circuit_breaker": {"failure_threshold": 2}, "fault_injection": {"http_errors": [500], "http_error_probability": 1}}`, 2, retry(503, "circuit_breaker"), nil},
		{"partition", `{"traffic_shaping": {"packet_loss_percent": 100}}`, 0,
			func(t *testing.T, _ *http.Response, _ string, err error) {
				failure, ok := errors.AsType[*url.Error](err)
				require.True(t, ok && failure.Timeout(), err)
			}, nil},
		{"latency", `{"latency": {"fixed_delay_ms": 20, "probability": 1}}`, 0,
			func(t *testing.T, resp *http.Response, body string, err error) {
				require.NoError(t, err)
				require.Equal(t, content, body)
				require.Equal(t, "20", resp.Header.Get("X-Mockforge-Injected-Latency-Ms"))
			}, nil},
	}
	for _, front := range fronts {
		for _, tt := range tests {
			t.Run(strings.ReplaceAll(front, "/", "")+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				p := startRoute(t, route{front, "http"}, say)
				p.config(tt.config)
				check := tt.h1
				if strings.HasPrefix(front, "HTTP/2") && tt.h2 != nil {
					check = tt.h2
				}
				if tt.name == "partition" {
					p.client.Timeout = 200 * time.Millisecond
				}
				for range tt.before {
					_, _, err := p.get("/")
					require.NoError(t, err)
				}
				resp, body, err := p.get("/")
				check(t, resp, body, err)
				p.client.Timeout = time.Minute
				p.call("POST", "/api/chaos/disable", "")
				resp, body, err = p.get("/")
				require.NoError(t, err)
				require.Equal(t, content, body)
				require.Empty(t, resp.Header["X-Mockforge-Fault"])
			})
		}
	}
}

func TestBulkheadEffect(t *testing.T) {
	t.Parallel()
	inside, leave := make(chan struct{}), make(chan struct{})
	p := startPlane(t, server.Options{Chaos: true, Upstream: backend(t, "http", func(http.ResponseWriter, *http.Request) {
		close(inside)
		<-leave
	})})
	p.config(`{"bulkhead": {"max_concurrent_requests": 1, "max_queue_size": 0}}`)
	first := make(chan error, 1)
	go func() {
		_, _, err := p.get("/")
		first <- err
	}()
	wait(p, inside, "the first request")
	resp, body, err := p.get("/")
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.Contains(t, body, "bulkhead_rejected")
	close(leave)
	require.NoError(t, <-first)
}

// The ways to see and to stop chaos work whatever chaos does.
func TestControlIsOutOfReach(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"http_error": `{"fault_injection": {"http_errors": [503], "http_error_probability": 1}}`,
		"connection": `{"fault_injection": {"connection_errors": true, "connection_error_probability": 1, "connection_error_kind": "tcp_reset"}}`,
		"timeout":    `{"fault_injection": {"timeout_errors": true, "timeout_probability": 1, "timeout_ms": 3600000}}`,
		"damage":     `{"fault_injection": {"partial_responses": true, "partial_response_probability": 1, "payload_corruption": true, "payload_corruption_probability": 1}}`,
		"latency":    `{"latency": {"fixed_delay_ms": 3600000, "probability": 1}}`,
		"rate_limit": `{"rate_limit": {"requests_per_second": 0.001, "burst_size": 1}}`,
		"partition":  `{"traffic_shaping": {"packet_loss_percent": 100}}`,
		"bandwidth":  `{"traffic_shaping": {"bandwidth_limit_bps": 1}}`,
		"conns":      `{"traffic_shaping": {"max_connections": 1}}`,
		"breaker":    `{"circuit_breaker": {"failure_threshold": 1}, "fault_injection": {"http_errors": [503], "http_error_probability": 1}}`,
		"bulkhead":   `{"bulkhead": {"max_concurrent_requests": 1, "max_queue_size": 0}, "latency": {"fixed_delay_ms": 3600000, "probability": 1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startPlane(t, server.Options{Upstream: backend(t, "http", say), Chaos: true})
			p.config(config)
			impatient := p.newClient("HTTP/1.1")
			impatient.Timeout = 50 * time.Millisecond
			for range 3 {
				_, _, _ = fetch(t, impatient, p.URL()) // whatever comes of it
			}
			for _, path := range []string{"/health", "/metrics", "/api/chaos/status", "/api/chaos/config", "/api/chaos/stats", "/api/chaos/openapi.json"} {
				p.call("GET", path, "")
			}
			p.call("POST", "/api/chaos/disable", "")
			resp, body, err := p.get("/")
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, resp.StatusCode)
			require.Equal(t, content, body)
		})
	}
}
