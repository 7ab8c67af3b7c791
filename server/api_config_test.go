package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/server"
)

const always503 = `{"http_errors": [503], "http_error_probability": 1}`

// hits requires what the next request meets.
func (l *live) hits(t *testing.T, status int, steps ...string) {
	t.Helper()
	got, by := probe(t, l.URL())
	require.Equal(t, status, got)
	require.Equal(t, steps, by)
}

func (l *live) config(t *testing.T) (c server.ConfigView) {
	t.Helper()
	l.ask(t, "GET", "/config", nil).ok(t).into(t, &c)
	return c
}

func TestEmptyConfig(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	require.JSONEq(t, `{"enabled": true, "latency": null, "fault_injection": null, "rate_limit": null, "traffic_shaping": null, "circuit_breaker": null, "bulkhead": null}`,
		string(l.ask(t, "GET", "/config", nil).ok(t).body))
}

// Every change is in force for the next request.
func TestConfigTakesEffect(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	l.hits(t, 200)
	l.ask(t, "PUT", "/config", `{"fault_injection": `+always503+`}`).says(t, 200, "Configuration updated")
	l.hits(t, 503, "config")

	// The switch alone keeps the sections.
	l.ask(t, "PUT", "/config", `{"enabled": false}`).says(t, 200, "Configuration updated")
	l.hits(t, 200)
	require.NotEqual(t, "null", string(l.config(t).FaultInjection))
	l.ask(t, "PUT", "/config", `{"enabled": true}`).says(t, 200, "Configuration updated")
	l.hits(t, 503, "config")
	l.ask(t, "POST", "/disable", nil).says(t, 200, "Chaos engineering disabled")
	l.hits(t, 200)
	l.ask(t, "POST", "/enable", nil).says(t, 200, "Chaos engineering enabled")
	l.hits(t, 503, "config")

	// What was read can be put back, also where it was empty.
	l.ask(t, "POST", "/reset", nil).says(t, 200, "Chaos configuration reset")
	l.hits(t, 200)
	empty := l.ask(t, "GET", "/config", nil).ok(t).body
	l.ask(t, "PUT", "/config/faults", always503).says(t, 200, "Fault injection configuration updated")
	full := l.ask(t, "GET", "/config", nil).ok(t).body
	l.ask(t, "PUT", "/config", string(empty)).says(t, 200, "Configuration updated")
	l.hits(t, 200)
	l.ask(t, "PUT", "/config", string(full)).says(t, 200, "Configuration updated")
	l.hits(t, 503, "config")
	require.JSONEq(t, string(full), string(l.ask(t, "GET", "/config", nil).ok(t).body))
	l.ask(t, "PUT", "/config", `{}`).says(t, 200, "Configuration updated")
	l.hits(t, 200)

	m := l.ask(t, "PUT", "/config", `{"enabled": false, "fault_injection": `+always503+`}`).ok(t).message(t)
	require.Equal(t, "chaos is disabled: it takes effect after POST /api/chaos/enable", m.Warnings[0].Message)
	l.hits(t, 200)
}

// Each section can be switched off and on again by a body that says only so.
func TestPartialSections(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path, section, message, fields string
	}{
		{"latency", "latency", "Latency", `{"fixed_delay_ms": 1, "jitter_percent": 10}`},
		{"faults", "fault_injection", "Fault injection", `{"http_errors": [503], "http_error_probability": 0.5, "request_matcher": {"paths": ["/a"], "methods": ["GET"]}}`},
		{"rate-limit", "rate_limit", "Rate limit", `{"requests_per_second": 50, "burst_size": 5, "per_ip": true}`},
		{"traffic", "traffic_shaping", "Traffic shaping", `{"bandwidth_limit_bps": 1000000, "max_connections": 7}`},
		{"circuit-breaker", "circuit_breaker", "Circuit breaker", `{"failure_threshold": 3, "timeout_ms": 100}`},
		{"bulkhead", "bulkhead", "Bulkhead", `{"max_concurrent_requests": 3, "max_queue_size": 1}`},
	}
	for _, tt := range tests {
		t.Run(tt.section, func(t *testing.T) {
			t.Parallel()
			l := serveLive(t, server.Options{Chaos: true})
			section := func() (fields map[string]any, on bool) {
				var config map[string]json.RawMessage
				l.ask(t, "GET", "/config", nil).ok(t).into(t, &config)
				require.NoError(t, json.Unmarshal(config[tt.section], &fields))
				var status map[string]any
				l.ask(t, "GET", "/status", nil).ok(t).into(t, &status)
				return fields, status[tt.section+"_enabled"].(bool)
			}
			put := func(body string) {
				l.ask(t, "PUT", "/config/"+tt.path, body).says(t, 200, tt.message+" configuration updated")
			}
			put(tt.fields)
			before, on := section()
			require.True(t, on)
			put(`{"enabled": false}`)
			off, on := section()
			require.False(t, on)
			require.Equal(t, false, off["enabled"])
			put(`{"enabled": true}`)
			after, on := section()
			require.True(t, on)
			require.Equal(t, true, after["enabled"])
			put(`{"enabled": null}`)
			after, _ = section()
			require.Equal(t, before, after)

			l.ask(t, "PUT", "/config/"+tt.path, `{"enabled": 1, "nonsense": 2}`).says(t, 422, "1:13: "+tt.section+`.enabled: must be true or false, not the number 1; did you mean "true"?`+
				"\n1:16: "+tt.section+".nonsense: unknown field")
			l.ask(t, "PUT", "/config/"+tt.path, `[]`).says(t, 422, "1:1: "+tt.section+": must be a mapping, not a list")
			l.ask(t, "PUT", "/config/"+tt.path, ` null`).says(t, 422, "1:1: "+tt.section+": must be a mapping, not null")
			l.ask(t, "PUT", "/config/"+tt.path, strings.Repeat(" ", 1<<20)+`{}`).says(t, 422, "1:1: larger than 1048576 bytes")
			l.ask(t, "PUT", "/config/"+tt.path, `{"enabled": `).says(t, 400, "the body is not JSON: 1:12: not JSON: unexpected end of JSON input")
			l.ask(t, "PUT", "/config/"+tt.path, ``).says(t, 400, "the body is empty: this call takes a JSON object")
			l.ask(t, "PUT", "/config/"+tt.path, `{"enabled": true, "enabled": false}`).says(t, 422, "1:19: "+tt.section+".enabled: duplicate key, first on line 1")
			after, _ = section()
			require.Equal(t, before, after, "a refused body changes nothing")
		})
	}
}

