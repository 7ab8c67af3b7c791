package client_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
	"github.com/mockforge-go/mockforge/server/client"
)

// realServer runs until the test ends.
func realServer(t *testing.T, opts server.Options) *client.Client {
	t.Helper()
	opts.Port, opts.Logger = server.AnyPort, slog.New(slog.DiscardHandler)
	s, err := server.New(opts)
	require.NoError(t, err)
	require.NoError(t, s.Listen())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return newClient(t, s.URL(), client.WithToken(opts.AdminToken), client.WithPollInterval(20*time.Millisecond))
}

// The server and its client mean the same, from the import to the history.
func TestServerRun(t *testing.T) {
	t.Parallel()
	c := realServer(t, server.Options{Chaos: true, AdminToken: "t"})
	ctx := t.Context()

	status, err := c.Status(ctx)
	require.NoError(t, err)
	require.Equal(t, client.Status{}, status)

	o := &orchestrator.Orchestration{
		Name: "x", Seed: new(^uint64(0)), Load: &orchestrator.Traffic{Rate: 50, Path: "/orders"},
		Steps: []orchestrator.Step{{
			Name: "a", Duration: 3 * time.Second, // it runs while it is looked at
			Scenario: orchestrator.Scenario{Config: &injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(1.0)}}},
			Expect:   []assert.Expectation{assert.ErrorRate().AtLeast(0.5), assert.Operations().AtMost(1)},
		}},
	}
	started, err := c.Start(ctx, o)
	require.NoError(t, err)
	require.Equal(t, "Orchestration 'x' started successfully", started.Message)
	require.Equal(t, "0xffffffffffffffff", started.Seed)
	status, err = c.Status(ctx)
	require.NoError(t, err)
	require.True(t, status.Running, "start returns when it runs")
	require.Equal(t, started.ID, status.ID)

	_, err = c.Start(ctx, o)
	var refused *client.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusConflict, refused.StatusCode)

	var last orchestrator.Report
	report, err := c.Wait(ctx, started.ID, func(r orchestrator.Report) { last = r })
	require.NoError(t, err)
	require.Equal(t, report, last)
	require.Equal(t, orchestrator.RunFailed, report.State)
	require.Equal(t, "fail", report.Steps[0].Checks[1].Status)
	require.Positive(t, report.Counts.Injected["http_error"])

	history, err := c.History(ctx)
	require.NoError(t, err)
	require.Len(t, history, 1)
	require.Equal(t, started.ID, history[0].ID)
	_, err = c.Run(ctx, "unknown")
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusNotFound, refused.StatusCode)

	stats, err := c.Stats(ctx)
	require.NoError(t, err)
	require.Equal(t, report.Counts.Injected["http_error"], stats.FaultsByType["http_error"])

	reply, err := c.Stop(ctx)
	require.NoError(t, err)
	require.Equal(t, "No orchestration currently running", reply.Message)
}

func TestServerLibrary(t *testing.T) {
	t.Parallel()
	c := realServer(t, server.Options{Chaos: true})
	ctx := t.Context()
	reply, err := c.Import(ctx, []byte("name: x\ntags: [ci]\nsteps: [a (1h)]\nloop_orchestration: true\n"), orchestrator.YAML)
	require.NoError(t, err)
	require.Equal(t, "Orchestration 'x' imported successfully (1 steps)", reply.Message)
	require.Len(t, reply.Warnings, 1)
	kept, err := c.List(ctx)
	require.NoError(t, err)
	require.Len(t, kept, 1)
	require.Equal(t, []string{"ci"}, kept[0].Tags)
	require.Equal(t, 1, kept[0].Steps)
	require.WithinDuration(t, time.Now(), kept[0].ImportedAt, time.Minute)
	for _, format := range []orchestrator.Format{orchestrator.YAML, orchestrator.JSON} {
		text, err := c.Export(ctx, "x", format)
		require.NoError(t, err)
		o, _, err := orchestrator.Parse(text, format)
		require.NoError(t, err)
		require.Equal(t, "x", o.Name)
	}
	started, err := c.StartNamed(ctx, "x", new(^uint64(0)-1))
	require.NoError(t, err)
	require.Equal(t, "0xfffffffffffffffe", started.Seed, "to the last digit")
	_, err = c.Stop(ctx)
	require.NoError(t, err)
	_, err = c.Delete(ctx, "x")
	require.NoError(t, err)
	_, err = c.Export(ctx, "x", orchestrator.YAML)
	var refused *client.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusNotFound, refused.StatusCode)

	_, err = c.Import(ctx, []byte("name: x\nsteps: []\n"), orchestrator.YAML)
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusUnprocessableEntity, refused.StatusCode)
	_, _, local := orchestrator.Parse([]byte("name: x\nsteps: []\n"), orchestrator.YAML)
	var invalid *orchestrator.InvalidError
	require.ErrorAs(t, local, &invalid)
	require.Equal(t, invalid.Problems, refused.Problems, "the same here and there")
}

