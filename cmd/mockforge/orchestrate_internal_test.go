package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The commands of the documented quick start, in their order.
func TestQuickStart(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"yaml", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "orchestration."+format)
			code, stdout, stderr := execute(t, "orchestrate", "template", "--output", path, "--format", format)
			require.Equal(t, exitOK, code, stderr)
			require.Equal(t, "Generating orchestration template...\nTemplate saved to: "+path+
				"\nCheck it with: mockforge orchestrate validate --file "+path+"\n", stdout)

			code, stdout, stderr = execute(t, "orchestrate", "validate", "--file", path)
			require.Equal(t, exitOK, code, stderr)
			require.Equal(t, `Validating orchestration file: `+path+`
Orchestration file is valid

Summary:
  Name: api_stress_test
  Description: API stress testing with progressive chaos
  Steps: 3, one after another
  Duration: 2m15s

  STEP             FROM   TO     INJECTS                                                                                        ANY FAULT
  baseline         0s     30s    latency 100%                                                                                   -
  moderate_stress  35s    1m35s  http_error 10%                                                                                 10%
  peak_chaos       1m45s  2m15s  cascading_failure: latency 70%, http_error 30%, connection_error 10%, timeout 20%, rate_limit  49.6%
`, stdout)
		})
	}
}

func TestTemplateKeepsFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))

	code, _, stderr := execute(t, "orchestrate", "template", "--output", path)
	require.Equal(t, exitUsage, code)
	require.Equal(t, "Error: "+path+" exists: choose another --output, or add --force to overwrite it\n", stderr)
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "precious", string(kept))

	code, _, _ = execute(t, "orchestrate", "template", "--output", path, "--force")
	require.Equal(t, exitOK, code)
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(written), "name: api_stress_test\n"))
}

func TestTemplateFormat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	code, _, stderr := execute(t, "orchestrate", "template", "--output", filepath.Join(dir, "a.json"), "--format", "yml")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "a.json would be read as JSON: use --format json, or a name that ends in .yaml")

	code, _, _ = execute(t, "orchestrate", "template", "--output", filepath.Join(dir, "b.json"))
	require.Equal(t, exitOK, code)
	written, err := os.ReadFile(filepath.Join(dir, "b.json"))
	require.NoError(t, err)
	require.True(t, json.Valid(written), "by default the format is that of the file's name")

	code, stdout, _ := execute(t, "orchestrate", "template", "--output", "-")
	require.Equal(t, exitOK, code)
	require.True(t, strings.HasPrefix(stdout, "name: api_stress_test\n"), "only the document, for a pipe")

	code, _, stderr = execute(t, "orchestrate", "template", "--output", filepath.Join(dir, "none", "c.yaml"))
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "no such file or directory")
}

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		document string
		code     int
		want     string // after the first line; FILE is the path
	}{
		{"errors and warnings", `name: broken
loop_orchestration: true
steps:
  - name: a
    scenario: slow_backent
    duration_seconds: 30s
`, exitUsage, `Orchestration file has errors:
  FILE:5:15: steps[0].scenario: no preset, network profile or scenario of this document is named "slow_backent", and there is no config with a section to say what it does; did you mean "slow_backend"?
  FILE:6:23: steps[0].duration_seconds: must be a number of seconds, not the text "30s"; did you mean "30"?

Warnings:
  FILE:2:21: loop_orchestration: max_iterations is not set: the steps run once; set it, 0 for an endless loop
`},
		{"valid with warnings", `name: endurance
description: |
  All day,
  all night.
parallel: true
loop_orchestration: true
max_iterations: 0
steps:
  - name: shaped
    duration_seconds: 90
    scenario: {config: {traffic_shaping: {bandwidth_limit_bps: 1000}, fault_injection: {error_pattern: {type: burst, count: 1, interval_ms: 5}}}}
  - name: lossy
    scenario: {config: {traffic_shaping: {packet_loss_percent: 12.5}, circuit_breaker: {}, grpc: {status_codes: [], stream_interruption_probability: 0.25}}}
  - pause (30s)
`, exitOK, `Orchestration file is valid

Summary:
  Name: endurance
  Description: All day,
    all night.
  Steps: 3, all at once
  Duration: 1m30s for each iteration, without end

  STEP    FROM  TO     INJECTS                                                      ANY FAULT
  shaped  0s    1m30s  fault_injection, traffic_shaping                             -
  lossy   0s    1m     packet_loss 12.5%, stream_interruption 25%, circuit_breaker  34.4%
  pause   0s    30s    nothing                                                      -

Warnings:
  FILE:7:17: max_iterations: 0 repeats for ever: the run ends only when it is stopped
`},
		{"iterations", "name: x\nloop_orchestration: true\nmax_iterations: 24\nsteps: [hour (1h)]\n", exitOK, `Orchestration file is valid

Summary:
  Name: x
  Steps: 1, one after another
  Duration: 24h, 24 iterations

  STEP  FROM  TO  INJECTS  ANY FAULT
  hour  0s    1h  nothing  -
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "orchestration.yaml")
			require.NoError(t, os.WriteFile(path, []byte(tt.document), 0o600))
			code, stdout, stderr := execute(t, "orchestrate", "validate", "--file", path)
			require.Equal(t, tt.code, code)
			require.Empty(t, stderr)
			require.Equal(t, "Validating orchestration file: "+path+"\n"+strings.ReplaceAll(tt.want, "FILE", path), stdout)
		})
	}
}

func TestValidateJSON(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "bad.json")
	require.NoError(t, os.WriteFile(good, []byte("name: x\nsteps:\n  - name: a\n    delay_before_seconds: 0.5\n    scenario: peak_traffic\n"), 0o600))
	require.NoError(t, os.WriteFile(bad, []byte(`{"name": "x", "steps": []}`), 0o600))

	code, stdout, _ := execute(t, "orchestrate", "validate", "--format", "json", "--file", good)
	require.Equal(t, exitOK, code)
	require.JSONEq(t, `{"file": "`+good+`", "valid": true, "name": "x", "parallel": false, "iterations": 1, "endless": false, "duration_seconds": 60.5,
		"steps": [{"name": "a", "start_seconds": 0.5, "end_seconds": 60.5, "quiet": false, "scenario": "peak_traffic", "sections": ["rate_limit"], "combined_probability": 0}],
		"problems": [], "warnings": []}`, stdout)

	code, stdout, _ = execute(t, "orchestrate", "validate", "--format", "json", "--file", bad)
	require.Equal(t, exitUsage, code)
	require.JSONEq(t, `{"file": "`+bad+`", "valid": false, "parallel": false, "iterations": 0, "endless": false, "duration_seconds": 0, "warnings": [],
		"problems": [{"file": "`+bad+`", "line": 1, "column": 24, "path": "steps", "message": "has no steps: at least one is needed"}]}`, stdout)
}

func TestValidateMissingFile(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := execute(t, "orchestrate", "validate", "--file", filepath.Join(t.TempDir(), "none.yaml"))
	require.Equal(t, exitUsage, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "none.yaml: no such file or directory")
}
