package chaostest_test

import (
	"io"
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
)

// The faults of HTTP beyond the documented ones as a real client sees them, over
// HTTP/1.1 and HTTP/2, in virtual time.
func TestHTTPFaultsAsClientsSeeThem(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	always := new(1.0)
	tests := []struct {
		name   string
		fault  injector.FaultInjection
		header []string // of the request
		status int
		marked string // X-Mockforge-Fault
		took   time.Duration
		check  func(t testing.TB, r reply)
		h2     func(t testing.TB, r reply) // where HTTP/2 looks different
	}{
		{name: "a malformed chunk", status: 200, marked: "connection_error",
			fault: injector.FaultInjection{ConnectionErrorKind: injector.MalformedChunk, ConnectionErrorProbability: always},
			check: func(t testing.TB, r reply) { require.EqualError(t, r.err, "invalid byte in chunk length") },
			h2:    func(t testing.TB, r reply) { require.ErrorContains(t, r.err, "stream error") }},
		{name: "random data",
			fault: injector.FaultInjection{ConnectionErrorKind: injector.RandomData, ConnectionErrorProbability: always},
			check: func(t testing.TB, r reply) { require.ErrorContains(t, r.err, "malformed HTTP response") },
			h2:    func(t testing.TB, r reply) { require.ErrorContains(t, r.err, "stream error") }},
		{name: "a dribble", status: 200, marked: "chunked_dribble_delay", took: 800 * ms,
			fault: injector.FaultInjection{Dribble: &injector.Dribble{NumberOfChunks: 4, TotalDuration: 800 * ms}},
			check: func(t testing.TB, r reply) {
				require.NoError(t, r.err)
				require.Equal(t, page, r.body)
				require.Equal(t, "1000", r.header.Get("Content-Length"))
			}},
		{name: "another response", status: 418, marked: "response_rewrite",
			fault: injector.FaultInjection{Rewrite: &injector.Rewrite{Status: 418, Body: new("short and stout"), SetHeaders: map[string]string{"X-Teapot": "1"}}},
			check: func(t testing.TB, r reply) {
				require.NoError(t, r.err)
				require.Equal(t, "short and stout", r.body)
				require.Equal(t, "1", r.header.Get("X-Teapot"))
			}},
		{name: "Retry-After", status: 503, marked: "http_error",
			fault: injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: always, RetryAfter: new(1500 * ms)},
			check: func(t testing.TB, r reply) { require.Equal(t, "2", r.header.Get("Retry-After")) }},
		{name: "what the request asks for", status: 451, marked: "http_error", took: 300 * ms,
			header: []string{injector.EnvoyHeaderDelay, "300", injector.OverrideHeaderStatus, "451"},
			fault:  injector.FaultInjection{OverrideHeaders: true},
			check:  func(t testing.TB, r reply) { require.Equal(t, "300", r.header.Get("X-Mockforge-Injected-Latency-Ms")) }},
	}
	for _, tt := range tests {
		for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
			t.Run(tt.name+" over "+protocol, func(t *testing.T) {
				t.Parallel()
				faulty(t, fault(tt.fault), says(page), func(step *chaostest.Step, target *chaostest.Target) {
					client := &http.Client{Transport: over(protocol, target)}
					r := fetch(client, request(step, http.MethodGet, step.URL+"/page", nil, tt.header...))
					check, status, marked := tt.check, tt.status, tt.marked
					if protocol == "HTTP/2.0" && tt.h2 != nil {
						check, status, marked = tt.h2, 0, ""
					}
					require.Equal(step, status, r.status, "%v", r.err)
					require.Equal(step, marked, r.header.Get("X-Mockforge-Fault"))
					check(step, r)
					require.InDelta(step, tt.took, r.took, float64(40*time.Microsecond))
				})
			})
		}
	}
}

// The pieces come at their instants, and the windows open at theirs.
func TestHTTPFaultsAtTheirInstants(t *testing.T) {
	t.Parallel()
	dribble := fault(injector.FaultInjection{Dribble: &injector.Dribble{NumberOfChunks: 4, TotalDuration: time.Second}})
	faulty(t, dribble, says(page), func(step *chaostest.Step, target *chaostest.Target) {
		resp, err := (&http.Client{Transport: over("HTTP/1.1", target)}).Do(request(step, http.MethodGet, step.URL, nil))
		require.NoError(step, err)
		defer resp.Body.Close()
		start, b := time.Now(), make([]byte, 250)
		for i := 1; i <= 4; i++ {
			_, err := io.ReadFull(resp.Body, b)
			require.NoError(step, err)
			require.InDelta(step, time.Duration(i)*250*time.Millisecond, time.Since(start), float64(20*time.Microsecond))
		}
	})
	config := fault(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(1.0), Schedule: &injector.Schedule{
		Type: "window", From: 10 * time.Second, To: 15 * time.Second, Period: 20 * time.Second}})
	config.Latency = &injector.Latency{FixedDelay: time.Millisecond, Schedule: &injector.Schedule{Type: "ramp"}}
	faulty(t, config, says(page), func(step *chaostest.Step, target *chaostest.Target) {
		client := &http.Client{Transport: over("HTTP/1.1", target)}
		failed, late := "", 0
		for range 59 {
			time.Sleep(time.Second)
			r := fetch(client, request(step, http.MethodGet, step.URL, nil))
			failed += map[int]string{200: ".", 503: "x"}[r.status]
			if r.header.Get("X-Mockforge-Injected-Latency-Ms") != "" {
				late++
			}
		}
		require.Equal(step, ".........xxxxx...............xxxxx...............xxxxx.....", failed)
		require.InDelta(step, 59/2, late, 4, "of the whole minute of the step")
	})
}

// Who is masked is decided in turn: a crowd at one instant gives the same log
// again.
func TestMaxActiveFaultsRepeats(t *testing.T) {
	t.Parallel()
	var logs []string
	for range 3 {
		path := filepath.Join(t.TempDir(), "log.jsonl")
		config := fault(injector.FaultInjection{
			TimeoutProbability: new(0.6), Timeout: new(time.Second), MaxActiveFaults: new(3), Schedule: &injector.Schedule{Type: "every", Count: 2},
			Dribble: &injector.Dribble{NumberOfChunks: 3, TotalDuration: 300 * time.Millisecond, Probability: new(0.5)},
		})
		failed := 0
		in(t, chaos("crowd", time.Minute, config), func(step *chaostest.Step) {
			var all sync.WaitGroup
			var mu sync.Mutex
			for range 60 {
				all.Go(func() {
					if status, _, _ := get(step.Context(), step.Client(), step.URL); status == 504 {
						mu.Lock()
						defer mu.Unlock()
						failed++
					}
				})
			}
			all.Wait()
		}, chaostest.Upstream(says(page)), chaostest.EventLog(path), chaostest.Seed(4))
		require.Positive(t, failed)
		require.LessOrEqual(t, failed, 3, "at most so many at once")
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Positive(t, strings.Count(string(text), `"masked":true`))
		logs = append(logs, string(text))
	}
	require.Equal(t, logs[0], logs[1])
	require.Equal(t, logs[0], logs[2])
}
