package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/server"
)

// scrape reads /metrics: values by series, as they are written.
func (l *live) scrape() map[string]float64 {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 30*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL()+"/metrics", nil)
	require.NoError(l.t, err)
	resp, err := http.DefaultClient.Do(q)
	require.NoError(l.t, err)
	defer resp.Body.Close()
	require.Equal(l.t, 200, resp.StatusCode)
	out := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if line := lines.Text(); !strings.HasPrefix(line, "#") {
			at := strings.LastIndexByte(line, ' ')
			out[line[:at]], err = strconv.ParseFloat(line[at+1:], 64)
			require.NoError(l.t, err, line)
		}
	}
	require.NoError(l.t, lines.Err())
	return out
}

// absent is the value of a series that is not there.
const absent = -1

// reaches waits for series to have these values. What a client has seen end is
// counted a moment later.
func (l *live) reaches(want map[string]float64) {
	l.t.Helper()
	var got map[string]float64
	if !eventually(func() bool {
		all := l.scrape()
		got = map[string]float64{}
		for series := range want {
			got[series] = absent
			if v, ok := all[series]; ok {
				got[series] = v
			}
		}
		return maps.Equal(want, got)
	}) {
		require.Equal(l.t, want, got)
	}
}

func eventually(holds func() bool) bool {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return true
		}
	}
	return false
}

// send sends a request through the data plane and reads the answer, if there is
// one.
func (l *live) send(method, path, body string) (status int) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 30*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, method, l.URL()+path, strings.NewReader(body))
	require.NoError(l.t, err)
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0 // a fault may be just that
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // may be cut off
	return resp.StatusCode
}

func always(f injector.FaultInjection) injector.Config { return injector.Config{FaultInjection: &f} }