// A refused change leaves the layer in force alone, with its buckets.
func TestRefusedChangeKeepsTheLayer(t *testing.T) {
	t.Parallel()
	slow := injector.Config{RateLimit: &injector.RateLimit{RequestsPerSecond: 0.001, BurstSize: 1}}
	l := serveLive(t, server.Options{Chaos: true, Config: slow})
	l.hits(t, 200)
	l.hits(t, 429, "config")
	require.Equal(t, 422, l.ask(t, "PUT", "/config/latency", `{"probability": 2}`).status)
	require.Equal(t, 422, l.ask(t, "PUT", "/config", `{"latency": {"probability": 2}}`).status)
	require.Equal(t, 404, l.ask(t, "DELETE", "/scenarios/slow_backend", nil).status)
	require.Equal(t, 404, l.ask(t, "POST", "/profiles/none/apply", nil).status)
	l.ask(t, "POST", "/enable", nil).ok(t)
	l.hits(t, 429, "config")
}

func TestInvalidConfig(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	a := l.ask(t, "PUT", "/config", "{\"latency\": {\"probability\": 2},\n \"fault_injection\": {\"http_errors\": [42]}, \"latncy\": {}}")
	require.Equal(t, 422, a.status)
	problems := a.failure(t).Problems
	require.Len(t, problems, 3)
	require.Equal(t, `1:29: latency.probability: 2 is out of range: must be 0 to 1`, problems[0].String())
	require.Equal(t, `2:38: fault_injection.http_errors[0]: 42 is out of range: must be 200 to 999`, problems[1].String())
	require.Equal(t, `2:44: latncy: unknown field; did you mean "latency"?`, problems[2].String())
	a = l.ask(t, "PUT", "/config", "{\n nonsense")
	a.says(t, 400, "the body is not JSON: 2:2: not JSON: invalid character 'n' looking for beginning of object key st…")
	require.Equal(t, 2, a.failure(t).Problems[0].Line)
}

// A server that was started without chaos injects as soon as it is enabled.
func TestEnableLater(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Config: injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(1.0)}}})
	l.hits(t, 200)
	l.ask(t, "POST", "/enable", nil).ok(t)
	l.hits(t, 503, "config")
}

func TestStatusAndNumbers(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true, Version: "1.2.3"})
	var s server.ChaosStatus
	l.ask(t, "GET", "/status", nil).ok(t).into(t, &s)
	require.True(t, s.Enabled)
	require.Equal(t, "1.2.3", s.Version)
	require.Equal(t, []server.TargetStatus{{Name: "default", Upstream: s.Targets[0].Upstream, URL: l.URL()}}, s.Targets)
	require.JSONEq(t, `{"count": 0, "min_ms": 0, "max_ms": 0, "avg_ms": 0, "p50_ms": 0, "p95_ms": 0, "p99_ms": 0}`, string(l.ask(t, "GET", "/metrics/latency/stats", nil).ok(t).body))
	require.JSONEq(t, `{"samples": []}`, string(l.ask(t, "GET", "/metrics/latency", nil).ok(t).body))
	require.JSONEq(t, `{"is_running": false, "name": null, "progress": 0.0}`, string(l.ask(t, "GET", "/orchestration/status", nil).ok(t).body))

	l.ask(t, "PUT", "/config", `{"latency": {"fixed_delay_ms": 2}, "fault_injection": `+always503+`}`).ok(t)
	for range 5 {
		l.hits(t, 503, "config")
	}
	var stats server.Stats
	l.ask(t, "GET", "/stats", nil).ok(t).into(t, &stats)
	require.EqualValues(t, 5, stats.RequestsObserved)
	require.EqualValues(t, 5, stats.FaultsTotalByType["http_error"])
	require.EqualValues(t, 5, stats.LatencySamplesByEndpoint["GET /orders"])
	var latency server.LatencyStats
	l.ask(t, "GET", "/metrics/latency/stats", nil).ok(t).into(t, &latency)
	require.Equal(t, server.LatencyStats{Count: 5, Min: 2, Max: 2, Avg: 2, P50: 2, P95: 2, P99: 2}, latency)
	require.Contains(t, string(l.ask(t, "GET", "/metrics/latency", nil).ok(t).body), `"latency_ms":2`)
}
