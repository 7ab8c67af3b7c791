package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

const checkoutDocument = `name: checkout
steps:
  - name: warmup
    duration_seconds: 30
  - name: peak
    scenario: service_instability
    duration_seconds: 25
    delay_before_seconds: 5
`

const startedAnswer = `{"message": "Orchestration 'checkout' started successfully", "id": "r1", "seed": "0x7", "warnings": []}`

func TestStartFile(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{"POST /api/chaos/orchestration/start": startedAnswer})
	path := write(t, "checkout.yaml", checkoutDocument)
	code, stdout, stderr := execute(t, "orchestrate", "start", "--file", path, "--base-url", server.URL, "--seed", "0x7")
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, `Starting chaos orchestration from: `+path+`
Orchestration 'checkout' started successfully

Run r1, seed 0x7. Follow it with: mockforge orchestrate watch --base-url `+server.URL+"\n", stdout)

	require.Len(t, server.requests(), 1)
	sent, _ := strings.CutPrefix(server.requests()[0], "POST /api/chaos/orchestration/start ")
	o, _, err := orchestrator.Parse([]byte(sent), orchestrator.JSON)
	require.NoError(t, err)
	want, _, err := orchestrator.Parse([]byte(checkoutDocument+"seed: 7\n"), orchestrator.YAML)
	require.NoError(t, err)
	require.Equal(t, want, o)
}

// A file's own warnings have its lines; the server's are added, once each.
func TestStartWarnings(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{"POST /api/chaos/orchestration/start": `{"message": "started", "id": "r1", "seed": "0x7", "warnings": [
		{"line": 1, "column": 9, "path": "loop_orchestration", "message": "max_iterations is not set: the steps run once; set it, 0 for an endless loop"},
		{"line": 1, "column": 9, "path": "targets", "message": "only the server knows"}]}`})
	path := write(t, "x.yaml", "name: x\nsteps: [a (1s)]\nloop_orchestration: true\n")
	code, stdout, stderr := execute(t, "orchestrate", "start", "--file", path, "--base-url", server.URL)
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, `
Warnings:
  `+path+`:3:21: loop_orchestration: max_iterations is not set: the steps run once; set it, 0 for an endless loop
  targets: only the server knows

Run r1`)
}

func TestStartName(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{"POST /api/chaos/orchestration/start": startedAnswer})
	code, stdout, stderr := execute(t, "orchestrate", "start", "--name", "checkout", "--base-url", server.URL, "--seed", "7")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "Starting chaos orchestration: checkout\nOrchestration 'checkout' started successfully\n")
	require.Equal(t, []string{`POST /api/chaos/orchestration/start {"name":"checkout","seed":"0x7"}`}, server.requests())
}

// Nothing is sent that is wrong already here, and it reads as validate has it.
func TestStartInvalidFile(t *testing.T) {
	t.Parallel()
	server := serve(t, nil)
	path := write(t, "bad.yaml", "name: x\nsteps:\n  - name: a\n    scenario: slow_backent\n    duration_seconds: 30s\n")
	_, validated, _ := execute(t, "orchestrate", "validate", "--file", path)
	_, problems, found := strings.Cut(validated, "Orchestration file has errors:\n")
	require.True(t, found)

	for _, command := range []string{"start", "import"} {
		code, _, stderr := execute(t, "orchestrate", command, "--file", path, "--base-url", server.URL)
		require.Equal(t, exitUsage, code)
		require.Equal(t, "Error: "+path+" has errors, and was not sent:\n"+problems, stderr)
		require.Equal(t, 2, strings.Count(stderr, path+":"))
	}
	require.Empty(t, server.requests())
}

func TestStartUsage(t *testing.T) {
	t.Parallel()
	server := serve(t, nil)
	path := write(t, "x.yaml", checkoutDocument)
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"neither", nil, "say what to start: --file FILE, or --name NAME"},
		{"both", []string{"--file", path, "--name", "x"}, "--file and --name exclude each other"},
		{"seed", []string{"--file", path, "--seed", "-1"}, `--seed "-1": must be a whole number from 0 to 2^64-1, such as 7 or 0x3bbc274c`},
		{"no such file", []string{"--file", path + "x"}, "no such file or directory"},
		{"base URL", []string{"--file", path, "--base-url", "localhost:3000"}, `--base-url: client: base URL "localhost:3000" has no scheme; did you mean "http://localhost:3000"?`},
		{"word", []string{path}, "did you mean --file " + path},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, _, stderr := execute(t, append([]string{"orchestrate", "start", "--base-url", server.URL}, tt.args...)...)
			require.Equal(t, exitUsage, code)
			require.Contains(t, stderr, tt.want)
			require.Empty(t, server.requests())
		})
	}
}

