package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChaosSwitch(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{
		"POST /api/chaos/enable":  `{"message": "Chaos engineering enabled"}`,
		"POST /api/chaos/disable": `{"message": "Chaos engineering disabled"}`,
		"POST /api/chaos/reset":   `{"message": "Chaos configuration reset"}`,
	})
	for command, want := range map[string]string{
		"enable": "Chaos engineering enabled\n", "disable": "Chaos engineering disabled\n", "reset": "Chaos configuration reset\n",
	} {
		code, stdout, stderr := execute(t, "chaos", command, "--base-url", server.URL)
		require.Equal(t, exitOK, code, stderr)
		require.Equal(t, want, stdout)
	}
}

func TestChaosStatus(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{"GET /api/chaos/status": inTurn(
		`{"enabled": true, "active_scenarios": ["slow_backend"], "latency_enabled": true, "fault_injection_enabled": false, "websocket_enabled": true, "orchestration": {"is_running": true, "name": "x", "progress": 0.5},
			"targets": [{"name": "default", "upstream": "", "url": "http://127.0.0.1:3000"}, {"name": "payments", "upstream": "http://127.0.0.1:9000", "url": "http://127.0.0.1:3000/payments"}], "version": "v1"}`,
		`{"enabled": false, "active_scenarios": [], "orchestration": null, "version": "v1"}`)})
	code, stdout, stderr := execute(t, "chaos", "status", "--base-url", server.URL)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, `enabled: true
active_scenarios: slow_backend
latency_enabled: true
fault_injection_enabled: false
rate_limit_enabled: false
traffic_shaping_enabled: false
circuit_breaker_enabled: false
bulkhead_enabled: false
grpc_enabled: false
websocket_enabled: true
graphql_enabled: false
tcp_enabled: false
orchestration: x, running, progress 0.50
target: default at http://127.0.0.1:3000, answered by the server itself
target: payments at http://127.0.0.1:3000/payments, to http://127.0.0.1:9000
version: v1
`, stdout)
	code, stdout, _ = execute(t, "chaos", "status", "--base-url", server.URL, "--output", "json")
	require.Equal(t, exitOK, code)
	require.Contains(t, stdout, "\n  \"orchestration\": null,\n")
}

func TestProfile(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{
		"GET /api/chaos/profiles":                            `[{"name": "slow_3g", "description": "A slow mobile connection", "tags": ["network", "mobile"], "builtin": true, "chaos_config": {}}, {"name": "mine", "builtin": false}]`,
		"POST /api/chaos/profiles/slow_3g/apply":             `{"message": "Profile 'slow_3g' applied successfully"}`,
		"POST /api/chaos/profiles/slow_4g/apply":             refusal{404, `{"error": "no profile is called slow_4g; did you mean \"slow_3g\"?"}`},
		"GET /api/chaos/profiles/slow_3g/export?format=json": "{}\n",
		"GET /api/chaos/profiles/slow_3g/export?format=yaml": "name: slow_3g\n",
		"POST /api/chaos/profiles/import":                    `{"message": "Profile 'mine' imported successfully"}`,
	})
	profile := func(args ...string) (int, string, string) {
		return execute(t, append(append([]string{"chaos", "profile"}, args...), "--base-url", server.URL)...)
	}

	code, stdout, stderr := profile("list")
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, `NAME     KIND      TAGS             DESCRIPTION
slow_3g  built in  network, mobile  A slow mobile connection
mine     imported  none             `+"\n", stdout)

	code, stdout, stderr = profile("apply", "slow_3g")
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "Profile 'slow_3g' applied successfully\n", stdout)
	code, _, stderr = profile("apply", "slow_4g")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "Error: no profile is called slow_4g; did you mean \"slow_3g\"?\n")
	code, _, stderr = profile("apply")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "which profile? name one")

	_, stdout, _ = profile("export", "slow_3g", "--format", "json")
	require.Equal(t, "{}\n", stdout)
	path := filepath.Join(t.TempDir(), "p.yaml")
	code, _, stderr = profile("export", "slow_3g", "-o", path)
	require.Equal(t, exitOK, code, stderr)
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "name: slow_3g\n", string(written))

	mine := write(t, "mine.yaml", "name: mine\nchaos_config: {latency: {fixed_delay_ms: 50}}\n")
	code, stdout, stderr = profile("import", "-f", mine)
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, "Profile 'mine' imported successfully\n", stdout)

	asked := len(server.requests())
	bad := write(t, "bad.yaml", "name: bad\nchaos_config: {latency: {fixed_delay: 50}}\n")
	code, _, stderr = profile("import", "-f", bad)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, bad+" has errors, and was not sent:\n  "+bad+":2:26: chaos_config.latency.fixed_delay: ")
	require.Len(t, server.requests(), asked)
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		code, stdout, stderr := execute(t, "completion", shell)
		require.Equal(t, exitOK, code, stderr)
		require.Contains(t, stdout, "mockforge")
	}
	server := serve(t, map[string]any{
		"GET /api/chaos/orchestrations": `[{"name": "checkout"}, {"name": "search"}]`,
		"GET /api/chaos/profiles":       `[{"name": "slow_3g"}]`,
	})
	tests := []struct {
		line string
		want string
	}{
		{"orchestrate st", "start\tStart an orchestration on a server\nstatus\tShow the orchestration that runs, or the last one\nstop\tStop the orchestration that runs\n:4\n"},
		{"orchestrate start --base-url URL --name ", "checkout\nsearch\n:4\n"},
		{"orchestrate export --base-url URL --name ", "checkout\nsearch\n:4\n"},
		{"chaos profile apply --base-url URL ", "slow_3g\n:4\n"},
		{"orchestrate start --file ", "yaml\nyml\njson\n:8\n"},
		{"orchestrate status --output ", "text\njson\n:4\n"},
	}
	for _, tt := range tests {
		words := strings.Split(strings.ReplaceAll(tt.line, "URL", server.URL), " ")
		code, stdout, _ := execute(t, append([]string{"__complete"}, words...)...)
		require.Equal(t, exitOK, code)
		require.Equal(t, tt.want, stdout, tt.line)
	}
}
