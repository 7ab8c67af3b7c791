package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
)

const (
	outage = `{"name": "outage", "description": "d", "tags": ["x"], "seed": 7, "steps": [
		{"name": "fail", "duration_seconds": 600, "scenario": {"config": {"fault_injection": ` + always503 + `}}},
		{"name": "recovery", "duration_seconds": 600}, {"name": "end", "duration_seconds": 1, "when": "always"}]}`
	brief = `{"name": "brief", "load": {"rate": 100}, "expect": ["operations >= 1"], "steps": [
		{"name": "fail", "duration_seconds": 1, "expect": ["operations >= 1"], "scenario": {"config": {"fault_injection": ` + always503 + `}}},
		{"name": "fail again", "duration_seconds": 1, "expect": ["error_rate <= 0%"], "scenario": {"config": {"fault_injection": ` + always503 + `}}}]}`
)

// briefly is brief with steps of so many seconds.
func briefly(seconds float64) string {
	return strings.ReplaceAll(brief, `"duration_seconds": 1`, fmt.Sprintf(`"duration_seconds": %g`, seconds))
}

// loaded reports whether requests of the load failed in both steps of brief. On
// a busy machine a step may be over before its first one.
func loaded(steps []orchestrator.StepReport) bool {
	failed := func(s orchestrator.StepReport) bool { return s.Counts != nil && s.Counts.Failed > 0 }
	return len(steps) == 2 && failed(steps[0]) && failed(steps[1])
}

func (l *live) keep(t *testing.T, document string) {
	t.Helper()
	require.Equal(t, 200, l.ask(t, "POST", "/orchestration/import", map[string]string{"content": document, "format": "json"}).status)
}

func TestLibrary(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	require.JSONEq(t, `[]`, string(l.ask(t, "GET", "/orchestrations", nil).ok(t).body))
	l.ask(t, "POST", "/orchestration/import", map[string]string{"content": outage, "format": "json"}).says(t, 200, "Orchestration 'outage' imported successfully (3 steps)")
	m := l.ask(t, "POST", "/orchestration/import", map[string]string{"content": "name: calm\nloop_orchestration: true\nsteps:\n  - a (1s)\n", "format": "yaml"}).
		says(t, 200, "Orchestration 'calm' imported successfully (1 steps)").message(t)
	require.Equal(t, orchestrator.LoopWithoutLimit, m.Warnings[0].Rule)
	require.Equal(t, 2, m.Warnings[0].Line)

	var list []struct {
		Name, Description string
		Tags              []string
		Steps             int
	}
	l.ask(t, "GET", "/orchestrations", nil).ok(t).into(t, &list)
	require.Len(t, list, 2)
	require.Equal(t, "calm", list[0].Name)
	require.Equal(t, "outage", list[1].Name)
	require.Equal(t, 3, list[1].Steps)
	require.Equal(t, []string{"x"}, list[1].Tags)

	// What is exported can be imported, and means the same.
	want, _, err := orchestrator.Parse([]byte(outage), orchestrator.JSON)
	require.NoError(t, err)
	for _, path := range []string{"/orchestrations/outage", "/orchestrations/outage/export", "/orchestrations/outage/export?format=json", "/orchestrations/outage/export?format=yaml"} {
		a := l.ask(t, "GET", path, nil).ok(t)
		format := orchestrator.Format(a.header.Get("Content-Type")[len("application/"):])
		got, _, err := orchestrator.Parse(a.body, format)
		require.NoError(t, err)
		require.Equal(t, want, got, path)
		l.ask(t, "POST", "/orchestration/import", map[string]string{"content": string(a.body), "format": string(format)}).ok(t)
	}
	l.ask(t, "GET", "/orchestrations/outage/export?format=toml", nil).says(t, 400, `unknown format "toml": use yaml or json`)
	l.ask(t, "DELETE", "/orchestrations/outage", nil).says(t, 200, "Orchestration 'outage' deleted")
	l.ask(t, "DELETE", "/orchestrations/outage", nil).says(t, 404, "Orchestration 'outage' not found")
	l.ask(t, "GET", "/orchestrations/outage", nil).says(t, 404, "Orchestration 'outage' not found: import it first")
	l.ask(t, "GET", "/orchestrations/outage/export", nil).says(t, 404, "Orchestration 'outage' not found: import it first")
	l.ask(t, "POST", "/orchestration/start", `{"name": "outage"}`).says(t, 404, "Orchestration 'outage' not found: import it first")
}

