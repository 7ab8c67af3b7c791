package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// The commands against a real server. How it looks is tested beside each
// command; here, that the two agree.

// command runs a command line for a server.
func command(t *testing.T, url, line string) (code int, stdout, stderr string) {
	t.Helper()
	return execute(t, append(strings.Fields(line), "--base-url", url)...)
}

// succeed is command where nothing but success will do.
func succeed(t *testing.T, url, line string) string {
	t.Helper()
	code, stdout, stderr := command(t, url, line)
	require.Equal(t, exitOK, code, "%s: %s%s", line, stdout, stderr)
	return stdout
}

// The documented complete example, from the template to the stop.
func TestCompleteExample(t *testing.T) {
	t.Parallel()
	url, _ := serveInProcess(t, "--chaos")
	path := filepath.Join(t.TempDir(), "load-test.yaml")
	require.Contains(t, succeed(t, url, "orchestrate status"), "is_running: false\nname: null\nprogress: 0.00\nNo orchestration currently running\n")
	code, _, stderr := execute(t, "orchestrate", "template", "--output", path)
	require.Equal(t, exitOK, code, stderr)
	code, _, stderr = execute(t, "orchestrate", "validate", "--file", path)
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, succeed(t, url, "orchestrate start --file "+path),
		"Starting chaos orchestration from: "+path+"\nOrchestration 'api_stress_test' started successfully\n")

	running := regexp.MustCompile(`is_running.*true`)
	for _, output := range []string{"text", "json"} {
		require.Regexp(t, running, succeed(t, url, "orchestrate status --output "+output), "start returns when it runs")
	}
	code, _, stderr = command(t, url, "orchestrate start --file "+path)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "already running")

	require.Equal(t, "Stopping orchestration...\nOrchestration stopped\n", succeed(t, url, "orchestrate stop"))
	for _, output := range []string{"text", "json"} {
		require.NotRegexp(t, running, succeed(t, url, "orchestrate status --output "+output))
	}
	require.Equal(t, "Stopping orchestration...\nNo orchestration currently running\n", succeed(t, url, "orchestrate stop"))
	require.Contains(t, succeed(t, url, "orchestrate history"), "api_stress_test  stopped")
	require.Contains(t, succeed(t, url, "orchestrate watch"), "No orchestration currently running\nThe last one, api_stress_test, ended stopped: mockforge orchestrate history --id ")
}

// What the document expects decides the exit code.
func TestVerdictEndToEnd(t *testing.T) {
	t.Parallel()
	const load = "load: {rate: 100, path: /orders}\n"
	tests := []struct {
		name     string
		document string // LONG and BRIEF are lengths of steps
		code     int
		want     string
		needs    func(*orchestrator.CountsReport) bool // of the first step; nil: nothing
	}{
		{"passed", load + "steps:\n  - {name: a, duration_seconds: LONG, expect: [operations >= 1]}\n", exitOK, "x: passed after ", worked},
		{"failed", load + "steps:\n  - {name: a, duration_seconds: LONG, scenario: {config: {fault_injection: {http_errors: [503], http_error_probability: 1}}}, expect: [error_rate <= 0%]}\n",
			exitFailed, "  fail: client error rate = ", func(c *orchestrator.CountsReport) bool { return c.Failed > 0 }},
		{"inconclusive", "steps:\n  - {name: a, duration_seconds: BRIEF, expect: [p99 <= 800ms]}\n", exitInconclusive, "  inconclusive: client p99", nil},
		{"tolerated", load + "steps:\n  - {name: a, duration_seconds: BRIEF, continue_on_failure: true, expect: [operations >= 100000]}\n  - {name: b, duration_seconds: BRIEF}\n",
			exitFailed, "failed (tolerated)", worked},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url, _ := serveInProcess(t, "--chaos")
			for seconds := 1.0; ; seconds *= 2 {
				lengths := strings.NewReplacer("LONG", fmt.Sprint(seconds), "BRIEF", fmt.Sprint(seconds/5))
				code, stdout, stderr := command(t, url, "orchestrate start --wait --seed 7 --file "+write(t, "x.yaml", "name: x\n"+lengths.Replace(tt.document)))
				id := regexp.MustCompile(`\nrun (\S+),`).FindStringSubmatch(stdout)
				require.Len(t, id, 2, stdout+stderr)
				var report orchestrator.Report
				require.NoError(t, json.Unmarshal([]byte(succeed(t, url, "orchestrate history --output json --id "+id[1])), &report))
				if counts := report.Steps[0].Counts; tt.needs != nil && (counts == nil || !tt.needs(counts)) {
					require.Less(t, seconds, 60.0, "the load never does what this is about")
					continue // the machine was busy: the step has to be longer
				}
				require.Equal(t, tt.code, code, stdout+stderr)
				require.Contains(t, stdout, tt.want)
				require.Contains(t, stdout, "seed 0x7\n")
				require.Empty(t, stderr)
				code, _, _ = command(t, url, "orchestrate watch --id "+id[1])
				require.Equal(t, tt.code, code, "a run that is over is followed to the same verdict")
				return
			}
		})
	}
}

