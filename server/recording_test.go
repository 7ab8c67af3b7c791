package server_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
)

// traffic sends requests from eight clients until the returned function is
// called.
func traffic(t *testing.T, base string) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: time.Second}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				resp, err := client.Post(fmt.Sprintf("%s/client/%d?token=hunter2", base, c%3), "text/plain", strings.NewReader("a secret body"))
				if err == nil {
					_, _ = io.Copy(io.Discard, resp.Body) // faults are expected
					_ = resp.Body.Close()
				}
				time.Sleep(500 * time.Microsecond) // so that all clients get their share
			}
		})
	}
	return func() {
		cancel()
		clients.Wait()
	}
}

// recordMany records at least 1,000 requests of eight clients, some of which
// met the rate limit and an open breaker, to the server's event log. Its steps
// have the given length, in seconds. Where the machine is so busy that too few
// requests came, they are made longer by as much as was missing, the rate lower
// and the breaker's time longer in proportion; the length that was enough is
// returned, for the next recording.
func (l *live) recordMany(path string, length float64) (document string, rec *orchestrator.Recording, enough float64) {
	l.t.Helper()
	text, err := os.ReadFile("../chaostest/testdata/recorded.yaml")
	require.NoError(l.t, err)
	for {
		scaled := strings.NewReplacer(
			"duration_seconds: 0.5", fmt.Sprintf("duration_seconds: %g", length),
			"requests_per_second: 200", fmt.Sprintf("requests_per_second: %g", 100/length),
			"timeout_ms: 20,", fmt.Sprintf("timeout_ms: %g,", math.Round(40*length)),
		).Replace(string(text))
		document = filepath.Join(l.t.TempDir(), "recorded.yaml")
		require.NoError(l.t, os.WriteFile(document, []byte(scaled), 0o600))
		stop := traffic(l.t, l.URL())
		l.start(scaled)
		report := l.ended()
		stop()
		rec, err = orchestrator.ReadLog(path)
		require.NoError(l.t, err)
		kinds := map[string]int{}
		for _, q := range rec.Requests {
			for _, d := range q.Decisions {
				kinds[d.Kind]++
			}
		}
		n := len(rec.Requests)
		if report.State == orchestrator.RunCompleted && n >= 1000 && kinds[injector.KindRateLimit] > 0 && kinds[injector.KindCircuitBreakerOpen] > 0 {
			return document, rec, length
		}
		require.LessOrEqual(l.t, length, 30.0, "%s: %s; %d requests, with %v", report.State, report.Reason, n, kinds)
		length *= max(2, 1500/float64(max(n, 100)))
	}
}

// A run that the server recorded under real concurrent traffic is decided the
// same by a test that replays it, in every way of replaying.
func TestRecordedRunReplays(t *testing.T) { //nolint:tparallel // recordings would starve each other
	t.Parallel()
	recordings := 1 // under -race it takes half a minute
	if os.Getenv("CI_LONG") != "" {
		recordings = 20
	}
	path := filepath.Join(t.TempDir(), "events.chaos.jsonl")
	s := serveLive(t, server.Options{Chaos: true, EventLog: path})
	length := 0.5
	for n := range recordings {
		document, rec, enough := s.recordMany(path, length)
		length = enough
		for name, opts := range map[string][]chaostest.Option{
			"verify":    {chaostest.ReplayVerify()},
			"open loop": {chaostest.ReplayOpenLoop(), chaostest.ReplayStrict(), chaostest.ReplayOf(document)},
			"pin":       {chaostest.ReplayPin(), chaostest.ReplayStrict()},
		} {
			t.Run(fmt.Sprint(n, " ", name), func(t *testing.T) {
				got := chaostest.Replay(t, path, sendAgain(rec, name == "pin"), opts...)
				require.Equal(t, rec.Digest(), got.Digest)
			})
		}
	}
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(data), "hunter2")
	require.NotContains(t, string(data), "secret")
}

// sendAgain is a body that sends what was recorded of its step, each request at
// an instant of its own.
func sendAgain(rec *orchestrator.Recording, wanted bool) func(*chaostest.Step) {
	if !wanted {
		return nil
	}
	return func(step *chaostest.Step) {
		var all sync.WaitGroup
		n := 0
		for _, q := range rec.Requests {
			if len(q.Layers) == 0 || q.Layers[0].Name != step.Spec.Name {
				continue
			}
			n++
			at := time.Duration(n) * 10 * time.Microsecond
			all.Go(func() {
				time.Sleep(at)
				if resp, err := step.Client().Post(step.URL+q.Path, "text/plain", strings.NewReader("hello")); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			})
		}
		all.Wait()
	}
}

// Chaos that is switched off and on in the middle of a step is part of the
// recording: breakers and buckets go on where they were.
func TestRecordingOfASuspension(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.chaos.jsonl")
	s := serveLive(t, server.Options{Chaos: true, EventLog: path})
	stop := traffic(t, s.URL())
	s.start(`
name: switched
steps:
  - name: limited
    duration_seconds: 600
    scenario: {config: {rate_limit: {requests_per_second: 100, burst_size: 50}}}
`)
	for _, path := range []string{"disable", "enable", "orchestration/stop"} {
		time.Sleep(200 * time.Millisecond) // some traffic in either state; how much does not matter
		require.Equal(t, 200, s.call("POST", "/api/chaos/"+path, nil, nil))
	}
	stop()
	rec, err := orchestrator.ReadLog(path)
	require.NoError(t, err)
	v, err := orchestrator.Verify(t.Context(), rec)
	require.NoError(t, err)
	if v.Difference != nil {
		t.Fatal(v.Difference)
	}
	require.Empty(t, v.Unverified)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(data), `"type":"suspended"`)
	require.Contains(t, string(data), `"type":"resumed"`)
}

func TestEventLogOptions(t *testing.T) {
	t.Parallel()
	_, err := server.New(server.Options{EventLog: filepath.Join(t.TempDir(), "none", "x")})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = server.New(server.Options{EventLog: filepath.Join(t.TempDir(), "x"), EventLogBytes: 1})
	require.ErrorContains(t, err, "a bound of 1 bytes is too small")
}