func TestBodiesOfImport(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	tests := []struct {
		body   string
		status int
		error  string
	}{
		{`{"content": "name: a\nsteps: [a (1s)]", "format": "toml"}`, 400, `unknown format "toml": use yaml or json`},
		{`{"content": "name: a\nsteps: [a (1s)]", "file": "/etc/passwd"}`, 400, `the body is not what this call takes: unknown field "file"`},
		{`{"content": 5}`, 400, `content must not be a JSON number`},
		{`["a"]`, 400, `the body must not be a JSON array`},
		{`{"content": "a"} {}`, 400, "the body is not JSON: 1:18: a second document begins here: a file holds one orchestration; move this one to a file of its own"},
		{`name: a`, 400, "the body is not JSON: 1:2: not JSON: invalid character 'a' in literal null (expecting 'u')"},
		{``, 400, "the body is empty: this call takes a JSON object"},
		{`{}`, 422, "1:1: the document is empty: name and steps are missing"},
	}
	for _, tt := range tests {
		l.ask(t, "POST", "/orchestration/import", tt.body).says(t, tt.status, tt.error)
	}
	require.JSONEq(t, `[]`, string(l.ask(t, "GET", "/orchestrations", nil).ok(t).body))
}

func TestBodiesOfStart(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	l.keep(t, outage)
	tests := []struct {
		body   string
		status int
		error  string
	}{
		{`{"name": "none"}`, 404, "Orchestration 'none' not found: import it first"},
		{`{"name": "outage", "seed": -1}`, 422, "seed: must be a whole number from 0 to 2^64-1, not -1"},
		{`{"name": "outage", "seed": 1.5}`, 422, "seed: must be a whole number from 0 to 2^64-1, not 1.5"},
		{`{"name": "outage", "seed": "x"}`, 422, `seed: must be a whole number from 0 to 2^64-1, not "x"`},
		{`{"name": "outage", "parallel": true}`, 422, "1:1: steps is missing"},
		{`{"name": "outage", "step": []}`, 422, "1:1: steps is missing\n" + `1:20: step: unknown field; did you mean "steps"?`},
		{`{"name": 7}`, 422, "1:1: steps is missing\n1:10: name: must be text, not the number 7: put it in quotes"},
		{`{}`, 422, "1:1: name is missing\n1:1: steps is missing"},
		{`[]`, 422, "1:1: must be a mapping, not a list"},
		{`{"name": `, 400, "1:9: not JSON: unexpected end of JSON input"},
		{``, 400, "1:1: the document is empty: name and steps are missing"},
		{`{"name": "x", "targets": {"payments": {}}, "steps": ["a (1s)"]}`, 422, "targets.payments: this server has no target payments: it was started with default; add --target payments=URL"},
		{`{"name": "x", "targets": {"default": {"upstream": "http://169.254.169.254"}}, "steps": ["a (1s)"]}`, 422,
			"targets.default.upstream: is not the one that this server was started with: leave it out, or start the server with --target default=http://169.254.169.254"},
	}
	for _, tt := range tests {
		l.ask(t, "POST", "/orchestration/start", tt.body).says(t, tt.status, tt.error)
	}
	require.False(t, l.status().IsRunning)
	require.JSONEq(t, `[]`, string(l.ask(t, "GET", "/orchestration/history", nil).ok(t).body))
}