// worked reports whether a client did something.
func worked(c *orchestrator.CountsReport) bool { return c.Operations > 0 }

// A run that somebody stops has not passed.
func TestStoppedEndToEnd(t *testing.T) {
	t.Parallel()
	url, _ := serveInProcess(t, "--chaos")
	path := write(t, "x.yaml", "name: x\nsteps: [long (1h)]\n")
	ended := make(chan int, 1)
	var stdout, stderr bytes.Buffer
	go func() {
		ended <- run(t.Context(), []string{"orchestrate", "start", "--wait", "--file", path, "--base-url", url}, strings.NewReader(""), &stdout, &stderr)
	}()
	require.Eventually(t, func() bool {
		return strings.Contains(succeed(t, url, "orchestrate status"), "is_running: true")
	}, time.Minute, 10*time.Millisecond)
	succeed(t, url, "orchestrate stop")
	require.Equal(t, exitFailed, <-ended)
	require.Contains(t, stdout.String(), "x: stopped after ")
	require.NotContains(t, stdout.String(), "stopped: stopped")
	require.Empty(t, stderr.String())
}

// An interrupt ends the command, and the run goes on.
func TestInterruptedEndToEnd(t *testing.T) {
	t.Parallel()
	url, _ := serveInProcess(t, "--chaos")
	path := write(t, "x.yaml", "name: x\nsteps: [long (1h)]\n")
	succeed(t, url, "orchestrate start --file "+path)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	stdout, stderr := &screen{}, &bytes.Buffer{}
	go func() {
		stdout.await("long")
		interrupt()
	}()
	code := run(ctx, []string{"orchestrate", "watch", "--base-url", url}, strings.NewReader(""), stdout, stderr)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr.String(), "the run goes on")
	require.Contains(t, succeed(t, url, "orchestrate status"), "is_running: true")
}

