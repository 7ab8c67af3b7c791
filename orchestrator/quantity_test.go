package orchestrator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDurations(t *testing.T) {
	t.Parallel()
	tests := []struct {
		seconds string
		want    time.Duration
		why     string
	}{
		{"30", 30 * time.Second, ""},
		{"30.0", 30 * time.Second, "JSON does not tell integers from fractions"},
		{"3e1", 30 * time.Second, ""},
		{"1_000", 1000 * time.Second, "YAML's separator"},
		{"0x10", 16 * time.Second, "YAML's other bases"},
		{"0.5", 500 * time.Millisecond, ""},
		{".5", 500 * time.Millisecond, ""},
		{"0.1", 100 * time.Millisecond, "not a binary fraction"},
		{"31536000.000000001", 365*24*time.Hour + 1, "more digits than a float64 has"},
		{"0.0000000006", 1, "to the nearest nanosecond"},
		{"0.0000000004", 0, "to the nearest nanosecond"},
		{"1.0000000005", time.Second + 1, "half a nanosecond rounds up"},
	}
	for _, tt := range tests {
		o, _ := parse(t, stepWith("duration_seconds: "+tt.seconds))
		require.Equal(t, tt.want, o.Steps[0].Duration, "%s: %s", tt.seconds, tt.why)
	}
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{
		"0": 0, "7": 7, "0x3bbc274c": 0x3bbc274c, "18446744073709551615": 1<<64 - 1, "1e3": 1000, "1_000": 1000,
	} {
		o, _ := parse(t, fmt.Sprintf("seed: %s\n%s", text, stepWith("keep: true")))
		require.NotNil(t, o.Seed)
		require.Equal(t, want, *o.Seed, text)
	}
	o, _ := parse(t, "seed: null\n"+stepWith("keep: null"))
	require.Nil(t, o.Seed, "null is absent")
}

func TestShortForms(t *testing.T) {
	t.Parallel()
	o, _ := parse(t, `
name: x
tags: one
steps:
  - warm up ( 1.5m )
  - now (0s)
  - {name: a, scenario: slow_backend, target: default, expect: server.requests >= 1}
`)
	require.Equal(t, []string{"one"}, o.Tags)
	require.Equal(t, "warm up", o.Steps[0].Name)
	require.Equal(t, 90*time.Second, o.Steps[0].Duration)
	require.Zero(t, o.Steps[1].Duration)
	require.Equal(t, "slow_backend", o.Steps[2].Scenario.Name)
	require.Equal(t, []string{"default"}, o.Steps[2].Targets)
	require.Len(t, o.Steps[2].Expect, 1)
}

func TestMaxIterationsDefault(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text       string
		iterations int
		endless    bool
	}{
		{"", 1, false},
		{"max_iterations: 5\n", 1, false},
		{"loop_orchestration: true\n", 1, false},
		{"loop_orchestration: true\nmax_iterations: null\n", 1, false},
		{"loop_orchestration: true\nmax_iterations: 5\n", 5, false},
		{"loop_orchestration: true\nmax_iterations: 0\n", 0, true},
	}
	for _, tt := range tests {
		o, _ := parse(t, tt.text+stepWith("duration_seconds: 1"))
		require.Equal(t, tt.iterations, o.Iterations(), tt.text)
		_, endless := o.TotalDuration()
		require.Equal(t, tt.endless, endless, tt.text)
	}
}

func TestAliasesOfFields(t *testing.T) {
	t.Parallel()
	o, _ := parse(t, stepWith("scenario:\n  chaos_config: {fault_injection: {connection_error_kind: http_503}}"))
	require.Equal(t, "http503", string(o.Steps[0].Scenario.Config.FaultInjection.ConnectionErrorKind))
	o, _ = parse(t, configWith("grpc: {status_codes: [UNAVAILABLE, 14, '8']}"))
	require.Equal(t, []string{"UNAVAILABLE", "14", "8"}, o.Steps[0].Scenario.Config.GRPC.StatusCodes)
}