// Every metric of the data plane moves by real traffic, and by as much as there
// was of it.
func TestMetricsOfTraffic(t *testing.T) {
	t.Parallel()
	one := new(1.0)
	tests := []struct {
		name   string
		config injector.Config
		send   func(l *live)
		want   map[string]float64
	}{
		{"http error", always(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: one}), nil, map[string]float64{
			`mockforge_chaos_faults_total{endpoint="GET /orders/{id}",fault_type="http_error"}`: 3,
			`mockforge_chaos_requests_total{protocol="http",status="5xx",target="default"}`:     3,
			`mockforge_chaos_triggers_total`: 3,
			`mockforge_active_scenario_mode`: 2,
		}},
		{"reset", always(injector.FaultInjection{ConnectionErrorProbability: one, ConnectionErrorKind: injector.TCPReset}), func(l *live) {
			l.send("POST", "/", "x") // net/http repeats a GET
		}, map[string]float64{
			`mockforge_chaos_faults_total{endpoint="POST /",fault_type="connection_error"}`:     1,
			`mockforge_chaos_requests_total{protocol="http",status="aborted",target="default"}`: 1,
		}},
		{"masked", always(injector.FaultInjection{HTTPErrors: []int{500}, HTTPErrorProbability: one, TimeoutProbability: one}), nil, map[string]float64{
			`mockforge_chaos_faults_total{endpoint="GET /orders/{id}",fault_type="http_error"}`: 3,
			`mockforge_chaos_triggers_total`: 3,
			`mockforge_chaos_faults_total{endpoint="GET /orders/{id}",fault_type="timeout"}`: absent,
		}},
		{"latency", injector.Config{Latency: &injector.Latency{FixedDelay: 20 * time.Millisecond}}, nil, map[string]float64{
			`mockforge_chaos_latency_ms_count{endpoint="GET /orders/{id}"}`:                  3,
			`mockforge_chaos_latency_ms_sum{endpoint="GET /orders/{id}"}`:                    60,
			`mockforge_chaos_latency_ms_bucket{endpoint="GET /orders/{id}",le="10"}`:         0,
			`mockforge_chaos_faults_total{endpoint="GET /orders/{id}",fault_type="latency"}`: 3,
			`mockforge_chaos_requests_total{protocol="http",status="2xx",target="default"}`:  3,
			`mockforge_active_scenario_mode`:                                                 1,
		}},
		{"jitter", injector.Config{Latency: &injector.Latency{FixedDelay: 20 * time.Millisecond, JitterPercent: 50}}, nil, map[string]float64{
			`mockforge_chaos_jitter_ms_count{endpoint="GET /orders/{id}"}`:             3,
			`mockforge_chaos_jitter_ms_bucket{endpoint="GET /orders/{id}",le="10"}`:    3,
			`mockforge_chaos_latency_ms_bucket{endpoint="GET /orders/{id}",le="50"}`:   3,
			`mockforge_chaos_latency_ms_bucket{endpoint="GET /orders/{id}",le="10"}`:   0,
			`mockforge_chaos_latency_ms_bucket{endpoint="GET /orders/{id}",le="+Inf"}`: 3,
		}},
		{"bandwidth", injector.Config{TrafficShaping: &injector.TrafficShaping{BandwidthLimit: 10_000}}, func(l *live) {
			l.send("POST", "/orders", strings.Repeat("x", 2000)) // 200 ms, less what is missed where the machine is busy; and 5 bytes back
		}, map[string]float64{
			`mockforge_chaos_bandwidth_throttle_ms_count{direction="request",endpoint="POST /orders"}`:          1,
			`mockforge_chaos_bandwidth_throttle_ms_bucket{direction="request",endpoint="POST /orders",le="50"}`: 0,
			`mockforge_chaos_bandwidth_throttle_ms_count{direction="response",endpoint="POST /orders"}`:         1,
			`mockforge_chaos_faults_total{endpoint="POST /orders",fault_type="bandwidth"}`:                      1,
		}},
		{"protocols", injector.Config{Latency: &injector.Latency{FixedDelay: time.Millisecond}, GraphQL: &injector.GraphQL{ErrorCodes: []string{"BUSY"}, Probability: one}}, func(l *live) {
			for kind, body := range map[string]string{"application/json": `{"query": "{ price }"}`, "text/plain": "x"} {
				resp, err := http.Post(l.URL()+"/graphql", kind, strings.NewReader(body))
				if err == nil {
					_ = resp.Body.Close()
				}
			}
		}, map[string]float64{
			`mockforge_chaos_requests_total{protocol="graphql",status="2xx",target="default"}`: 1,
			`mockforge_chaos_requests_total{protocol="http",status="2xx",target="default"}`:    1,
		}},
		{"rate limit", injector.Config{RateLimit: &injector.RateLimit{RequestsPerSecond: 0.001, BurstSize: 1}}, nil, map[string]float64{
			`mockforge_chaos_rate_limit_violations_total{endpoint="GET /orders/{id}"}`:      2,
			`mockforge_chaos_requests_total{protocol="http",status="4xx",target="default"}`: 2,
			`mockforge_chaos_requests_total{protocol="http",status="2xx",target="default"}`: 1,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := serveLive(t, server.Options{Chaos: true, Config: tt.config, Upstream: reader(t)})
			if tt.send != nil {
				tt.send(l)
			} else {
				for i := range 3 {
					l.send("GET", fmt.Sprintf("/orders/%d", i), "")
				}
			}
			l.reaches(tt.want)
		})
	}
}

// reader is an upstream that reads what it is sent before it answers.
func reader(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "hello")
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// Without chaos nothing is counted.
func TestMetricsWithoutChaos(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Config: always(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(1.0)})})
	require.Equal(t, 200, l.send("GET", "/", ""))
	for series := range l.scrape() {
		require.NotContains(t, series, "mockforge_chaos_requests_total")
		require.NotContains(t, series, "mockforge_chaos_faults_total")
	}
	l.reaches(map[string]float64{"mockforge_active_scenario_mode": 0, "mockforge_chaos_triggers_total": 0})
}

func TestBreakerMetric(t *testing.T) {
	t.Parallel()
	state := `mockforge_chaos_circuit_breaker_state{circuit_name="default"}`
	l := serveLive(t, server.Options{Chaos: true, Config: injector.Config{
		FaultInjection: &injector.FaultInjection{ErrorPattern: &injector.ErrorPattern{Type: "burst", Count: 2, Interval: time.Hour}},
		CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 2, Timeout: 300 * time.Millisecond, SuccessThreshold: 2},
	}})
	l.reaches(map[string]float64{state: 0})
	l.send("GET", "/", "")
	l.send("GET", "/", "")
	l.reaches(map[string]float64{state: 1})
	require.Eventually(t, func() bool { return l.send("GET", "/", "") == 200 }, time.Minute, 20*time.Millisecond)
	l.reaches(map[string]float64{state: 2})
	l.send("GET", "/", "")
	l.reaches(map[string]float64{state: 0})
	require.Equal(t, 200, l.call("POST", "/api/chaos/reset", nil, nil))
	require.NotContains(t, l.scrape(), state)
}