func TestLibraryEndToEnd(t *testing.T) {
	t.Parallel()
	url, _ := serveInProcess(t, "--chaos")
	path := write(t, "x.yaml", "name: my_test\ndescription: mine\nsteps: [a (0.1s), b (0.1s), c (0.1s)]\n")
	require.Equal(t, "Orchestration 'my_test' imported successfully (3 steps)\n", succeed(t, url, "orchestrate import --file "+path))
	require.Contains(t, succeed(t, url, "orchestrate list"), "my_test  3      none  mine\n")
	copied := filepath.Join(t.TempDir(), "copy.json")
	succeed(t, url, "orchestrate export --name my_test --output "+copied)
	code, _, stderr := execute(t, "orchestrate", "validate", "--file", copied)
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, succeed(t, url, "orchestrate start --wait --name my_test --seed 18446744073709551615"), "seed 0xffffffffffffffff\n")
	require.Equal(t, "Orchestration 'my_test' deleted\n", succeed(t, url, "orchestrate delete --name my_test"))
	code, _, stderr = command(t, url, "orchestrate start --name my_test")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "Orchestration 'my_test' not found: import it first\n")
	for _, verb := range []string{"delete", "export"} {
		code, _, stderr = command(t, url, "orchestrate "+verb+" --name my_test")
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, "\nSee which there are with: mockforge orchestrate list --base-url "+url+"\n")
	}
	for _, verb := range []string{"apply", "export"} {
		code, _, stderr = command(t, url, "chaos profile "+verb+" slow3g")
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, "Profile 'slow3g' not found\nSee which there are with: mockforge chaos profile list --base-url "+url+"\n")
	}
}

// What only the server can see is told as what is seen here already.
func TestRefusedEndToEnd(t *testing.T) {
	t.Parallel()
	url, _ := serveInProcess(t)
	path := write(t, "x.yaml", "name: x\ntargets: {payments: {}}\nsteps: [a (1s)]\n")
	code, _, stderr := command(t, url, "orchestrate start --file "+path)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "Error: "+path+": the document has errors:\n  "+path+": targets.payments: this server has no target payments")
	require.Equal(t, 1, strings.Count(stderr, "has no target"), stderr)

	code, _, stderr = command(t, url, "orchestrate start --file "+write(t, "y.yaml", "name: y\nsteps: [a (1s)]\n"))
	require.Equal(t, exitUsage, code)
	require.Equal(t, "Error: chaos is disabled: start with --chaos or POST /api/chaos/enable\n", stderr)
}

func TestChaosEndToEnd(t *testing.T) {
	t.Parallel()
	url, _ := serveInProcess(t)
	require.Contains(t, succeed(t, url, "chaos status"), "enabled: false\n")
	require.Equal(t, "Profile 'cable' applied successfully\n\nWarnings:\n  chaos is disabled: it takes effect after POST /api/chaos/enable\n", succeed(t, url, "chaos profile apply cable"))
	require.Equal(t, "Chaos engineering enabled\n", succeed(t, url, "chaos enable"))
	status := succeed(t, url, "chaos status")
	require.Contains(t, status, "enabled: true\n")
	require.Contains(t, status, "latency_enabled: true\n")
	require.Contains(t, status, "target: default at "+url+", answered by the server itself\n")
	require.Equal(t, "Chaos configuration reset\n", succeed(t, url, "chaos reset"))
	require.Contains(t, succeed(t, url, "chaos status"), "latency_enabled: false\n")

	exported := filepath.Join(t.TempDir(), "cable.yaml")
	succeed(t, url, "chaos profile export cable --output "+exported)
	text, err := os.ReadFile(exported)
	require.NoError(t, err)
	mine := write(t, "mine.yaml", strings.Replace(string(text), "name: cable", "name: mine", 1))
	require.Equal(t, "Profile 'mine' imported successfully\n", succeed(t, url, "chaos profile import -f "+mine))
	require.Regexp(t, `(?m)^mine +imported `, succeed(t, url, "chaos profile list"))
	require.Regexp(t, `(?m)^cable +built in `, succeed(t, url, "chaos profile list"))
	require.Equal(t, "Chaos engineering disabled\n", succeed(t, url, "chaos disable"))
}

func TestAdminToken(t *testing.T) {
	t.Parallel()
	url, _ := serveInProcess(t, "--admin-token", "open-sesame")
	code, _, stderr := command(t, url, "orchestrate status")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "(HTTP 401): give the server's token with --token or MOCKFORGE_ADMIN_TOKEN\n")
	code, _, stderr = command(t, url, "orchestrate status --token wrong")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "(HTTP 403)")
	succeed(t, url, "orchestrate status --token open-sesame")
}
