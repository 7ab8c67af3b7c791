package client_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

// Every endpoint: what goes to the server, and what comes back.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	type call = func(context.Context, *client.Client) (any, error)
	tests := []struct {
		name   string
		call   call
		line   string
		body   string // sent; "": none
		answer string
		want   any
	}{
		{"status", func(ctx context.Context, c *client.Client) (any, error) { return c.Status(ctx) },
			"GET /api/chaos/orchestration/status", "", `{"is_running": true, "name": "x", "progress": 0.45, "id": "r1", "state": "running", "seed": "0x1f", "current_steps": ["a"], "from_the_future": 1}`,
			client.Status{Running: true, Report: orchestrator.Report{ID: "r1", Name: "x", Progress: 0.45, State: orchestrator.RunRunning, Seed: "0x1f", Current: []string{"a"}}}},
		{"idle status", func(ctx context.Context, c *client.Client) (any, error) { return c.Status(ctx) },
			"GET /api/chaos/orchestration/status", "", `{"is_running": false, "name": null, "progress": 0.0}`, client.Status{}},
		{"start", func(ctx context.Context, c *client.Client) (any, error) {
			return c.Start(ctx, &orchestrator.Orchestration{Name: "x", Seed: new(uint64(7)),
				Steps: []orchestrator.Step{{Name: "a", Duration: 1500 * time.Millisecond, Expect: []assert.Expectation{assert.MustParse("p99 <= 800ms")}}}})
		}, "POST /api/chaos/orchestration/start", `{"name": "x", "seed": 7, "steps": [{"name": "a", "duration_seconds": 1.5, "expect": ["p99 <= 800ms"]}]}`,
			`{"message": "Orchestration 'x' started successfully", "id": "r1", "seed": "0x7", "warnings": [{"line": 1, "column": 2, "path": "steps[0]", "message": "odd", "rule": "unused"}]}`,
			client.Started{Message: "Orchestration 'x' started successfully", ID: "r1", Seed: "0x7", Warnings: []orchestrator.Problem{{Line: 1, Column: 2, Path: "steps[0]", Message: "odd", Rule: "unused"}}}},
		{"start by name", func(ctx context.Context, c *client.Client) (any, error) { return c.StartNamed(ctx, "x", nil) },
			"POST /api/chaos/orchestration/start", `{"name": "x"}`, `{"message": "m"}`, client.Started{Message: "m"}},
		{"start by name with the largest seed", func(ctx context.Context, c *client.Client) (any, error) {
			return c.StartNamed(ctx, "x", new(^uint64(0)))
		}, "POST /api/chaos/orchestration/start", `{"name": "x", "seed": "0xffffffffffffffff"}`, `{"message": "m"}`, client.Started{Message: "m"}},
		{"stop", func(ctx context.Context, c *client.Client) (any, error) { return c.Stop(ctx) },
			"POST /api/chaos/orchestration/stop", "", `{"message": "Orchestration stopped"}`, client.Reply{Message: "Orchestration stopped"}},
		{"import", func(ctx context.Context, c *client.Client) (any, error) {
			return c.Import(ctx, []byte("name: x # ünïcode\n"), orchestrator.YAML)
		}, "POST /api/chaos/orchestration/import", `{"content": "name: x # ünïcode\n", "format": "yaml"}`,
			`{"message": "Orchestration 'x' imported successfully (3 steps)", "warnings": []}`,
			client.Reply{Message: "Orchestration 'x' imported successfully (3 steps)", Warnings: []orchestrator.Problem{}}},
		{"export", func(ctx context.Context, c *client.Client) (any, error) {
			return c.Export(ctx, "a/b c?", orchestrator.JSON)
		},
			"GET /api/chaos/orchestrations/a%2Fb%20c%3F/export?format=json", "", "{\n}\n", []byte("{\n}\n")},
		{"delete", func(ctx context.Context, c *client.Client) (any, error) { return c.Delete(ctx, "x") },
			"DELETE /api/chaos/orchestrations/x", "", `{"message": "Orchestration 'x' deleted"}`, client.Reply{Message: "Orchestration 'x' deleted"}},
		{"list", func(ctx context.Context, c *client.Client) (any, error) { return c.List(ctx) },
			"GET /api/chaos/orchestrations", "", `[{"name": "x", "description": "d", "tags": ["t"], "steps": 3, "imported_at": "2026-01-02T03:04:05Z"}]`,
			[]client.Imported{{Name: "x", Description: "d", Tags: []string{"t"}, Steps: 3, ImportedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}},
		{"history", func(ctx context.Context, c *client.Client) (any, error) { return c.History(ctx) },
			"GET /api/chaos/orchestration/history", "", `[{"id": "r2"}, {"id": "r1"}]`, []orchestrator.Report{{ID: "r2"}, {ID: "r1"}}},
		{"run", func(ctx context.Context, c *client.Client) (any, error) { return c.Run(ctx, "r1") },
			"GET /api/chaos/orchestration/history/r1", "", `{"id": "r1", "state": "failed", "steps": [{"name": "a", "state": "failed", "checks": [{"expectation": "p99 <= 1s", "status": "fail"}]}]}`,
			orchestrator.Report{ID: "r1", State: orchestrator.RunFailed, Steps: []orchestrator.StepReport{{Name: "a", State: orchestrator.StepFailed, Checks: []orchestrator.CheckReport{{Expectation: "p99 <= 1s", Status: "fail"}}}}}},
		{"config", func(ctx context.Context, c *client.Client) (any, error) { return c.Config(ctx) },
			"GET /api/chaos/config", "", `{"enabled":true}`, json.RawMessage(`{"enabled":true}`)},
		{"set config", func(ctx context.Context, c *client.Client) (any, error) {
			return c.SetConfig(ctx, json.RawMessage(`{"latency": {"fixed_delay_ms": 50}}`))
		}, "PUT /api/chaos/config", `{"latency": {"fixed_delay_ms": 50}}`, `{"message": "Configuration updated"}`, client.Reply{Message: "Configuration updated"}},
		{"set section", func(ctx context.Context, c *client.Client) (any, error) {
			return c.SetSection(ctx, "rate-limit", json.RawMessage(`{"enabled": false}`))
		}, "PUT /api/chaos/config/rate-limit", `{"enabled": false}`, `{"message": "Rate limit configuration updated"}`, client.Reply{Message: "Rate limit configuration updated"}},
		{"enable", func(ctx context.Context, c *client.Client) (any, error) { return c.Enable(ctx) },
			"POST /api/chaos/enable", "", `{"message": "Chaos engineering enabled"}`, client.Reply{Message: "Chaos engineering enabled"}},
		{"disable", func(ctx context.Context, c *client.Client) (any, error) { return c.Disable(ctx) },
			"POST /api/chaos/disable", "", `{"message": "Chaos engineering disabled"}`, client.Reply{Message: "Chaos engineering disabled"}},
		{"reset", func(ctx context.Context, c *client.Client) (any, error) { return c.Reset(ctx) },
			"POST /api/chaos/reset", "", `{"message": "Chaos configuration reset"}`, client.Reply{Message: "Chaos configuration reset"}},
		{"chaos status", func(ctx context.Context, c *client.Client) (any, error) { return c.ChaosStatus(ctx) },
			"GET /api/chaos/status", "", `{"enabled": true, "active_scenarios": ["s"], "latency_enabled": true, "bulkhead_enabled": true, "grpc_enabled": true, "orchestration": {"is_running": true, "name": "x"}, "targets": [{"name": "default", "upstream": "http://u", "url": "http://l"}], "version": "v1"}`,
			client.ChaosStatus{Enabled: true, ActiveScenarios: []string{"s"}, Latency: true, Bulkhead: true, GRPC: true, Version: "v1",
				Orchestration: &client.Status{Running: true, Report: orchestrator.Report{Name: "x"}}, Targets: []client.Target{{Name: "default", Upstream: "http://u", URL: "http://l"}}}},
		{"stats", func(ctx context.Context, c *client.Client) (any, error) { return c.Stats(ctx) },
			"GET /api/chaos/stats", "", `{"faults_grand_total": 3, "faults_total_by_type": {"http_error": 3}, "faults_by_type": {"http_error": {"GET /a": 3}}, "latency_avg_ms_by_endpoint": {"GET /a": 1.5}}`,
			client.Stats{Faults: 3, FaultsByType: map[string]int{"http_error": 3}, FaultsByEndpoint: map[string]map[string]int{"http_error": {"GET /a": 3}}, LatencyAverageByEndpoint: map[string]float64{"GET /a": 1.5}}},
		{"latency samples", func(ctx context.Context, c *client.Client) (any, error) { return c.LatencySamples(ctx) },
			"GET /api/chaos/metrics/latency", "", `{"samples": [{"timestamp": 1760000000000, "latency_ms": 12}]}`, []client.LatencySample{{Timestamp: 1760000000000, Latency: 12}}},
		{"latency stats", func(ctx context.Context, c *client.Client) (any, error) { return c.LatencyStats(ctx) },
			"GET /api/chaos/metrics/latency/stats", "", `{"count": 2, "min_ms": 1, "max_ms": 3, "avg_ms": 2, "p50_ms": 1, "p95_ms": 3, "p99_ms": 3}`,
			client.LatencyStats{Count: 2, Min: 1, Max: 3, Mean: 2, P50: 1, P95: 3, P99: 3}},
		{"profiles", func(ctx context.Context, c *client.Client) (any, error) { return c.Profiles(ctx) },
			"GET /api/chaos/profiles", "", `[{"name": "slow_3g", "builtin": true, "chaos_config": {"enabled":true}, "tags": ["mobile"]}]`,
			[]client.Profile{{Name: "slow_3g", Builtin: true, Tags: []string{"mobile"}, Config: json.RawMessage(`{"enabled":true}`)}}},
		{"profile", func(ctx context.Context, c *client.Client) (any, error) { return c.Profile(ctx, "x") },
			"GET /api/chaos/profiles/x", "", `{"name": "x"}`, client.Profile{Name: "x"}},
		{"create profile", func(ctx context.Context, c *client.Client) (any, error) {
			return c.CreateProfile(ctx, client.Profile{Name: "x", Config: json.RawMessage(`{"bulkhead": {}}`)})
		}, "POST /api/chaos/profiles", `{"name": "x", "builtin": false, "chaos_config": {"bulkhead": {}}}`, `{"message": "Profile 'x' created"}`, client.Reply{Message: "Profile 'x' created"}},
		{"delete profile", func(ctx context.Context, c *client.Client) (any, error) { return c.DeleteProfile(ctx, "x") },
			"DELETE /api/chaos/profiles/x", "", `{"message": "gone"}`, client.Reply{Message: "gone"}},
		{"apply profile", func(ctx context.Context, c *client.Client) (any, error) { return c.ApplyProfile(ctx, "slow_3g") },
			"POST /api/chaos/profiles/slow_3g/apply", "", `{"message": "Profile 'slow_3g' applied successfully"}`, client.Reply{Message: "Profile 'slow_3g' applied successfully"}},
		{"export profile", func(ctx context.Context, c *client.Client) (any, error) {
			return c.ExportProfile(ctx, "x", orchestrator.YAML)
		}, "GET /api/chaos/profiles/x/export?format=yaml", "", "name: x\n", []byte("name: x\n")},
		{"import profile", func(ctx context.Context, c *client.Client) (any, error) {
			return c.ImportProfile(ctx, []byte("name: x"), orchestrator.YAML)
		}, "POST /api/chaos/profiles/import", `{"content": "name: x", "format": "yaml"}`, `{"message": "Profile 'x' imported successfully"}`, client.Reply{Message: "Profile 'x' imported successfully"}},
		{"scenarios", func(ctx context.Context, c *client.Client) (any, error) { return c.Scenarios(ctx) },
			"GET /api/chaos/scenarios", "", `[{"name": "slow_backend", "config": {}}]`, []client.Scenario{{Name: "slow_backend", Config: json.RawMessage(`{}`)}}},
		{"predefined scenarios", func(ctx context.Context, c *client.Client) (any, error) { return c.PredefinedScenarios(ctx) },
			"GET /api/chaos/scenarios/predefined", "", `[{"name": "slow_backend", "description": "d", "tags": ["latency"]}]`, []client.Scenario{{Name: "slow_backend", Description: "d", Tags: []string{"latency"}}}},
		{"start scenario", func(ctx context.Context, c *client.Client) (any, error) { return c.StartScenario(ctx, "slow_backend") },
			"POST /api/chaos/scenarios/slow_backend", "", `{"message": "Scenario 'slow_backend' started"}`, client.Reply{Message: "Scenario 'slow_backend' started"}},
		{"stop scenario", func(ctx context.Context, c *client.Client) (any, error) { return c.StopScenario(ctx, "slow_backend") },
			"DELETE /api/chaos/scenarios/slow_backend", "", `{"message": "Scenario 'slow_backend' stopped"}`, client.Reply{Message: "Scenario 'slow_backend' stopped"}},
		{"stop scenarios", func(ctx context.Context, c *client.Client) (any, error) { return c.StopScenarios(ctx) },
			"DELETE /api/chaos/scenarios", "", `{"message": "All scenarios stopped"}`, client.Reply{Message: "All scenarios stopped"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := record(t, answer(http.StatusOK, tt.answer))
			got, err := tt.call(t.Context(), newClient(t, server.URL))
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			require.Len(t, server.requests(), 1)
			request := server.requests()[0]
			require.Equal(t, tt.line, request.line)
			if tt.body == "" {
				require.Empty(t, request.body)
				return
			}
			require.JSONEq(t, tt.body, request.body)
			require.Equal(t, "application/json", request.header.Get("Content-Type"))
		})
	}
}

