package chaostest_test

import (
	"context"
	"errors"
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

// recordRun runs a document in real time on loopback under eight concurrent
// clients, which pause after each request, and writes its event log to path.
func recordRun(t *testing.T, document, path string, pause time.Duration) orchestrator.RunState {
	t.Helper()
	o, _, err := orchestrator.Load(document)
	require.NoError(t, err)
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
				time.Sleep(pause)
			}
		})
	}
	res := run.Run(t.Context())
	cancel()
	clients.Wait()
	require.NoError(t, log.Close())
	require.NoError(t, file.Close())
	return res.State
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
func TestReplay(t *testing.T) { //nolint:tparallel // recordings would starve each other
	t.Parallel()
	recordings := 3
	if os.Getenv("CI_LONG") != "" {
		recordings = 20
	}
	for n := range recordings {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			document, path, rec := recordMany(t)
			requireSame(t, document, path, rec)
		})
	}
}

// recordMany records at least 1,000 requests, and something of everything that
// can be got wrong about them. Where the machine is busy, the steps are made
// longer for it and the rate limit lower.
func recordMany(t *testing.T) (document, path string, rec *orchestrator.Recording) {
	t.Helper()
	text, err := os.ReadFile(recordedDocument)
	require.NoError(t, err)
	for length := 0.5; ; length *= 2 {
		document, path = filepath.Join(t.TempDir(), "recorded.yaml"), filepath.Join(t.TempDir(), "run.chaos.jsonl")
		scaled := strings.NewReplacer(
			"duration_seconds: 0.5", fmt.Sprintf("duration_seconds: %g", length),
			"requests_per_second: 200", fmt.Sprintf("requests_per_second: %g", 100/length),
		).Replace(string(text))
		require.NoError(t, os.WriteFile(document, []byte(scaled), 0o600))
		if recordRun(t, document, path, 500*time.Microsecond) != orchestrator.RunCompleted && length <= 10 {
			continue // too few requests came for its breaker to open
		}
		rec, err = orchestrator.ReadLog(path)
		require.NoError(t, err)
		missing := missing(rec)
		if missing == "" {
			return document, path, rec
		}
		require.LessOrEqual(t, length, 10.0, missing)
	}
}

// missing is what a recording lacks to have something to get wrong; "" where it
// lacks nothing.
func missing(rec *orchestrator.Recording) string {
	seen := map[string]int{}
	for _, q := range rec.Requests {
		for _, d := range q.Decisions {
			seen[d.Kind]++
		}
	}
	for _, kind := range []string{injector.KindRateLimit, injector.KindCircuitBreakerOpen, injector.KindHTTPError, injector.KindLatency, injector.KindBulkhead} {
		if seen[kind] == 0 {
			return fmt.Sprintf("no %s in %v", kind, seen)
		}
	}
	if len(rec.Requests) < 1000 || len(rec.Transitions) < 3 {
		return fmt.Sprintf("only %d requests and %d transitions", len(rec.Requests), len(rec.Transitions))
	}
	return ""
}

// requireSame replays a recording in every mode and requires its decisions.
func requireSame(t *testing.T, document, path string, rec *orchestrator.Recording) {
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
			got := chaostest.Replay(t, path, m.body, m.mode, chaostest.ReplayStrict(), chaostest.ReplayOf(document))
			require.Equal(t, rec.Digest(), got.Digest, "%d of %d repeated", got.Repeated, len(rec.Requests))
			require.Zero(t, got.Beyond)
		})
	}
}

const (
	recordedDocument = "testdata/recorded.yaml"
	goldenLog        = "testdata/recorded.chaos.jsonl"
)

// A recording of an earlier day is replayed as ever. It is made anew by -update
// where it is missing.
func TestReplayGolden(t *testing.T) { //nolint:tparallel // runs on virtual time take turns anyway
	t.Parallel()
	if _, err := os.Stat(goldenLog); *update && errors.Is(err, os.ErrNotExist) {
		require.Equal(t, orchestrator.RunCompleted, recordRun(t, recordedDocument, goldenLog, 20*time.Millisecond))
	}
	rec, err := orchestrator.ReadLog(goldenLog)
	require.NoError(t, err)
	require.Greater(t, len(rec.Transitions), 2)
	requireSame(t, recordedDocument, goldenLog, rec)
}

