package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReplay(t *testing.T) {
	t.Parallel()
	const (
		storm = "../../orchestrator/testdata/storm.chaos.jsonl"
		other = "../../chaostest/testdata/failing/testdata/otherengine.chaos.jsonl"
		later = "../../chaostest/testdata/failing/testdata/later.chaos.jsonl"
	)
	tests := []struct {
		name   string
		args   []string
		code   int
		stdout []string // what it has
		stderr string   // what it begins with
	}{
		{"verified", []string{storm}, exitOK, []string{
			"storm completed\n", "limited passed", "circuit_breaker default closed → open: 2 consecutive failures",
			"\nVerified: 302 decisions about 356 requests, and 15 changes of state, came out as recorded; digest 0da154241abc\n",
		}, ""},
		{"by name", []string{storm, "--name", "storm"}, exitOK, []string{"Verified: "}, ""},
		{"decided differently", []string{other}, exitFailed, []string{
			"tiny completed\n", "\nThis version decides differently: the first event that differs is in line 3, at 20µs", `"status":500}`, `"status":503}`,
		}, ""},
		{"another name", []string{storm, "--name", "checkout"}, exitUsage, nil, `Error: ` + storm + `: the log has no run of orchestration "checkout"; it has ["storm"]`},
		{"another version", []string{later}, exitUsage, nil, "Error: " + later},
		{"no log", []string{"../../README.md"}, exitUsage, nil, "Error: ../../README.md:1: this is not an event log"},
		{"no file", []string{"none.jsonl"}, exitUsage, nil, "Error: open none.jsonl: no such file or directory"},
		{"nothing", nil, exitUsage, nil, "Error: one event log is needed, like run.chaos.jsonl: 0 were given"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := execute(t, append([]string{"replay"}, tt.args...)...)
			require.Equal(t, tt.code, code, stderr)
			for _, part := range tt.stdout {
				require.Contains(t, stdout, part)
			}
			if tt.stderr == "" {
				require.Empty(t, stderr)
				return
			}
			require.Empty(t, stdout)
			require.True(t, strings.HasPrefix(stderr, tt.stderr), stderr)
		})
	}
}