func TestBulkheadMetric(t *testing.T) {
	t.Parallel()
	let := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-let }))
	t.Cleanup(slow.Close)
	l := serveLive(t, server.Options{Chaos: true, Upstream: slow.URL, Config: injector.Config{Bulkhead: &injector.Bulkhead{MaxConcurrentRequests: 2, QueueTimeout: new(time.Minute)}}})
	inside := `mockforge_chaos_bulkhead_concurrent_requests{bulkhead_name="default"}`
	l.reaches(map[string]float64{inside: 0})
	answered := make(chan int, 3)
	for range 3 {
		go func() { answered <- l.send("GET", "/", "") }()
	}
	l.reaches(map[string]float64{inside: 2})
	close(let)
	for range 3 {
		require.Equal(t, 200, <-answered)
	}
	l.reaches(map[string]float64{inside: 0})
}

func TestMetricsOfARunInProgress(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	l.start("name: long\nsteps:\n  - {name: a, duration_seconds: 600}\n")
	l.reaches(map[string]float64{`mockforge_chaos_active_orchestrations{orchestration="long"}`: 1, `mockforge_active_scenario_mode`: 3})
	require.Equal(t, 200, l.call("POST", "/api/chaos/orchestration/stop", nil, nil))
	l.reaches(map[string]float64{
		`mockforge_chaos_active_orchestrations{orchestration="long"}`:                           0,
		`mockforge_chaos_orchestration_executions_total{orchestration="long",status="stopped"}`: 1,
		`mockforge_active_scenario_mode`:                                                        0,
	})
}

func TestMetricsOfRuns(t *testing.T) {
	t.Parallel()
	// Where the machine is so busy that no request met the faults, it is done
	// again with a longer step.
	var l *live
	for seconds, met := 1.0, false; !met; seconds *= 2 {
		require.Less(t, seconds, 60.0, "no request ever meets the faults")
		l = serveLive(t, server.Options{Chaos: true})
		l.start(fmt.Sprintf(`
name: outage
load: {rate: 100}
steps:
  - name: preset
    scenario: network_degradation
    duration_seconds: 0.2
  - name: own
    continue_on_failure: true
    duration_seconds: %g
    scenario: {name: slow_backend, config: {fault_injection: {http_errors: [503], http_error_probability: 1}}}
    expect: ["server.error_rate <= 1%%", "injected.http_error >= 1"]
  - name: quiet
    when: always
    duration_seconds: 0.1
expect: ["injected.http_error >= 1"]
`, seconds))
		s := l.ended()
		require.Equal(t, "own", s.Steps[1].Name)
		met = s.Steps[1].Counts != nil && s.Steps[1].Counts.Injected["http_error"] > 0
		require.True(t, !met || s.State == "failed", s.State)
	}
	l.reaches(map[string]float64{
		`mockforge_chaos_active_orchestrations{orchestration="outage"}`:                                          0,
		`mockforge_chaos_orchestration_executions_total{orchestration="outage",status="failed"}`:                 1,
		`mockforge_chaos_orchestration_step_duration_seconds_count{orchestration="outage",step="own"}`:           1,
		`mockforge_chaos_orchestration_step_duration_seconds_bucket{orchestration="outage",step="own",le="0.5"}`: 0,
		`mockforge_chaos_orchestration_step_duration_seconds_count{orchestration="outage",step="preset"}`:        1,
		`mockforge_chaos_assertion_results_total{orchestration="outage",result="fail"}`:                          1,
		`mockforge_chaos_assertion_results_total{orchestration="outage",result="pass"}`:                          2,
		`mockforge_chaos_scenarios_total{scenario_type="network_degradation",status="started"}`:                  1,
		`mockforge_chaos_scenarios_total{scenario_type="network_degradation",status="passed"}`:                   1,
		`mockforge_chaos_scenarios_total{scenario_type="custom",status="failed"}`:                                1,
	})
	for series := range l.scrape() {
		require.NotContains(t, series, `scenario_type="slow_backend"`, "a name beside a config is a label")
	}
}

