package orchestrator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// storm has a step with a rate limit, one with a breaker, and one with all that
// makes a request wait.
const storm = `
name: storm
steps:
  - name: limited
    duration_seconds: 0.5
    scenario: {name: limited, config: {rate_limit: {requests_per_second: 300, burst_size: 20, per_endpoint: true}, latency: {fixed_delay_ms: 1, probability: 0.5}}}
  - name: breaking
    duration_seconds: 0.5
    scenario:
      name: breaking
      config:
        circuit_breaker: {failure_threshold: 2, success_threshold: 2, timeout_ms: 20, half_open_max_requests: 2, failure_rate_threshold: 40, min_requests_for_rate: 10, rolling_window_ms: 100}
        fault_injection: {http_errors: [500, 503], http_error_probability: 0.5, request_matcher: {headers: [{name: X-Secret, value: "open sesame"}]}}
  - name: crowded
    duration_seconds: 0.5
    scenario:
      name: crowded
      config:
        bulkhead: {max_concurrent_requests: 2, max_queue_size: 4, queue_timeout_ms: 3}
        latency: {random_delay_range_ms: [1, 4]}
        traffic_shaping: {packet_loss_percent: 3, max_connections: 5, connection_timeout_ms: 250}
        fault_injection: {error_pattern: {type: burst, count: 2, interval_ms: 40}, partial_responses: true, partial_response_probability: 0.1}
`

// gentle is storm for few requests.
var gentle = strings.NewReplacer("requests_per_second: 300, burst_size: 20", "requests_per_second: 20, burst_size: 5",
	"http_error_probability: 0.5", "http_error_probability: 0.3").Replace(storm)

// A way is how a recording's clients reach an injector: its URL, and a
// transport for each client.
type way func(*testing.T, *injector.Injector) (url string, client func() http.RoundTripper)

// loopback is through a real server, each client with connections of its own.
func loopback(t *testing.T, in *injector.Injector) (string, func() http.RoundTripper) {
	server := httptest.NewServer(in.Handler(greeting))
	t.Cleanup(server.Close)
	return server.URL, func() http.RoundTripper { return &http.Transport{} }
}

// inProcess is without a network, for a synctest bubble.
func inProcess(_ *testing.T, in *injector.Injector) (string, func() http.RoundTripper) {
	return "http://default.test", func() http.RoundTripper { return direct(in, greeting) }
}

var greeting = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, "hello, world")
})

// record runs a document with eight clients that pause after each request, and
// returns its event log.
func record(t *testing.T, document string, pause time.Duration, to way) []byte {
	t.Helper()
	o, _, err := orchestrator.Parse([]byte(document), orchestrator.YAML)
	require.NoError(t, err)
	var log bytes.Buffer
	run, err := orchestrator.NewRun(o, orchestrator.RunOptions{Log: orchestrator.NewRecording(&log)})
	require.NoError(t, err)
	url, transport := to(t, run.Injector())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			client := &http.Client{Transport: transport(), Timeout: 50 * time.Millisecond}
			defer client.CloseIdleConnections()
			for n := 0; ctx.Err() == nil; n++ {
				q, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/client/%d?token=hunter2", url, c%3), strings.NewReader("a secret body"))
				if err != nil {
					return
				}
				if n%2 == 0 {
					q.Header.Set("X-Secret", "open sesame")
				}
				if n%2 == 1 {
					q.Header.Set(injector.OverrideHeaderDelay, "2") // no layer of storm heeds it
					q.Header.Set(injector.EnvoyHeaderStatus, "451")
					q.Header.Set(injector.EnvoyHeaderStatusPercentage, "12.5")
				}
				if resp, err := client.Do(q); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body) // faults are expected
					_ = resp.Body.Close()
				}
				time.Sleep(pause)
			}
		})
	}
	res := run.Run(t.Context())
	cancel()
	clients.Wait()
	require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
	return log.Bytes()
}

// recordMany records at least 1,000 requests, and something of every kind that
// storm can show. Where the machine is busy, the steps are made longer for it
// and the rate limit lower.
func recordMany(t *testing.T) ([]byte, *orchestrator.Recording) {
	t.Helper()
	for length := 0.5; ; length *= 2 {
		log := record(t, strings.NewReplacer(
			"duration_seconds: 0.5", fmt.Sprintf("duration_seconds: %g", length),
			"requests_per_second: 300", fmt.Sprintf("requests_per_second: %g", 150/length),
		).Replace(storm), 500*time.Microsecond, loopback)
		rec := readRecording(t, log)
		seen := map[string]int{}
		for _, q := range rec.Requests {
			for _, d := range q.Decisions {
				seen[d.Kind]++
			}
			if q.Arrived < q.At {
				seen["waited"]++
			}
		}
		missing := slices.DeleteFunc([]string{
			injector.KindRateLimit, injector.KindCircuitBreakerOpen, injector.KindBulkhead, injector.KindHTTPError,
			injector.KindLatency, injector.KindPacketLoss, injector.KindPartialResponse, "waited",
		}, func(kind string) bool { return seen[kind] > 0 })
		if len(rec.Requests) >= 1000 && len(missing) == 0 {
			return log, rec
		}
		require.LessOrEqual(t, length, 10.0, "%d requests, and nothing about %v", len(rec.Requests), missing)
	}
}

func readRecording(t *testing.T, log []byte) *orchestrator.Recording {
	t.Helper()
	all, err := orchestrator.ParseLogs(bytes.NewReader(log))
	require.NoError(t, err)
	rec, err := orchestrator.PickRecording(all, "")
	require.NoError(t, err)
	return rec
}

// A run with limits, breakers and queues, under real concurrency, is decided
// again exactly from its log.
func TestRecordingVerifies(t *testing.T) {
	t.Parallel()
	recordings := 3
	if os.Getenv("CI_LONG") != "" {
		recordings = 20
	}
	for range recordings {
		log, rec := recordMany(t)
		require.True(t, rec.Complete)
		require.True(t, rec.Real)
		v, err := orchestrator.Verify(t.Context(), rec)
		require.NoError(t, err)
		if v.Difference != nil {
			t.Fatalf("%d requests: %s", len(rec.Requests), v.Difference)
		}
		require.Empty(t, v.Unverified)
		require.Equal(t, len(rec.Requests), v.Requests)
		require.Equal(t, rec.Digest(), v.Digest)
		require.Positive(t, v.Transitions)
		for _, secret := range []string{"hunter2", "secret body", "open sesame"} {
			require.NotContains(t, string(log), secret)
		}
	}
}

// A recording of an earlier day is still read, and decided the same. It is
// made anew by -update where it is missing.
func TestGoldenRecording(t *testing.T) {
	t.Parallel()
	const path = "testdata/storm.chaos.jsonl"
	if _, err := os.Stat(path); *update && errors.Is(err, os.ErrNotExist) {
		require.NoError(t, os.WriteFile(path, record(t, gentle, 30*time.Millisecond, loopback), 0o644))
	}
	rec, err := orchestrator.ReadLog(path)
	require.NoError(t, err)
	v, err := orchestrator.Verify(t.Context(), rec)
	require.NoError(t, err)
	if v.Difference != nil {
		t.Fatal(v.Difference)
	}
	require.Empty(t, v.Unverified)
	require.Greater(t, v.Decisions, 100)
	require.Equal(t, rec.Digest(), v.Digest)

	var text strings.Builder
	require.NoError(t, orchestrator.WriteTimeline(&text, rec))
	golden(t, "testdata/storm.timeline", []byte(text.String()))
}