func TestStartRefused(t *testing.T) {
	t.Parallel()
	path := write(t, "x.yaml", checkoutDocument)
	tests := []struct {
		name   string
		answer refusal
		code   int
		want   string
	}{
		{"running", refusal{409, `{"error": "an orchestration is already running: y (stop it with: mockforge orchestrate stop)"}`}, exitUsage,
			"Error: an orchestration is already running: y (stop it with: mockforge orchestrate stop)\n"},
		{"disabled", refusal{409, `{"error": "chaos is disabled: start with --chaos or POST /api/chaos/enable"}`}, exitUsage,
			"Error: chaos is disabled: start with --chaos or POST /api/chaos/enable\n"},
		{"problems", refusal{422, `{"error": "the orchestration is invalid", "problems": [{"line": 9, "column": 9, "path": "targets.payments", "message": "this server has no such target"}]}`}, exitUsage,
			"Error: " + path + ": the orchestration is invalid:\n  " + path + ": targets.payments: this server has no such target\n"},
		{"token", refusal{401, `{"error": "a token is needed"}`}, exitUsage,
			"Error: a token is needed (HTTP 401): give the server's token with --token or MOCKFORGE_ADMIN_TOKEN\n"},
		{"broken", refusal{500, `{"error": "the disk is full"}`}, exitFailed, "Error: the disk is full\n"},
		{"unavailable", refusal{503, `{"error": "not yet"}`}, exitUnreachable, "Error: not yet\n"},
		{"timeout", refusal{504, `{"error": "no answer behind me"}`}, exitUnreachable, "Error: no answer behind me\n"},
		{"gateway", refusal{502, `{"error": "nothing behind me"}`}, exitUnreachable, "Error: nothing behind me\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, map[string]any{"POST /api/chaos/orchestration/start": tt.answer})
			code, _, stderr := execute(t, "orchestrate", "start", "--file", path, "--base-url", server.URL, "--wait")
			require.Equal(t, tt.code, code)
			require.Equal(t, tt.want, stderr)
			require.Len(t, server.requests(), 1)
		})
	}
}

// The exit code of --wait is the verdict.
func TestWaitVerdict(t *testing.T) {
	t.Parallel()
	tests := []struct {
		state orchestrator.RunState
		code  int
		want  string
	}{
		{orchestrator.RunCompleted, exitOK, "checkout: passed after 1m\n"},
		{orchestrator.RunFailed, exitFailed, "checkout: failed after 1m: step peak failed\n"},
		{orchestrator.RunStopped, exitFailed, "checkout: stopped after 1m\n"},
		{orchestrator.RunInconclusive, exitInconclusive, "checkout: inconclusive after 1m\n"},
	}
	for _, tt := range tests {
		t.Run(string(tt.state), func(t *testing.T) {
			t.Parallel()
			server := serve(t, map[string]any{
				"POST /api/chaos/orchestration/start":     startedAnswer,
				"GET /api/chaos/orchestration/history/r1": encode(t, runAt(60, tt.state)),
			})
			code, stdout, stderr := execute(t, "orchestrate", "start", "--name", "checkout", "--base-url", server.URL, "--wait")
			require.Equal(t, tt.code, code, stderr)
			require.Contains(t, stdout, tt.want)
			require.Empty(t, stderr)
		})
	}
}

// Away from a terminal, an interrupt leaves the run alone and says so.
func TestWaitInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	server := serve(t, map[string]any{
		"POST /api/chaos/orchestration/start": startedAnswer,
		"GET /api/chaos/orchestration/history/r1": func() any {
			time.AfterFunc(50*time.Millisecond, interrupt)
			return encode(t, runAt(3, orchestrator.RunRunning))
		},
	})
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"orchestrate", "start", "--name", "checkout", "--base-url", server.URL, "--wait"}, strings.NewReader(""), &stdout, &stderr)
	require.Equal(t, exitFailed, code)
	require.Equal(t, `
No verdict: the run goes on.
  Follow it: mockforge orchestrate watch --base-url `+server.URL+`
  Stop it:   mockforge orchestrate stop --base-url `+server.URL+"\n", stderr.String())
	require.NotContains(t, server.requests(), "POST /api/chaos/orchestration/stop")
}

// A server that forgets the run is no verdict.
func TestWaitForgotten(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{
		"POST /api/chaos/orchestration/start":     startedAnswer,
		"GET /api/chaos/orchestration/history/r1": refusal{404, `{"error": "no run r1"}`},
	})
	code, _, stderr := execute(t, "orchestrate", "start", "--name", "checkout", "--base-url", server.URL, "--wait")
	require.Equal(t, exitUsage, code)
	require.Equal(t, "Error: no run r1\n", stderr)
}

// One that knew the run, and forgets it, was restarted.
func TestWaitRestarted(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{
		"POST /api/chaos/orchestration/start":     startedAnswer,
		"GET /api/chaos/orchestration/history/r1": inTurn(encode(t, runAt(3, orchestrator.RunRunning)), refusal{404, `{"error": "no run r1"}`}),
	})
	code, _, stderr := execute(t, "orchestrate", "start", "--name", "checkout", "--base-url", server.URL, "--wait")
	require.Equal(t, exitFailed, code)
	require.Equal(t, "Error: the server was restarted: the run is lost: no run r1\n", stderr)
}