func TestServerConfig(t *testing.T) {
	t.Parallel()
	c := realServer(t, server.Options{})
	ctx := t.Context()
	_, err := c.SetConfig(ctx, json.RawMessage(`{"latency": {"fixed_delay_ms": 5, "jitter_percent": 10}}`))
	require.NoError(t, err)
	for _, section := range client.Sections() {
		_, err := c.SetSection(ctx, section, json.RawMessage(`{"enabled": true}`))
		require.NoError(t, err, section)
	}
	reply, err := c.SetSection(ctx, "latency", json.RawMessage(`{"fixed_delay_ms": 7}`))
	require.NoError(t, err)
	require.Equal(t, "Latency configuration updated", reply.Message)
	text, err := c.Config(ctx)
	require.NoError(t, err)
	config, _, err := orchestrator.ParseConfig(text, orchestrator.JSON)
	require.NoError(t, err)
	require.Equal(t, 7*time.Millisecond, config.Latency.FixedDelay)
	require.Equal(t, 10., config.Latency.JitterPercent)
	require.True(t, config.Disabled())

	_, err = c.SetSection(ctx, "latency", json.RawMessage(`{"fixed_delay_ms": -1}`))
	var refused *client.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusUnprocessableEntity, refused.StatusCode)
	require.Len(t, refused.Problems, 1)

	_, err = c.Enable(ctx)
	require.NoError(t, err)
	chaos, err := c.ChaosStatus(ctx)
	require.NoError(t, err)
	require.True(t, chaos.Enabled)
	require.True(t, chaos.Latency)
	require.Equal(t, "default", chaos.Targets[0].Name)
	response, err := http.Get(chaos.Targets[0].URL + "/orders")
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	samples, err := c.LatencySamples(ctx)
	require.NoError(t, err)
	require.Len(t, samples, 1)
	summary, err := c.LatencyStats(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, summary.Count)
	require.Equal(t, samples[0].Latency, summary.P99)

	_, err = c.Disable(ctx)
	require.NoError(t, err)
	_, err = c.Reset(ctx)
	require.NoError(t, err)
	chaos, err = c.ChaosStatus(ctx)
	require.NoError(t, err)
	require.False(t, chaos.Latency)
}

func TestServerNames(t *testing.T) {
	t.Parallel()
	c := realServer(t, server.Options{Chaos: true})
	ctx := t.Context()
	profiles, err := c.Profiles(ctx)
	require.NoError(t, err)
	require.Len(t, profiles, 5)
	require.True(t, profiles[0].Builtin)
	_, err = c.CreateProfile(ctx, client.Profile{Name: "mine", Description: "d", Tags: []string{"t"}, Config: profiles[0].Config})
	require.NoError(t, err)
	_, err = c.CreateProfile(ctx, client.Profile{Name: profiles[0].Name, Config: profiles[0].Config})
	var refused *client.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusConflict, refused.StatusCode)
	mine, err := c.Profile(ctx, "mine")
	require.NoError(t, err)
	require.False(t, mine.Builtin)
	require.JSONEq(t, string(profiles[0].Config), string(mine.Config))
	text, err := c.ExportProfile(ctx, "mine", orchestrator.YAML)
	require.NoError(t, err)
	_, err = c.ImportProfile(ctx, text, orchestrator.YAML)
	require.NoError(t, err)
	_, err = c.ApplyProfile(ctx, "mine")
	require.NoError(t, err)
	_, err = c.DeleteProfile(ctx, "mine")
	require.NoError(t, err)

	predefined, err := c.PredefinedScenarios(ctx)
	require.NoError(t, err)
	require.Len(t, predefined, 5)
	_, err = c.StartScenario(ctx, "slow_backend")
	require.NoError(t, err)
	active, err := c.Scenarios(ctx)
	require.NoError(t, err)
	require.Len(t, active, 1)
	require.Equal(t, "slow_backend", active[0].Name)
	config, _, err := orchestrator.ParseConfig(active[0].Config, orchestrator.JSON)
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, config.Latency.FixedDelay)
	_, err = c.StopScenario(ctx, "slow_backend")
	require.NoError(t, err)
	_, err = c.StopScenarios(ctx)
	require.NoError(t, err)

	health, err := c.Health(ctx)
	require.NoError(t, err)
	require.Equal(t, "ok", health.Status)
}

func TestServerEvents(t *testing.T) {
	t.Parallel()
	c := realServer(t, server.Options{Chaos: true})
	var steps []string
	for event, err := range c.Events(t.Context()) {
		require.NoError(t, err)
		switch {
		case event.Type == "status" && steps == nil:
			steps = []string{}
			_, err := c.SetConfig(t.Context(), json.RawMessage(`{"bulkhead": {}}`))
			require.NoError(t, err)
		case event.Config != nil:
			_, err := c.Start(t.Context(), &orchestrator.Orchestration{Name: "x", Steps: []orchestrator.Step{{Name: "a", Duration: 10 * time.Millisecond}, {Name: "b"}}})
			require.NoError(t, err)
		case event.Step != nil:
			steps = append(steps, event.Step.Name)
		case event.Run != nil:
			require.Equal(t, orchestrator.RunCompleted, event.Run.State)
			require.ElementsMatch(t, []string{"a", "b"}, steps, "the verdict of a may come after b, which has no length")
			return
		}
	}
}

// A run is never unknown, also not in the moment in which it becomes history;
// and whoever saw its end may start the next one.
func TestServerRunBecomesHistory(t *testing.T) {
	t.Parallel()
	c := realServer(t, server.Options{Chaos: true, DataDir: t.TempDir()})
	for range 50 {
		started, err := c.Start(t.Context(), &orchestrator.Orchestration{Name: "x", Steps: []orchestrator.Step{{Name: "a", Duration: 5 * time.Millisecond}}})
		require.NoError(t, err)
		for ended := false; !ended; {
			report, err := c.Run(t.Context(), started.ID)
			require.NoError(t, err)
			ended = report.State.Ended()
		}
		status, err := c.Status(t.Context())
		require.NoError(t, err)
		require.False(t, status.Running, "one answer agrees with the other")
	}
}
