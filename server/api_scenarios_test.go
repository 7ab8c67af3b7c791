package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/server"
)

func (l *live) scenarios(t *testing.T) []string {
	t.Helper()
	var started []struct {
		Name   string
		Config map[string]any
	}
	l.ask(t, "GET", "/scenarios", nil).ok(t).into(t, &started)
	names := []string{}
	for _, s := range started {
		require.NotEmpty(t, s.Config)
		names = append(names, s.Name)
	}
	var status server.ChaosStatus
	l.ask(t, "GET", "/status", nil).ok(t).into(t, &status)
	require.Equal(t, names, status.ActiveScenarios)
	return names
}

func TestScenariosCanBeListed(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{})
	var all []server.NamedScenario
	l.ask(t, "GET", "/scenarios/predefined", nil).ok(t).into(t, &all)
	require.Equal(t, server.Scenarios(), all)
	require.Len(t, all, 5)
	m := l.ask(t, "POST", "/scenarios/peak_traffic", nil).says(t, 200, "Scenario 'peak_traffic' started").message(t)
	require.Equal(t, "chaos is disabled: it takes effect after POST /api/chaos/enable", m.Warnings[0].Message)
}

// Started scenarios act together, and the config is as before once they stop.
func TestScenarios(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true, Config: injector.Config{Bulkhead: &injector.Bulkhead{MaxConcurrentRequests: 7}, RateLimit: &injector.RateLimit{RequestsPerSecond: 9999, BurstSize: 999}}})
	before := l.ask(t, "GET", "/config", nil).ok(t).body
	require.Empty(t, l.scenarios(t))

	l.ask(t, "POST", "/scenarios/service_instability", nil).says(t, 200, "Scenario 'service_instability' started")
	l.ask(t, "POST", "/scenarios/peak_traffic", nil).says(t, 200, "Scenario 'peak_traffic' started")
	require.Equal(t, []string{"service_instability", "peak_traffic"}, l.scenarios(t))
	both := l.config(t)
	require.Contains(t, string(both.FaultInjection), `"http_error_probability"`)
	require.Contains(t, string(both.RateLimit), `50`)
	require.Contains(t, string(both.Bulkhead), `7`)

	l.ask(t, "DELETE", "/scenarios/service_instability", nil).says(t, 200, "Scenario 'service_instability' stopped")
	l.ask(t, "DELETE", "/scenarios/service_instability", nil).says(t, 404, "Scenario 'service_instability' not found or not running")
	require.Equal(t, []string{"peak_traffic"}, l.scenarios(t))
	l.ask(t, "DELETE", "/scenarios/peak_traffic", nil).says(t, 200, "Scenario 'peak_traffic' stopped")
	require.JSONEq(t, string(before), string(l.ask(t, "GET", "/config", nil).ok(t).body))

	l.ask(t, "POST", "/scenarios/slow_backend", nil).ok(t)
	l.ask(t, "POST", "/scenarios/slow_backend", nil).ok(t)
	require.Equal(t, []string{"slow_backend"}, l.scenarios(t), "starting twice is starting once")
	l.ask(t, "DELETE", "/scenarios", nil).says(t, 200, "All scenarios stopped")
	require.JSONEq(t, string(before), string(l.ask(t, "GET", "/config", nil).ok(t).body))

	l.ask(t, "POST", "/scenarios/slow_backnd", nil).says(t, 404,
		"Scenario 'slow_backnd' not found: there are network_degradation, service_instability, cascading_failure, peak_traffic, slow_backend")
	require.Equal(t, 404, l.ask(t, "POST", "/scenarios/slow_3g", nil).status, "a profile is applied, not started")
}

// Two scenarios act on the same requests: ten of them pass the limit of
// peak_traffic, and service_instability fails some of those.
func TestScenariosActTogether(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true, Config: injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{418}, HTTPErrorProbability: new(1.0)}}})
	l.ask(t, "POST", "/scenarios/peak_traffic", nil).ok(t)
	l.ask(t, "PUT", "/config/rate-limit", `{"requests_per_second": 0.001, "burst_size": 1}`).ok(t)
	l.hits(t, 418, "config")
	l.hits(t, 429, "config")
	l.ask(t, "POST", "/scenarios/peak_traffic", nil).ok(t)
	l.ask(t, "POST", "/scenarios/service_instability", nil).ok(t)
	// The time-outs of service_instability would take 5 s each, and a slow
	// machine would never meet a limit of 50 requests a second.
	l.ask(t, "PUT", "/config/faults", `{"timeout_ms": 1}`).ok(t)
	l.ask(t, "PUT", "/config/rate-limit", `{"requests_per_second": 0.001}`).ok(t)
	failed := 0
	for n := range 20 {
		status, _ := probe(t, l.URL())
		require.Equal(t, n >= 10, status == 429, "%d to request %d", status, n)
		if status >= 500 {
			failed++
		}
	}
	require.Positive(t, failed)
	require.NotEqual(t, 429, l.send("GET", "/carts", ""), "its limit is for each endpoint")
}
