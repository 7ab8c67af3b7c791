package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer string
		text   string
		json   string // contained
	}{
		{"never", `{"is_running": false, "name": null, "progress": 0.0}`, `is_running: false
name: null
progress: 0.00
No orchestration currently running
`, "{\n  \"is_running\": false,\n  \"name\": null,\n  \"progress\": 0\n}\n"},
		{"the documented fields only", `{"is_running": true, "name": "x", "progress": 0.45}`, `is_running: true
name: x
progress: 0.45
iteration: 0, without end
elapsed: 0s
failed_steps: none
requests: 0
injected: none
`, "{\n  \"is_running\": true,\n  \"name\": \"x\",\n  \"progress\": 0.45,\n"},
		{"running", encode(t, client.Status{Running: true, Report: runAt(40, orchestrator.RunRunning)}), `is_running: true
name: checkout
progress: 0.67
state: running
step: peak
iteration: 1 of 1
elapsed: 40s
remaining: 20s
failed_steps: none
operations: 400, 10% failed, p50 12ms, p99 120ms
requests: 440, 18.2% errors
injected: http_error 80, latency 440
circuit_breakers: payments open
id: r1
seed: 0x7
`, `"current_steps": [
    "peak"
  ],`},
		{"ended", encode(t, client.Status{Report: runAt(60, orchestrator.RunFailed)}), `is_running: false
name: checkout
progress: 1.00
state: failed
reason: step peak failed
iteration: 1 of 1
elapsed: 1m
failed_steps: peak
operations: 600, 10% failed, p50 12ms, p99 120ms
requests: 660, 18.2% errors
injected: http_error 120, latency 660
circuit_breakers: payments closed
id: r1
seed: 0x7
No orchestration currently running
`, "{\n  \"is_running\": false,\n  \"name\": \"checkout\",\n  \"progress\": 1,\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, map[string]any{"GET /api/chaos/orchestration/status": tt.answer})
			code, text, stderr := execute(t, "orchestrate", "status", "--base-url", server.URL)
			require.Equal(t, exitOK, code, stderr)
			require.Equal(t, tt.text, text)

			code, document, stderr := execute(t, "orchestrate", "status", "--base-url", server.URL, "--output", "json")
			require.Equal(t, exitOK, code, stderr)
			require.Contains(t, document, tt.json)
			require.True(t, json.Valid([]byte(document)))

			// The documented loop: grep -q "is_running.*true", line by line.
			running := strings.Contains(tt.answer, `"is_running":true`) || strings.Contains(tt.answer, `"is_running": true`)
			require.Equal(t, running, regexp.MustCompile(`is_running.*true`).MatchString(text))
			require.Equal(t, running, regexp.MustCompile(`is_running.*true`).MatchString(document))
		})
	}
}

// Every command that talks to a server ends with 4 when there is none.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	const url = "http://127.0.0.1:1" // a port that was free a moment ago may be another test's by now
	path := write(t, "x.yaml", checkoutDocument)
	profile := write(t, "p.yaml", "name: p\nchaos_config: {latency: {fixed_delay_ms: 5}}\n")
	var all sync.WaitGroup // as subtests they would wait for each other, a second and a half each
	for _, command := range []string{
		"orchestrate status", "orchestrate status --output json", "orchestrate stop", "orchestrate start --file " + path, "orchestrate start --name x --wait",
		"orchestrate import --file " + path, "orchestrate export --name x", "orchestrate delete --name x", "orchestrate list",
		"orchestrate history", "orchestrate history --id r1", "orchestrate watch", "orchestrate watch --id r1",
		"chaos status", "chaos enable", "chaos disable", "chaos reset",
		"chaos profile list", "chaos profile apply x", "chaos profile export x", "chaos profile import --file " + profile,
	} {
		all.Go(func() {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), append(strings.Fields(command), "--base-url", url), strings.NewReader(""), &stdout, &stderr)
			if code != exitUnreachable ||
				!strings.HasPrefix(stderr.String(), "Error: the server cannot be reached: ") ||
				!strings.HasSuffix(stderr.String(), "connect: connection refused\nIs it running there? Start one with: mockforge serve --chaos\n") {
				t.Errorf("%s: exit code %d, want %d; it says %q", command, code, exitUnreachable, stderr.String())
			}
		})
	}
	all.Wait()
}

// Serial: it sets the environment of the process.
func TestEnvironment(t *testing.T) {
	server := serve(t, map[string]any{"GET /api/chaos/orchestration/status": `{"is_running": true}`})
	t.Setenv(baseURLEnv, server.URL)
	t.Setenv(tokenEnv, "from the environment")
	code, _, stderr := execute(t, "orchestrate", "status")
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "Bearer from the environment", server.token)

	code, _, stderr = execute(t, "orchestrate", "status", "--token", "from the flag")
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "Bearer from the flag", server.token)

	_, help, _ := execute(t, "orchestrate", "status", "--help")
	require.NotContains(t, help, "from the environment", "help goes to logs")

	t.Setenv(baseURLEnv, "http://127.0.0.1:1")
	code, _, stderr = execute(t, "orchestrate", "status", "--base-url", server.URL)
	require.Equal(t, exitOK, code, "the flag wins: %s", stderr)
}

// What a server says cannot steer the terminal.
func TestControlCharacters(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{
		"GET /api/chaos/orchestration/status": `{"is_running": true, "name": "a\u001b[2Jb\nis_running: false"}`,
		"POST /api/chaos/orchestration/stop":  `{"message": "\u001b]0;x\u0007"}`,
	})
	_, stdout, _ := execute(t, "orchestrate", "status", "--base-url", server.URL)
	require.Contains(t, stdout, `name: a\x1b[2Jb\nis_running: false`+"\n")
	_, stdout, _ = execute(t, "orchestrate", "stop", "--base-url", server.URL)
	require.NotContains(t, stdout, "\x1b")
}