// A seed is what the run says it used, in all its digits.
func TestSeedOfStart(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	l.keep(t, outage)
	for body, want := range map[string]string{
		`{"name": "outage"}`:                                                    "0x7",
		`{"name": "outage", "seed": null}`:                                      "0x7",
		`{"name": "outage", "seed": 9007199254740993}`:                          "0x20000000000001",
		`{"name": "outage", "seed": "0xffffffffffffffff"}`:                      "0xffffffffffffffff",
		`{"name": "inline", "seed": 9007199254740993, "steps": ["warm (60s)"]}`: "0x20000000000001",
	} {
		var s server.Started
		l.ask(t, "POST", "/orchestration/start", body).ok(t).into(t, &s)
		require.Equal(t, want, s.Seed, body)
		require.Equal(t, want, l.status().Seed)
		l.ask(t, "POST", "/orchestration/stop", nil).says(t, 200, "Orchestration stopped")
	}
}

// The life of a run, as its status, its history and traffic show it.
func TestRun(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	l.ask(t, "PUT", "/config/rate-limit", `{"requests_per_second": 0.001, "burst_size": 1}`).ok(t)
	l.hits(t, 200)
	l.hits(t, 429, "config")

	var s server.Started
	l.ask(t, "POST", "/orchestration/start", outage).ok(t).into(t, &s)
	require.Equal(t, "Orchestration 'outage' started successfully", s.Message)
	var status server.OrchestrationStatus
	l.ask(t, "GET", "/orchestration/status", nil).ok(t).into(t, &status)
	require.True(t, status.IsRunning, "is_running is true once start has answered")
	require.Equal(t, "outage", *status.Name)
	require.Equal(t, s.ID, status.ID)
	require.Less(t, status.Progress, 1.0)
	require.True(t, eventually(func() bool {
		_, steps := probe(t, l.URL())
		return slices.Contains(steps, "fail")
	}), "the first step is in force")
	l.hits(t, 503, "fail")
	require.Equal(t, []string{"fail"}, l.status().Current)

	// One at a time, whichever way it is asked for.
	const refused = `orchestration "outage" is already running: wait for its end, or stop it with POST /api/chaos/orchestration/stop`
	l.keep(t, outage)
	l.ask(t, "POST", "/orchestration/start", `{"name": "outage"}`).says(t, 409, refused)
	l.ask(t, "POST", "/orchestration/start", brief).says(t, 409, refused)

	// What is set meanwhile waits.
	m := l.ask(t, "PUT", "/config/latency", `{"fixed_delay_ms": 1}`).ok(t).message(t)
	require.Equal(t, `orchestration "outage" is running: it takes effect when the run has ended`, m.Warnings[0].Message)
	l.hits(t, 503, "fail")

	var all []orchestrator.Report
	l.ask(t, "GET", "/orchestration/history", nil).ok(t).into(t, &all)
	require.Len(t, all, 1)
	require.Equal(t, orchestrator.RunRunning, all[0].State)

	l.ask(t, "POST", "/orchestration/stop", nil).says(t, 200, "Orchestration stopped")
	l.hits(t, 200, "config")
	l.hits(t, 429, "config")
	l.ask(t, "POST", "/orchestration/stop", nil).says(t, 200, "No orchestration currently running")

	var after, report map[string]any
	l.ask(t, "GET", "/orchestration/status", nil).ok(t).into(t, &after)
	require.Equal(t, false, after["is_running"])
	require.Equal(t, "outage", after["name"])
	require.Equal(t, "stopped", after["state"])
	delete(after, "is_running")
	l.ask(t, "GET", "/orchestration/history/"+s.ID, nil).ok(t).into(t, &report)
	require.Equal(t, after, report)
	l.ask(t, "GET", "/orchestration/history/none", nil).says(t, 404, "no run has the id 'none': the last 100 are kept")
}

func TestHistory(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	var ids []string
	run := func(seconds float64) liveStatus {
		var s server.Started
		l.keep(t, briefly(seconds))
		l.ask(t, "POST", "/orchestration/start", `{"name": "brief"}`).ok(t).into(t, &s)
		ids = append(ids, s.ID)
		return l.ended()
	}
	seconds := 0.5
	for !loaded(run(seconds).Steps) {
		require.Less(t, seconds, 60.0, "no load comes")
		seconds *= 2
	}
	first := ids[len(ids)-1]
	run(0.01)
	var all []orchestrator.Report
	l.ask(t, "GET", "/orchestration/history", nil).ok(t).into(t, &all)
	require.Len(t, all, len(ids))
	for i, r := range all {
		require.Equal(t, ids[len(ids)-1-i], r.ID, "newest first")
	}
	require.Empty(t, all[1].Steps[0].Checks)
	require.Len(t, all[1].Checks, 1)
	var report orchestrator.Report
	l.ask(t, "GET", "/orchestration/history/"+first, nil).ok(t).into(t, &report)
	require.Equal(t, orchestrator.RunFailed, report.State)
	require.Equal(t, []string{"fail again"}, report.Failed)
	require.Equal(t, "pass", report.Steps[0].Checks[0].Status)
	require.Equal(t, "fail", report.Steps[1].Checks[0].Status)
	require.Positive(t, report.Counts.Injected["http_error"])
}

