package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
)

const failEverything = `{config: {fault_injection: {http_errors: [503], http_error_probability: 1}}}`

// Whatever a run does when it is stopped, the next request is clean.
func TestStopRestoresTraffic(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		document string
		inForce  string // the step that must be seen first
		delayed  bool   // stopped in a delay, with a layer kept through it
	}{
		{"sequential", `
name: sequential
steps:
  - {name: a, duration_seconds: 600, scenario: ` + failEverything + `}
  - {name: b, duration_seconds: 600, scenario: ` + failEverything + `}`, "a", false},
		{"parallel", `
name: parallel
parallel: true
steps:
  - {name: a, duration_seconds: 600, scenario: ` + failEverything + `}
  - {name: b, duration_seconds: 600, scenario: {config: {latency: {fixed_delay_ms: 1}}}}`, "a", false},
		{"in a delay", `
name: delayed
steps:
  - {name: a, duration_seconds: 0.05, keep: true, scenario: ` + failEverything + `}
  - {name: b, delay_before_seconds: 600, duration_seconds: 1, scenario: slow_backend}`, "a", true},
		{"loop", `
name: loop
loop_orchestration: true
max_iterations: 0
steps:
  - {name: a, duration_seconds: 0.02, scenario: ` + failEverything + `}
  - {name: b, duration_seconds: 0.02, scenario: ` + failEverything + `}`, "a", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := serveLive(t, server.Options{Chaos: true})
			id := l.start(tt.document)
			require.Eventually(t, func() bool {
				status, steps := probe(t, l.URL())
				return status == 503 && slices.Contains(steps, tt.inForce)
			}, patience, time.Millisecond)
			if tt.delayed {
				l.until("step a ends", func(s liveStatus) bool { return len(s.Steps) == 1 && s.Steps[0].State == orchestrator.StepPassed })
				status, _ := probe(t, l.URL())
				require.Equal(t, 503, status, "it is kept through the delay")
			}

			var answer server.Message
			require.Equal(t, 200, l.call("POST", "/api/chaos/orchestration/stop", nil, &answer))
			require.Equal(t, "Orchestration stopped", answer.Message)
			status, steps := probe(t, l.URL())
			require.Equal(t, 200, status)
			require.Empty(t, steps)

			s := l.status()
			require.False(t, s.IsRunning)
			require.Equal(t, orchestrator.RunStopped, s.State)
			require.Equal(t, "stopped: on request", s.Reason)
			require.Equal(t, id, s.ID)
			l.call("POST", "/api/chaos/orchestration/stop", nil, &answer)
			require.Equal(t, "No orchestration currently running", answer.Message)
		})
	}
}

// A request that waits in a fault does not outlive the run.
func TestStopReleasesRequests(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"latency":   `{config: {latency: {fixed_delay_ms: 3600000}}}`,
		"partition": `{config: {traffic_shaping: {packet_loss_percent: 100}}}`,
		"timeout":   `{config: {fault_injection: {timeout_errors: true, timeout_ms: 3600000, timeout_probability: 1}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := serveLive(t, server.Options{Chaos: true})
			l.start("name: waits\nsteps:\n  - {name: a, duration_seconds: 600, scenario: " + config + "}\n")
			l.until("a is in force", func(s liveStatus) bool { return slices.Contains(s.Current, "a") })
			answered, sent := make(chan error, 1), make(chan struct{}, 1)
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { sent <- struct{}{} }})
				q, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL()+"/slow", nil)
				if err == nil {
					var resp *http.Response
					if resp, err = http.DefaultClient.Do(q); err == nil {
						err = resp.Body.Close()
					}
				}
				answered <- err
			}()
			<-sent
			l.call("POST", "/api/chaos/orchestration/stop", nil, nil)
			require.NoError(t, <-answered, "not before its hour is over")
		})
	}
}

// An untolerated failure ends the run, and what was set before is back.
func TestFailedRunRestoresTheStandingConfig(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true, Config: injector.Config{Latency: &injector.Latency{FixedDelay: time.Millisecond}}})
	_, steps := probe(t, l.URL())
	require.Equal(t, []string{"config"}, steps)

	id := l.during(func(seconds float64) string {
		return fmt.Sprintf(`
name: fails
load: {rate: 50}
steps:
  - name: a
    duration_seconds: %g
    scenario: `+failEverything+`
    expect: ["error_rate <= 1%%"]
  - {name: b, duration_seconds: 600, scenario: `+failEverything+`}`, seconds)
	}, func() {
		_, steps = probe(t, l.URL())
	})
	require.Equal(t, []string{"a"}, steps, "a run suspends the standing config")

	s := l.ended()
	require.Equal(t, orchestrator.RunFailed, s.State)
	require.Equal(t, "step a failed", s.Reason)
	require.Equal(t, []string{"a"}, s.Failed)
	require.Equal(t, "fail", s.Steps[0].Checks[0].Status)
	require.Equal(t, orchestrator.StepSkipped, s.Steps[1].State)
	status, steps := probe(t, l.URL())
	require.Equal(t, 200, status)
	require.Equal(t, []string{"config"}, steps)

	var report orchestrator.Report
	require.Equal(t, 200, l.call("GET", "/api/chaos/orchestration/history/"+id, nil, &report))
	require.Equal(t, s.Reason, report.Reason)
	require.Equal(t, s.Steps, report.Steps)
}

// The switch stops the faults of a run, not its time.
func TestDisableDuringARun(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	var status int
	var steps []string
	document := func(seconds float64) string {
		require.Equal(t, 200, l.call("POST", "/api/chaos/enable", nil, nil))
		return fmt.Sprintf(`
name: switched
load: {rate: 50}
steps:
  - name: a
    duration_seconds: %g
    scenario: `+failEverything+`
    expect: ["error_rate >= 99%%"]`, seconds)
	}
	l.during(document, func() {
		l.call("POST", "/api/chaos/disable", nil, nil)
		status, steps = probe(t, l.URL())
	})
	require.Equal(t, 200, status)
	require.Empty(t, steps)
	s := l.ended()
	require.Equal(t, orchestrator.RunInconclusive, s.State)
	require.Equal(t, "chaos was switched off during the step", s.Steps[0].Reason)

	var failure server.Failure
	require.Equal(t, 409, l.call("POST", "/api/chaos/orchestration/start", `{"name": "switched"}`, &failure))
	require.Equal(t, "chaos is disabled: start with --chaos or POST /api/chaos/enable", failure.Error)
	l.start(document(600))
	require.Equal(t, 409, l.call("POST", "/api/chaos/orchestration/start", `{"name": "switched"}`, &failure))
	require.Contains(t, failure.Error, `orchestration "switched" is already running`)
}
