package server_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
)

// crashDir makes the test binary a server of its own, see TestKill.
const crashDir = "MOCKFORGE_TEST_DATA_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		s, err := server.New(server.Options{Port: server.AnyPort, Chaos: true, DataDir: dir})
		if err == nil {
			err = s.Listen()
		}
		if err == nil {
			fmt.Println(s.URL())
			err = s.Run(context.Background())
		}
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// A server that is killed in the middle of a run comes back with everything
// but the faults.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	defer func() {
		_ = child.Process.Kill() // most often it is dead
		_ = child.Wait()
	}()
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	base := lines.Text()

	document := `
name: nightly
steps:
  - {name: calm, duration_seconds: 0.2, expect: ["operations <= 0"]}
  - {name: storm, duration_seconds: 600, load: {rate: 20}, scenario: ` + failEverything + `}
  - {name: after, duration_seconds: 600}`
	require.Equal(t, 200, callAPI(t, base, "POST", "/api/chaos/orchestration/import", map[string]string{"content": document, "format": "yaml"}, nil))
	require.Equal(t, 200, callAPI(t, base, "POST", "/api/chaos/profiles", `{"name": "mine", "chaos_config": {"latency": {"fixed_delay_ms": 5}}}`, nil))
	kept := eventOf(t, base, "step") // it is sent when the step's result is safe
	require.Equal(t, 200, callAPI(t, base, "POST", "/api/chaos/orchestration/start", `{"name": "nightly", "seed": "0x2a"}`, nil))
	<-kept
	require.Eventually(t, func() bool {
		_, steps := probe(t, base)
		return slices.Contains(steps, "storm")
	}, patience, 5*time.Millisecond)

	require.NoError(t, child.Process.Kill())
	_ = child.Wait() // it was killed

	l := serveLive(t, server.Options{Chaos: true, DataDir: dir})
	status, steps := probe(t, l.URL())
	require.Equal(t, 200, status)
	require.Empty(t, steps)
	s := l.status()
	require.False(t, s.IsRunning)
	require.Equal(t, "nightly", s.Name)
	require.Equal(t, orchestrator.RunStopped, s.State)
	require.Equal(t, "stopped: interrupted", s.Reason)
	require.Equal(t, "0x2a", s.Seed)
	require.Len(t, s.Steps, 3)
	require.Equal(t, orchestrator.StepPassed, s.Steps[0].State, "what was known is kept")
	for _, step := range s.Steps[1:] {
		require.Equal(t, orchestrator.StepSkipped, step.State, step.Name)
		require.Equal(t, "stopped: interrupted", step.Reason)
	}
	require.Zero(t, s.Remaining)
	require.False(t, s.Ended.IsZero())

	var list []struct{ Name string }
	require.Equal(t, 200, l.call("GET", "/api/chaos/orchestrations", nil, &list))
	require.Len(t, list, 1)
	require.Equal(t, 200, l.call("GET", "/api/chaos/profiles/mine", nil, nil))
	var history []orchestrator.Report
	require.Equal(t, 200, l.call("GET", "/api/chaos/orchestration/history", nil, &history))
	require.Len(t, history, 1)

	require.Equal(t, 200, l.call("POST", "/api/chaos/orchestration/start", `{"name": "nightly"}`, nil), "and it can run again")
	require.Greater(t, l.status().ID, s.ID)
}

func TestOneServerForADataDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	serveLive(t, server.Options{DataDir: dir})
	_, err := server.New(server.Options{DataDir: dir})
	require.ErrorContains(t, err, "does another server use it?")
}

// The end of the server is the end of a run, and is kept like any other.
func TestShutdownStopsTheRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := serveLive(t, server.Options{Chaos: true, DataDir: dir})
	l.start("name: long\nsteps:\n  - {name: a, duration_seconds: 600, scenario: slow_backend}\n")
	l.end()
	require.NoError(t, <-l.done)
	l.done <- nil

	again := serveLive(t, server.Options{DataDir: dir})
	s := again.status()
	require.Equal(t, orchestrator.RunStopped, s.State)
	require.Equal(t, "stopped: interrupted", s.Reason)
}

// eventOf is closed when the server has sent an event of that kind.
func eventOf(t *testing.T, base, kind string) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/chaos/events", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	seen := make(chan struct{})
	go func() {
		defer close(seen)
		defer resp.Body.Close()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if lines.Text() == "event: "+kind {
				return
			}
		}
	}()
	return seen
}