// Of users who start the same at once, one starts it.
func TestStartAtOnce(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	l.keep(t, outage)
	const users = 10
	statuses := make([]int, users)
	var wait sync.WaitGroup
	for i := range users {
		wait.Go(func() {
			body := outage
			if i%2 == 0 {
				body = `{"name": "outage"}`
			}
			statuses[i] = l.call("POST", "/api/chaos/orchestration/start", body, nil)
		})
	}
	wait.Wait()
	started := 0
	for _, status := range statuses {
		if status == http.StatusOK {
			started++
		} else {
			require.Equal(t, 409, status)
		}
	}
	require.Equal(t, 1, started)
	for range users { // and who stops it at once is told that it is stopped
		wait.Go(func() { l.call("POST", "/api/chaos/orchestration/stop", nil, nil) })
	}
	wait.Wait()
	require.False(t, l.status().IsRunning)
	l.hits(t, 200)
}

// Changes from many sides at once leave a state that the last one explains.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	l.keep(t, brief)
	calls := [][3]string{
		{"POST", "/enable"}, {"POST", "/disable"}, {"PUT", "/config", `{"latency": {"fixed_delay_ms": 1}}`}, {"PUT", "/config", `{"enabled": true, "fault_injection": ` + always503 + `}`},
		{"PUT", "/config/faults", always503}, {"POST", "/scenarios/peak_traffic"}, {"DELETE", "/scenarios"}, {"POST", "/profiles/cable/apply"}, {"POST", "/orchestration/start", `{"name": "brief"}`},
		{"POST", "/orchestration/stop"}, {"POST", "/reset"}, {"GET", "/status"}, {"GET", "/orchestration/history"}, {"GET", "/config"},
		{"POST", "/profiles", `{"name": "mine", "chaos_config": {}}`}, {"DELETE", "/profiles/mine"}, {"GET", "/profiles"}, {"GET", "/stats"},
	}
	var wait sync.WaitGroup
	for _, c := range calls {
		wait.Go(func() {
			for range 20 {
				if status := l.call(c[0], "/api/chaos"+c[1], c[2], nil); status >= 500 {
					t.Errorf("%v: %d", c, status)
				}
			}
		})
	}
	wait.Wait()
	l.ask(t, "POST", "/reset", nil).ok(t)
	l.ask(t, "POST", "/enable", nil).ok(t)
	require.False(t, l.status().IsRunning)
	l.hits(t, 200)
}

// Reset stops a run, empties the config and leaves the switch.
func TestReset(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{Chaos: true})
	l.ask(t, "PUT", "/config/faults", always503).ok(t)
	l.ask(t, "POST", "/scenarios/slow_backend", nil).ok(t)
	l.ask(t, "POST", "/orchestration/start", outage).ok(t)
	l.ask(t, "POST", "/reset", nil).says(t, 200, "Chaos configuration reset")
	l.hits(t, 200)
	s := l.status()
	require.False(t, s.IsRunning)
	require.Equal(t, orchestrator.RunStopped, s.State)
	require.Contains(t, s.Reason, "reset")
	require.Empty(t, l.scenarios(t))
	require.True(t, l.config(t).Enabled)
}

func TestDisabledStart(t *testing.T) {
	t.Parallel()
	l := serveLive(t, server.Options{})
	l.ask(t, "POST", "/orchestration/start", outage).says(t, 409, "chaos is disabled: start with --chaos or POST /api/chaos/enable")
}
