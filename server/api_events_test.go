package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
)

// A sentEvent is one that a stream has sent.
type sentEvent struct {
	kind string
	data []byte
}

// stream listens to the events of a server until the test ends. The channel is
// closed when the stream ends.
func (l *live) stream(t *testing.T) <-chan sentEvent {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL()+"/api/chaos/events", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	events := make(chan sentEvent, 1000)
	go func() {
		defer close(events)
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		kind := ""
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				kind = text
			}
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				events <- sentEvent{kind, []byte(text)}
			}
		}
	}()
	return events
}

// next is the next event of a kind, which conforms to its description.
func next(t *testing.T, events <-chan sentEvent, kind string, into any) {
	t.Helper()
	for e := range events {
		require.Contains(t, []string{"status", "step", "run", "config"}, e.kind)
		wrapped, err := json.Marshal(map[string]json.RawMessage{e.kind: e.data})
		require.NoError(t, err)
		describe(t).conforms(t, "Events", wrapped)
		if e.kind == kind {
			require.NoError(t, json.Unmarshal(e.data, into))
			return
		}
	}
	require.Fail(t, "the stream ended without an event "+kind)
}

func TestEvents(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	events := l.stream(t)
	first := <-events
	require.Equal(t, "status", first.kind, "the status comes first")
	require.JSONEq(t, `{"is_running": false, "name": null, "progress": 0}`, string(first.data))

	l.ask(t, "PUT", "/config/faults", always503).ok(t)
	var config server.ConfigView
	next(t, events, "config", &config)
	require.Contains(t, string(config.FaultInjection), "503")
	l.ask(t, "POST", "/disable", nil).ok(t)
	next(t, events, "config", &config)
	require.False(t, config.Enabled)
	l.ask(t, "POST", "/enable", nil).ok(t)
	next(t, events, "config", &config)
	require.True(t, config.Enabled)

	// Nothing in it depends on how many requests come, or whether any do.
	const document = `{"name": "counted", "expect": ["operations >= 1"], "steps": [
		{"name": "quiet", "duration_seconds": 0.2, "expect": ["operations <= 0"]}, {"name": "as quiet", "duration_seconds": 0.2, "expect": ["operations >= 1"]}]}`
	var started server.Started
	l.ask(t, "POST", "/orchestration/start", document).ok(t).into(t, &started)
	var status liveStatus
	next(t, events, "status", &status)
	require.True(t, status.IsRunning)
	for _, name := range []string{"quiet", "as quiet"} {
		var step orchestrator.StepReport
		next(t, events, "step", &step)
		require.Equal(t, name, step.Name)
		require.NotEmpty(t, step.Checks)
	}
	var run orchestrator.Report
	next(t, events, "run", &run)
	require.Equal(t, started.ID, run.ID)
	require.Equal(t, orchestrator.RunFailed, run.State)
	next(t, events, "status", &status)
	require.False(t, status.IsRunning)
}

// While something runs the status comes every second.
func TestStatusEventsWhileRunning(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	l.ask(t, "POST", "/orchestration/start", outage).ok(t)
	events := l.stream(t)
	var before, after liveStatus
	next(t, events, "status", &before)
	next(t, events, "status", &after)
	require.True(t, after.IsRunning)
	require.Greater(t, after.Elapsed, before.Elapsed)
}

// A stream ends with the server, and does not keep it from ending.
func TestEventsEndWithTheServer(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	l.ask(t, "POST", "/orchestration/start", outage).ok(t)
	events := l.stream(t)
	var status liveStatus
	next(t, events, "status", &status)
	l.end()
	var run orchestrator.Report
	next(t, events, "run", &run)
	require.Equal(t, orchestrator.RunStopped, run.State)
	require.Contains(t, run.Reason, "interrupted")
	for range events { // until it ends
	}
	require.NoError(t, <-l.done)
	l.done <- nil // for the rig
}

func TestTooManyListeners(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{})
	for range 100 {
		<-l.stream(t)
	}
	l.ask(t, "GET", "/events", nil).says(t, 503, "100 clients listen already, or the server is shutting down")
}