// What cannot be right is not sent.
func TestNotSent(t *testing.T) {
	t.Parallel()
	server := record(t, answer(http.StatusOK, `{}`))
	c := newClient(t, server.URL)

	_, err := c.Start(t.Context(), &orchestrator.Orchestration{Name: "x"})
	var invalid *orchestrator.InvalidError
	require.ErrorAs(t, err, &invalid)
	_, err = c.SetConfig(t.Context(), json.RawMessage(`{"latency":`))
	require.ErrorContains(t, err, "set config: unexpected end of JSON input")
	_, err = c.SetSection(t.Context(), "latency", nil)
	require.ErrorContains(t, err, "set section latency: unexpected end of JSON input")
	_, err = c.SetSection(t.Context(), "latencies", json.RawMessage(`{}`))
	require.EqualError(t, err, `set section: no section is called "latencies": use latency, faults, rate-limit, traffic, circuit-breaker, bulkhead, grpc, websocket, graphql, tcp`)
	_, err = c.Wait(t.Context(), "", nil)
	require.EqualError(t, err, "wait: no run ID; Started and Status have it")
	require.Empty(t, server.requests())
}

// A status is written as the server writes it.
func TestStatusJSON(t *testing.T) {
	t.Parallel()
	written, err := json.Marshal(client.Status{})
	require.NoError(t, err)
	require.JSONEq(t, `{"is_running": false, "name": null, "progress": 0}`, string(written))

	const document = `{"is_running": true, "name": "x", "progress": 0.5, "id": "r1", "state": "running", "iteration": 1, "iterations": 1, "seed": "0x1",
		"elapsed_seconds": 1, "remaining_seconds": 1, "steps": [], "counts": {"operations": 1, "failed": 0, "error_rate": 0, "throughput": 1, "p50_ms": 1, "p99_ms": 1,
		"requests": 1, "server_errors": 0, "server_error_rate": 0}}`
	var status client.Status
	require.NoError(t, json.Unmarshal([]byte(document), &status))
	written, err = json.Marshal(status)
	require.NoError(t, err)
	require.JSONEq(t, document, string(written))
}
