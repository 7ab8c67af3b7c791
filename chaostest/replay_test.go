package chaostest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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
)

// record runs a document in real time on loopback under eight concurrent
// clients, and returns the path of its event log.
func recordRun(t *testing.T, document string) string {
	t.Helper()
	o, _, err := orchestrator.Load(document)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "run.chaos.jsonl")
	file, err := orchestrator.OpenLogFile(path, orchestrator.LogFileOptions{})
	require.NoError(t, err)
	log, err := file.Record()
	require.NoError(t, err)
	run, err := orchestrator.NewRun(o, orchestrator.RunOptions{Log: log})
	require.NoError(t, err)
	server := httptest.NewServer(run.Injector().Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello, world")
	})))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: 100 * time.Millisecond}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				resp, err := client.Post(fmt.Sprintf("%s/client/%d", server.URL, c%3), "text/plain", strings.NewReader("hello"))
				if err == nil {
					_, _ = io.Copy(io.Discard, resp.Body) // faults are expected
					_ = resp.Body.Close()
				}
				time.Sleep(500 * time.Microsecond) // so that all clients get their share
			}
		})
	}
	res := run.Run(t.Context())
	cancel()
	clients.Wait()
	require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
	require.NoError(t, log.Close())
	require.NoError(t, file.Close())
	return path
}

// again sends, in each step, what was sent in it, each at an instant of its
// own.
func again(rec *orchestrator.Recording) func(*chaostest.Step) {
	return func(step *chaostest.Step) {
		var mine []*orchestrator.RecordedRequest
		for i := range rec.Requests {
			if q := &rec.Requests[i]; len(q.Layers) > 0 && q.Layers[0] == (injector.LayerRef{Name: step.Spec.Name, Iteration: step.Iteration}) {
				mine = append(mine, q)
			}
		}
		var all sync.WaitGroup
		for i, q := range mine {
			all.Go(func() {
				time.Sleep(time.Duration(i) * step.Spec.Duration * 4 / 5 / time.Duration(len(mine)))
				if resp, err := step.Client().Post(step.URL+q.Path, "text/plain", strings.NewReader("hello")); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			})
		}
		all.Wait()
	}
}

// What was recorded in real time under real concurrency is decided the same in
// every mode.
func TestReplay(t *testing.T) {
	t.Parallel()
	recordings := 3
	if os.Getenv("CI_LONG") != "" {
		recordings = 20
	}
	for n := range recordings {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			path := recordRun(t, "testdata/recorded.yaml")
			rec, err := orchestrator.ReadLog(path)
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(rec.Requests), 1000)
			requireBusy(t, rec)
			require.Empty(t, cmpDigests(t, path, rec))
		})
	}
}

// requireBusy checks that the recording has something to get wrong.
func requireBusy(t *testing.T, rec *orchestrator.Recording) {
	t.Helper()
	seen := map[string]int{}
	for _, q := range rec.Requests {
		for _, d := range q.Decisions {
			seen[d.Kind]++
		}
	}
	for _, kind := range []string{injector.KindRateLimit, injector.KindCircuitBreakerOpen, injector.KindHTTPError, injector.KindLatency, injector.KindBulkhead} {
		require.Greater(t, seen[kind], 10, "%v", seen)
	}
	require.Greater(t, len(rec.Transitions), 5)
}

// cmpDigests replays a recording in every mode and returns what differs.
func cmpDigests(t *testing.T, path string, rec *orchestrator.Recording) (problems []string) {
	t.Helper()
	modes := []struct {
		name string
		body func(*chaostest.Step)
		mode chaostest.Option
	}{
		{"verify", nil, chaostest.ReplayVerify()},
		{"pin", again(rec), chaostest.ReplayPin()},
		{"open loop", nil, chaostest.ReplayOpenLoop()},
	}
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			got := chaostest.Replay(t, path, m.body, m.mode, chaostest.ReplayStrict(), chaostest.ReplayOf("testdata/recorded.yaml"))
			if got.Digest != rec.Digest() {
				problems = append(problems, fmt.Sprintf("%s: digest %.12s, recorded %.12s, repeated %d", m.name, got.Digest, rec.Digest(), got.Repeated))
			}
		})
	}
	return problems
}