// A replay is a run on virtual time like any other: it repeats to the byte.
func TestReplayRepeats(t *testing.T) {
	t.Parallel()
	rec, err := orchestrator.ReadLog(goldenLog)
	require.NoError(t, err)
	for name, mode := range map[string]chaostest.Option{"pin": chaostest.ReplayPin(), "open loop": chaostest.ReplayOpenLoop()} {
		logs := map[string]bool{}
		for range 5 {
			path := filepath.Join(t.TempDir(), "again.chaos.jsonl")
			body := again(rec)
			if name != "pin" {
				body = nil
			}
			chaostest.Replay(t, goldenLog, body, mode, chaostest.EventLog(path))
			logs[digestOf(t, path)] = true
		}
		require.Len(t, logs, 1, "%s: distinct event logs", name)
	}
}

// What is sent in an open loop is what was recorded, at its instants, and the
// upstream sees nothing of the replay.
func TestReplaySendsWhatWasRecorded(t *testing.T) {
	t.Parallel()
	rec, err := orchestrator.ReadLog(goldenLog)
	require.NoError(t, err)
	want := map[string]int{}
	for _, q := range rec.Requests {
		if o := q.Outcome; len(q.Layers) > 0 && o.Fault == "" && !o.Canceled {
			want[fmt.Sprint(q.Method, " ", q.Host, q.Path, " ", q.Length)]++
		}
	}
	var mu sync.Mutex
	got := map[string]int{}
	upstream := chaostest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got[fmt.Sprint(r.Method, " ", r.Host, r.URL.Path, " ", r.ContentLength)]++
		if r.Header.Get("X-Mockforge-Replay") != "" {
			got["header"]++
		}
	}))
	called := map[string]int{}
	out := chaostest.Replay(t, goldenLog, func(step *chaostest.Step) { called[step.Spec.Name]++ }, chaostest.ReplayOpenLoop(), upstream)
	require.Equal(t, want, got)
	require.Equal(t, map[string]int{"limited": 1, "breaking": 1, "crowded": 1}, called, "the body runs beside it")
	require.Equal(t, len(rec.Requests), out.Verified)
}

// A closed loop that asks for more than was recorded is decided by the seed,
// and it is said how often.
func TestReplayBeyond(t *testing.T) {
	t.Parallel()
	rec, err := orchestrator.ReadLog(goldenLog)
	require.NoError(t, err)
	got := chaostest.Replay(t, goldenLog, func(step *chaostest.Step) {
		if step.Spec.Name != "breaking" {
			return
		}
		for range 10 {
			if resp, err := step.Client().Get(step.URL + "/new"); err == nil {
				_ = resp.Body.Close()
			}
		}
	})
	require.Equal(t, []int{0, 10, 0}, []int{got.Repeated, got.Beyond, got.Verified})
	require.NotEqual(t, rec.Digest(), got.Digest)
	require.Equal(t, rec.Name, got.Recording.Name)
}

// A document's own load drives a pinned replay, as it drove the recording.
func TestReplayOfDocumentsLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "load.chaos.jsonl")
	rec := recordLoad(t, path)
	for tries := 1; len(rec.Requests) <= 20; tries++ { // on a busy machine load comes late, or not at all
		require.Less(t, tries, 20)
		rec = recordLoad(t, path)
	}
	for _, mode := range []chaostest.Option{chaostest.ReplayPin(), chaostest.ReplayOpenLoop()} {
		got := chaostest.Replay(t, path, nil, mode)
		require.InDelta(t, len(rec.Requests), got.Repeated, 3, "a timetable in real time is a little late")
	}
}

