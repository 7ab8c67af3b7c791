package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestPlainProgress(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := plainProgress{w: &out}
	for _, elapsed := range []float64{0, 0.5, 3, 9.9, 10, 14, 29, 31, 34, 36, 39, 47, 59} {
		p.report(runAt(elapsed, orchestrator.RunRunning))
	}
	between := runAt(34, orchestrator.RunRunning)
	between.Current, between.Elapsed = nil, 59.5
	p.report(between)
	p.report(runAt(60, orchestrator.RunFailed))
	require.Contains(t, out.String(), "] between steps · ")
	require.Equal(t, `[    0s   0%] warmup
[   10s  17%] warmup · operations 10/s, 10% failed, p99 120ms · requests 11/s, 18.2% errors
[   29s  48%] warmup · operations 10/s, 10% failed, p99 120ms · requests 11/s, 18.2% errors
`, strings.ReplaceAll(firstLines(out.String(), 3), ".0/s", "/s"))
	require.Contains(t, out.String(), "[   31s  52%] warmup passed: nothing checked; 330 requests met its layer\n[   31s  52%] peak · ")
	require.Contains(t, out.String(), " · breakers: payments open\n")
	require.True(t, strings.HasSuffix(out.String(), "[    1m 100%] peak failed\n"), out.String())
}

func firstLines(s string, n int) string {
	return strings.Join(strings.SplitAfter(s, "\n")[:n], "")
}

// A loop says which iteration it is, and each step that ended once, also when
// the report leaves the first ones out.
func TestPlainProgressLoop(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := plainProgress{w: &out}
	for i := range 5 {
		r := orchestrator.Report{State: orchestrator.RunRunning, Iteration: i + 1, Current: []string{"a"}, Elapsed: float64(10 * i), Dropped: max(0, i-2)}
		for k := r.Dropped; k < i; k++ {
			r.Steps = append(r.Steps, orchestrator.StepReport{Name: fmt.Sprint("a", k), State: orchestrator.StepPassed})
		}
		r.Steps = append(r.Steps, orchestrator.StepReport{Name: "a", State: orchestrator.StepRunning})
		p.report(r)
	}
	require.Equal(t, `[    0s   0%] iteration 1, without end · a
[   10s   0%] a0 passed
[   10s   0%] iteration 2, without end · a
[   20s   0%] a1 passed
[   20s   0%] iteration 3, without end · a
[   30s   0%] a2 passed
[   30s   0%] iteration 4, without end · a
[   40s   0%] a3 passed
[   40s   0%] iteration 5, without end · a
`, out.String())
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := runAt(60, orchestrator.RunFailed)
	r.Steps = append([]orchestrator.StepReport{
		{Name: "quiet", State: orchestrator.StepPassed, Reason: "nothing checked; no request met its layer: its faults never fired", Counts: &orchestrator.CountsReport{}},
		{Name: "seen", State: orchestrator.StepPassed, Reason: "nothing checked; 5 requests met its layer", Counts: &orchestrator.CountsReport{Requests: 5}},
	}, r.Steps...)
	r.Steps[2].Problems = []string{"its layer cannot be applied:\nno such target"}
	r.Steps[2].Tolerated, r.Steps[2].State = true, orchestrator.StepFailed
	r.Checks = []orchestrator.CheckReport{{Expectation: "operations >= 1", Status: "inconclusive", Subject: "operations", Got: "0", Want: ">= 1"}}
	require.NoError(t, writeVerdict(&out, r))
	require.Equal(t, `checkout: failed after 1m: step peak failed

  STEP    VERDICT                   FROM  TO   OPERATIONS  FAILED  P99    REQUESTS  ERRORS
  quiet   passed (nothing checked)  0s    0s   -           -       -      0         -
  seen    passed (nothing checked)  0s    0s   -           -       -      5         0%
  warmup  failed (tolerated)        0s    30s  -           -       -      -         -
  peak    failed                    35s   1m   600         10%     120ms  660       18.2%

quiet: passed
  nothing checked; no request met its layer: its faults never fired

warmup: failed (tolerated)
  its layer cannot be applied:
    no such target

peak: failed
  fail: client error rate = 10% (60 of 600 operations), want <= 1%
    when     ▁▁█
    first    #14 GET /orders

whole run
  inconclusive: operations = 0, want >= 1

requests: 660, 18.2% errors
injected: http_error 120, latency 660
circuit breakers: payments closed
run r1, seed 0x7
`, out.String())
}

