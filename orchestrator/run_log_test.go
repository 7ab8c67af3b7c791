package orchestrator_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A line is an event of a log.
type line struct {
	T             int64
	Type          string
	Format        int
	Orchestration string
	Seed          string
	Engine        string
	Start         any
	N             int64
	Step          string
	Steps         []string
	Iteration     int
	Kind          string
	Ordinal       *int64
	Status        any
	Delay         int64
	Masked        bool
	Target        string
	Method, Path  string
	RequestID     string `json:"request_id"`
	Component     string
	Name          string
	From, To      string
	Attempts      *int64
	Error         string
	Expectation   string
	Got           string
	State         string
	Reason        string
}

// readLog reads a log, every line of which must be a JSON object.
func readLog(t *testing.T, log []byte) (out []line) {
	t.Helper()
	require.True(t, bytes.HasSuffix(log, []byte("\n")))
	for text := range bytes.SplitSeq(bytes.TrimSuffix(log, []byte("\n")), []byte("\n")) {
		require.True(t, json.Valid(text), "%s", text)
		var l line
		require.NoError(t, json.Unmarshal(text, &l), "%s", text)
		out = append(out, l)
	}
	return out
}

func TestEventLogOfARun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seed := uint64(0xbeef)
		s := failing(1)
		s.Config.Latency = &injector.Latency{FixedDelay: 100 * time.Millisecond}
		s.Config.CircuitBreaker = &injector.CircuitBreaker{FailureThreshold: 2, Timeout: time.Minute}
		r := newRig(t, orchestrator.Orchestration{
			Name: "orders", Seed: &seed, Load: &orchestrator.Traffic{Rate: 1}, Expect: []assert.Expectation{assert.MustParse("operations >= 1")},
			Steps: []orchestrator.Step{{Name: "storm", Duration: 3500 * time.Millisecond, DelayBefore: time.Second, Scenario: s,
				Expect: []assert.Expectation{assert.MustParse("circuit_breaker.default becomes open")}}},
		}, orchestrator.RunOptions{})
		r.Track("mine")("closed")
		start := time.Now()
		res := r.run()
		log := readLog(t, r.log.Bytes())

		sum := sha256.Sum256(r.log.Bytes())
		require.Equal(t, hex.EncodeToString(sum[:]), res.Digest)
		header := log[0]
		require.Equal(t, []any{"header", 1, "orders", "0xbeef", "mockforge-go/1", start.UTC().Format(time.RFC3339Nano)},
			[]any{header.Type, header.Format, header.Orchestration, header.Seed, header.Engine, header.Start})

		var kinds []string
		count := map[string]int{}
		before := int64(0)
		rank := map[string]int{"request": 0, "decision": 1, "transition": 2, "operation": 3, "step": 4, "verdict": 5, "run": 6}
		last := -1
		for _, l := range log[1:] {
			require.GreaterOrEqual(t, l.T, before)
			if l.T > before {
				last = -1
			}
			require.GreaterOrEqual(t, rank[l.Type], last, "events of one instant go by their kind")
			before, last = l.T, rank[l.Type]
			kinds = append(kinds, l.Type)
			count[l.Type]++
		}
		require.Equal(t, map[string]int{"request": 4, "decision": 6, "transition": 1, "operation": 4, "step": 1, "verdict": 2, "run": 1}, count)
		require.Equal(t, []string{"request", "decision", "decision", "operation"}, kinds[:4])
		require.Equal(t, []string{"step", "verdict", "verdict", "run"}, kinds[len(kinds)-4:], "at the end")

		second := int64(time.Second)
		require.Equal(t, []any{second, int64(1), "default", "GET", "/", []string{"storm"}},
			[]any{log[1].T, log[1].N, log[1].Target, log[1].Method, log[1].Path, log[1].Steps}, "offsets count from the run's start")
		require.Equal(t, []any{"storm", 1, "latency", int64(100 * time.Millisecond)}, []any{log[3].Step, log[3].Iteration, log[3].Kind, log[3].Delay})
		require.Equal(t, []any{"http_error", 503.0}, []any{log[2].Kind, log[2].Status}, "of one kind they go by their content")
		require.Equal(t, []any{second + int64(100*time.Millisecond), "storm", "GET /", "GET /: 503 Service Unavailable"},
			[]any{log[4].T, log[4].Step, log[4].Name, log[4].Error}, "operations stand where they ended")
		end := log[len(log)-1]
		require.Equal(t, []any{4500 * int64(time.Millisecond), "completed", ""}, []any{end.T, end.State, end.Reason})
		require.NotEmpty(t, log[len(log)-2].Got)
	})
}