// recordLoad records a run that is driven by its document's load.
func recordLoad(t *testing.T, path string) *orchestrator.Recording {
	t.Helper()
	o, _, err := orchestrator.Load("testdata/recordedload.yaml")
	require.NoError(t, err)
	file, err := os.Create(path)
	require.NoError(t, err)
	log := orchestrator.NewRecording(file)
	var server *httptest.Server
	client := &http.Client{Transport: &http.Transport{}}
	run, err := orchestrator.NewRun(o, orchestrator.RunOptions{Log: log, Client: client, URL: func(string) string { return server.URL }})
	require.NoError(t, err)
	server = httptest.NewServer(run.Injector().Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	defer server.Close()
	run.Run(t.Context())
	client.CloseIdleConnections()
	require.NoError(t, log.Close())
	require.NoError(t, file.Close())
	rec, err := orchestrator.ReadLog(path)
	require.NoError(t, err)
	return rec
}

// A request that met a layer which stays, after the last step had ended, meets it
// before the end of the replay, which is the last step's.
func TestReplayBetweenTheLastStepAndTheEnd(t *testing.T) {
	t.Parallel()
	for _, last := range []string{"0.5", "0"} {
		path := filepath.Join(t.TempDir(), "late.chaos.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(`{"type":"header","format":1,"orchestration":"late","seed":"0x2a","engine":"mockforge-go/1","start":"2026-01-02T03:04:05.5Z","clock":"real","document":{"name":"late","steps":[{"name":"stays","duration_seconds":1,"keep":true,"scenario":{"config":{"fault_injection":{"http_errors":[503],"http_error_probability":1}}}},{"name":"last","duration_seconds":`+last+`,"scenario":{"config":{"latency":{"fixed_delay_ms":2}}}}]}}
{"t":10000,"type":"layer_on","step":"stays","iteration":1}
{"t":1000020000,"type":"step","step":"stays","iteration":1,"state":"passed","start":10000,"reason":"nothing checked"}
{"t":1000030000,"type":"layer_on","step":"last","iteration":1}
{"t":1500030000,"type":"layer_off","step":"last","iteration":1}
{"t":1500040000,"type":"step","step":"last","iteration":1,"state":"passed","start":1000030000,"reason":"nothing checked"}
{"t":1500050000,"type":"request","n":7,"target":"default","method":"GET","path":"/orders","steps":["stays"],"iteration":1,"host":"shop.test","decisions":1}
{"t":1500050000,"type":"decision","n":7,"step":"stays","iteration":1,"kind":"http_error","ordinal":0,"status":503}
{"t":1500060000,"type":"outcome","n":7,"status":503,"fault":"http_error","failed":true}
{"t":1500070000,"type":"layer_off","step":"stays","iteration":1}
{"t":1500080000,"type":"run","state":"completed","reason":""}
`), 0o600))
		got := chaostest.Replay(t, path, nil, chaostest.ReplayOpenLoop(), chaostest.ReplayStrict())
		require.Equal(t, 1, got.Repeated)
		require.Equal(t, got.Recording.Digest(), got.Digest)
	}
}

// A client that had left when its request was decided stays until it is decided
// again.
func TestReplayOfAClientThatHadLeft(t *testing.T) {
	t.Parallel()
	tiny, err := os.ReadFile("testdata/failing/testdata/tiny.chaos.jsonl")
	require.NoError(t, err)
	outcome := `{"t":30000,"type":"outcome","n":7,"status":503,"fault":"http_error","failed":true}`
	require.Contains(t, string(tiny), outcome)
	path := filepath.Join(t.TempDir(), "left.chaos.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(tiny), outcome, `{"t":20001,"type":"outcome","n":7,"canceled":true}`)), 0o600))
	got := chaostest.Replay(t, path, nil, chaostest.ReplayOpenLoop(), chaostest.ReplayStrict())
	require.Equal(t, 1, got.Repeated)
}

// A request that met the layer of a step a moment after the step's end, while
// the layer went off, meets it again.
func TestReplayOfARequestAtTheEnd(t *testing.T) {
	t.Parallel()
	tiny, err := os.ReadFile("testdata/failing/testdata/tiny.chaos.jsonl")
	require.NoError(t, err)
	late := strings.NewReplacer(`"t":20000,`, `"t":1000020005,`, `"t":30000,`, `"t":1000020006,`, `"t":1000010000,`, `"t":1000020007,`,
		`"t":1000020000,`, `"t":1000010000,`).Replace(string(tiny)) // the step's own end is written last
	path := filepath.Join(t.TempDir(), "late.chaos.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(late), 0o600))
	got := chaostest.Replay(t, path, nil, chaostest.ReplayOpenLoop(), chaostest.ReplayStrict())
	require.Equal(t, 1, got.Repeated)
	require.Equal(t, got.Recording.Digest(), got.Digest)
}