func TestMetricsOfStartedScenarios(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true, Scenario: "peak_traffic"})
	require.Equal(t, 200, l.call("POST", "/api/chaos/scenarios/slow_backend", nil, nil))
	require.Equal(t, 200, l.call("DELETE", "/api/chaos/scenarios/slow_backend", nil, nil))
	l.reaches(map[string]float64{
		`mockforge_chaos_scenarios_total{scenario_type="peak_traffic",status="started"}`: 1,
		`mockforge_chaos_scenarios_total{scenario_type="slow_backend",status="started"}`: 1,
		`mockforge_chaos_scenarios_total{scenario_type="slow_backend",status="stopped"}`: 1,
	})
	require.Equal(t, 200, l.call("POST", "/api/chaos/reset", nil, nil))
	l.reaches(map[string]float64{`mockforge_chaos_scenarios_total{scenario_type="peak_traffic",status="stopped"}`: 1})
}

// Whatever clients ask for, the number of series is bounded.
func TestMetricsAreBounded(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true, Config: injector.Config{
		FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(1.0)},
		RateLimit:      &injector.RateLimit{RequestsPerSecond: 1e6, BurstSize: 1e6},
	}})
	count := func(what string) (n int) {
		for series := range l.scrape() {
			if strings.HasPrefix(series, what) {
				n++
			}
		}
		return n
	}
	for i := range 1000 {
		l.send("GET", fmt.Sprintf("/orders/%d", i), "")
	}
	require.Equal(t, 1, count("mockforge_chaos_faults_total"), "ids are replaced")
	for i := range 1000 {
		l.send("GET", fmt.Sprintf("/page-%d/x", i), "")
	}
	require.Equal(t, 501, count("mockforge_chaos_faults_total"))
	l.reaches(map[string]float64{
		`mockforge_chaos_faults_total{endpoint="other",fault_type="http_error"}`:            501,
		`mockforge_chaos_faults_total{endpoint="GET /orders/{id}",fault_type="http_error"}`: 1000,
	})
	var stats server.Stats
	require.Equal(t, 200, l.call("GET", "/api/chaos/stats", nil, &stats))
	require.Len(t, stats.FaultsByType["http_error"], 501)
}

// Labels are UTF-8 of a bounded length: the client library panics without.
func TestMetricsOfStrangePaths(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true, Config: always(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(1.0)})})
	require.Equal(t, 503, l.send("GET", "/%ff%fe", ""))
	require.Equal(t, 503, l.send("GET", "/"+strings.Repeat("long", 1000), ""))
	require.Equal(t, 503, l.send("GET", "/%22%0a", ""))
	for series := range l.scrape() {
		require.Less(t, len(series), 400)
	}
	l.reaches(map[string]float64{"mockforge_chaos_triggers_total": 3})
}

// With every fault certain, the numbers are still there.
func TestMetricsUnderEveryFault(t *testing.T) {
	t.Parallel()
	one := new(1.0)
	for _, f := range []injector.Config{
		always(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: one}),
		always(injector.FaultInjection{ConnectionErrorProbability: one, ConnectionErrorKind: injector.TCPReset}),
		always(injector.FaultInjection{TimeoutProbability: one, Timeout: new(time.Hour)}),
		always(injector.FaultInjection{PartialResponseProbability: one}),
		always(injector.FaultInjection{PayloadCorruptionProbability: one}),
		{Latency: &injector.Latency{FixedDelay: time.Hour}},
		{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 100}},
		{TrafficShaping: &injector.TrafficShaping{BandwidthLimit: 1}},
		{RateLimit: &injector.RateLimit{RequestsPerSecond: 0.0001, BurstSize: 1}},
	} {
		l := serveLive(t, server.Options{Chaos: true, Config: f})
		ctx, cancel := context.WithCancel(t.Context())
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL()+"/", nil)
		require.NoError(t, err)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if resp, err := http.DefaultClient.Do(q); err == nil {
				_ = resp.Body.Close()
			}
		}()
		for range 3 {
			require.Contains(t, l.scrape(), "mockforge_chaos_triggers_total")
		}
		cancel()
		<-done
	}
}

// The page lists every metric that there is, and no other.
func TestPageListsMetrics(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{})
	page, err := os.ReadFile("../docs/OBSERVABILITY.md")
	require.NoError(t, err)
	suffix := regexp.MustCompile(`_(bucket|sum|count)$`)
	var documented []string
	for _, name := range regexp.MustCompile(`\bmockforge_[a-z_]+`).FindAllString(string(page), -1) {
		documented = append(documented, suffix.ReplaceAllString(name, ""))
	}
	slices.Sort(documented)
	require.Equal(t, server.MetricNames(l.Server), slices.Compact(documented))
}