// Whatever stands in names, paths, ids and errors, every line is JSON that
// reads back as the same text, but for bytes that are no UTF-8.
func TestEventLogEscapes(t *testing.T) {
	t.Parallel()
	texts := map[string]string{
		"plain":               "plain",
		`"quoted\`:            `"quoted\`,
		"tab\tnul\x00":        "tab\tnul\x00",
		"del\x7fesc\x1b[31m":  "del\x7fesc\x1b[31m",
		"\u2028 sep \u202e 🧨": "\u2028 sep \u202e 🧨",
		"broken \xff\xc3":     "broken \uFFFD",
		"</script>&":          "</script>&",
	}
	for text, want := range texts {
		synctest.Test(t, func(t *testing.T) {
			var r *rig
			var buf bytes.Buffer
			o := orchestrator.Orchestration{Name: text, Steps: []orchestrator.Step{quietStep("a", time.Second)}}
			run, err := orchestrator.NewRun(&o, orchestrator.RunOptions{Log: orchestrator.NewEventLog(&buf), Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
				_ = s.Do(func(ctx context.Context) error {
					q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://default.test/", nil)
					if err != nil {
						return err
					}
					q.URL.Path = "/" + text
					q.Header.Set("X-Request-Id", text)
					if _, err := r.into(http.HandlerFunc(r.serve)).RoundTrip(q); err != nil {
						return err
					}
					return errors.New(text)
				})
				s.Fail(text)
			}}})
			require.NoError(t, err)
			r = &rig{Run: run, t: t}
			res := r.run()
			log := readLog(t, buf.Bytes())
			require.Equal(t, want, log[0].Orchestration)
			require.Equal(t, "/"+want, log[1].Path)
			require.Equal(t, want, log[1].RequestID)
			require.Equal(t, want, log[2].Error)
			require.Equal(t, want, log[3].Reason)
			require.Equal(t, text, stepOf(t, res, "a").Reason, "the result has it as it is")
		})
	}
}

// The same run has the same digest, another seed another one.
func TestDigestIsTheRunsIdentity(t *testing.T) {
	t.Parallel()
	digest := func(seed uint64, rate float64) (out string) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, orchestrator.Orchestration{Load: &orchestrator.Traffic{Rate: rate}, Steps: []orchestrator.Step{
				{Name: "a", Duration: 10 * time.Second, Scenario: failing(0.2)}}}, orchestrator.RunOptions{Seed: &seed})
			out = r.run().Digest
		})
		return out
	}
	same := digest(1, 10)
	require.Len(t, same, 64)
	require.Equal(t, same, digest(1, 10))
	require.NotEqual(t, same, digest(2, 10))
	require.NotEqual(t, same, digest(1, 11))
}

type fullDisk struct {
	mu    sync.Mutex
	after int
}

func (w *fullDisk) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.after--; w.after < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestEventLogWriterFails(t *testing.T) {
	t.Parallel()
	for _, after := range []int{0, 1, 1000} {
		synctest.Test(t, func(t *testing.T) {
			log := orchestrator.NewEventLog(&fullDisk{after: after})
			r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", time.Second)}}, orchestrator.RunOptions{Log: log})
			res := r.run()
			require.Equal(t, orchestrator.RunCompleted, res.State, "a log that cannot be written fails no run")
			require.Equal(t, 2, log.Events())
			if after == 1000 {
				require.NoError(t, log.Close())
			} else {
				require.EqualError(t, log.Close(), "disk full")
			}
			require.Equal(t, res.Digest, log.Digest())
		})
	}
}

func TestFormatSeed(t *testing.T) {
	t.Parallel()
	require.Equal(t, "0x0", orchestrator.FormatSeed(0))
	require.Equal(t, "0xffffffffffffffff", orchestrator.FormatSeed(1<<64-1))
}