// A long loop shows what did not pass, and the last of what did.
func TestVerdictOfLoop(t *testing.T) {
	t.Parallel()
	r := orchestrator.Report{Name: "loop", State: orchestrator.RunFailed, Dropped: 100}
	for i := range 200 {
		s := orchestrator.StepReport{Name: "a", Iteration: i + 101, State: orchestrator.StepPassed}
		if i%100 == 7 {
			s.State = orchestrator.StepFailed
		}
		r.Steps = append(r.Steps, s)
	}
	shown, left := selectSteps(r)
	require.Len(t, shown, shownSteps)
	require.Equal(t, 250, left)
	require.Equal(t, 108, shown[0].Iteration)
	require.Equal(t, 208, shown[1].Iteration)
	require.Equal(t, 300, shown[49].Iteration)
	var out strings.Builder
	require.NoError(t, writeVerdict(&out, r))
	require.Contains(t, out.String(), "  108  a     failed ")
	require.Contains(t, out.String(), "  and 250 more\n")
}

func TestWatch(t *testing.T) {
	t.Parallel()
	running := encode(t, runAt(40, orchestrator.RunRunning))
	server := serve(t, map[string]any{
		"GET /api/chaos/orchestration/status":     `{"is_running": true, "name": "checkout", "id": "r1"}`,
		"GET /api/chaos/orchestration/history/r1": inTurn(running, encode(t, runAt(60, orchestrator.RunFailed))),
	})
	code, stdout, stderr := execute(t, "orchestrate", "watch", "--base-url", server.URL)
	require.Equal(t, exitFailed, code, stderr)
	require.True(t, strings.HasPrefix(stdout, "[   40s  67%] warmup passed"), stdout)
	require.Contains(t, stdout, "[    1m 100%] peak failed\n\ncheckout: failed after 1m: step peak failed\n")

	code, _, _ = execute(t, "orchestrate", "watch", "--id", "r1", "--base-url", server.URL)
	require.Equal(t, exitFailed, code)
}

func TestWatchIdle(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{"GET /api/chaos/orchestration/status": inTurn(`{"is_running": false, "name": null, "progress": 0}`,
		`{"is_running": false, "name": "x", "id": "r1", "state": "failed", "progress": 1}`)})
	code, stdout, _ := execute(t, "orchestrate", "watch", "--base-url", server.URL)
	require.Equal(t, exitOK, code)
	require.Equal(t, "No orchestration currently running\n", stdout)
	code, stdout, _ = execute(t, "orchestrate", "watch", "--base-url", server.URL)
	require.Equal(t, exitOK, code, "that run is not this command's")
	require.Equal(t, "No orchestration currently running\nThe last one, x, ended failed: mockforge orchestrate history --id r1 --base-url "+server.URL+"\n", stdout)
}

func TestPace(t *testing.T) {
	t.Parallel()
	report := func(elapsed float64, operations, failed int) orchestrator.Report {
		return orchestrator.Report{Elapsed: elapsed, Counts: orchestrator.CountsReport{Operations: operations, Failed: failed, Requests: 2 * operations}}
	}
	var p pace
	require.Equal(t, rates{}, p.add(report(0, 0, 0)))
	require.Equal(t, rates{}, p.add(report(0.4, 4, 0)), "too early to tell")
	require.Equal(t, rates{known: true, operations: 10, requests: 20}, p.add(report(2, 20, 0)))
	require.Equal(t, rates{known: true, operations: 10, requests: 20}, p.add(report(4, 40, 0)))
	p.add(report(10, 100, 0))
	got := p.add(report(14, 100, 0))
	require.Equal(t, 6., got.operations, "since 4 s, the newest that is five seconds old")
	got = p.add(report(20, 200, 50))
	require.InDelta(t, 100./6, got.operations, 1e-9)
	require.Equal(t, 0.5, got.failed)
	for i := range 1000 {
		p.add(report(20+float64(i)/1000, 200, 50))
	}
	require.LessOrEqual(t, len(p.seen), 100)
}
