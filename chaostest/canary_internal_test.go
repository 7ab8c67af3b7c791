package chaostest

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// Nobody promises that the Run of a T from outside works in a bubble; the
// harness relies on it, and reports after the run where it does not. When this
// fails with a new Go version, the fall-back is in use.
func TestSubtestFromInsideVirtualTime(t *testing.T) {
	outer := t
	var inside, outside time.Time
	synctest.Test(t, func(t *testing.T) {
		require.True(t, outer.Run("step", func(t *testing.T) {
			time.Sleep(time.Hour)
			inside = time.Now()
		}))
		outside = time.Now()
	})
	require.Equal(t, time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC), inside.UTC(), "the subtest is in virtual time")
	require.Equal(t, inside, outside)
	h := fallback(t, false)
	require.False(t, h.refused)
	require.Empty(t, h.later)
}

// The refusal itself, by a T that refuses: the bubble's own.
func TestRefusedSubtest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, &orchestrator.Orchestration{}, nil, newSettings(nil), 1, "", "")
		for _, name := range []string{"first", "second"} {
			called := 0
			h.subtest(t, name, func(sub *testing.T) {
				called++
				require.Nil(t, sub)
			})
			require.Equal(t, 1, called, "the step runs all the same")
		}
		require.True(t, h.refused)
		require.False(t, h.muted, "nobody has left it out")
	})
}

// fallback runs an orchestration of every verdict, as if this Go version
// refused subtests in virtual time.
func fallback(t *testing.T, fail bool) *harness {
	t.Helper()
	o := &orchestrator.Orchestration{Name: "orders", Steps: []orchestrator.Step{
		{Name: "passes", Duration: time.Minute, Expect: []assert.Expectation{assert.Operations().AtLeast(600)}},
		{Name: "fails", Duration: time.Minute, ContinueOnFailure: true, Scenario: orchestrator.Scenario{
			Config: &injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}}},
		}},
		{Name: "skips", Duration: time.Minute},
		{Name: "does not run", Duration: time.Minute, When: orchestrator.OnFailure},
		{Name: "ends", Duration: time.Minute},
	}}
	if fail {
		o.Steps[3].When = orchestrator.OnSuccess
	}
	body := func(step *Step) {
		switch step.Spec.Name {
		case "skips":
			step.Skip("a skipped step's words")
		case "ends":
			step.Log("a last step's words")
		case "fails":
			if !fail {
				return
			}
			fallthrough
		default:
			step.Load(10, func(ctx context.Context) error {
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, step.URL, nil)
				if err != nil {
					return err
				}
				resp, err := step.Client().Do(req)
				if err == nil && resp.StatusCode != http.StatusOK {
					err = errors.New(resp.Status)
				}
				if err == nil {
					err = resp.Body.Close()
				}
				return err
			})
			step.Expect(assert.ErrorRate().AtMost(0.01))
		}
	}
	h := newHarness(t, o, body, newSettings(nil), 1, "canary_internal_test.go:1", "")
	h.refused = os.Getenv("MOCKFORGE_FALLBACK") != ""
	h.execute()
	return h
}

// TestFallback is for TestReportsAfterTheRun to run.
func TestFallback(t *testing.T) {
	if os.Getenv("MOCKFORGE_FALLBACK") == "" {
		t.Skip("plays a part in a child process of TestReportsAfterTheRun")
	}
	fallback(t, true)
}

// Where subtests are refused in virtual time, every step is one after the run,
// with its words and its verdict.
func TestReportsAfterTheRun(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^TestFallback$", "-test.timeout=170s")
	cmd.Env = append(os.Environ(), "MOCKFORGE_FALLBACK=1", "CHAOSTEST_SEED=", "TMPDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	require.Error(t, err, "%s", out)
	text := string(out)
	for _, line := range []string{
		"--- FAIL: TestFallback ", "--- PASS: TestFallback/passes ", "--- FAIL: TestFallback/fails ", "--- SKIP: TestFallback/skips ",
		"--- PASS: TestFallback/does_not_run ", "--- PASS: TestFallback/ends ",
		"a skipped step's words", "a last step's words", "client error rate = 10% (60 of 600 operations), want <= 1%",
		"passed: 2 expectations", "600 operations, 10% failed", "-run '^TestFallback$/^fails$'",
	} {
		require.Contains(t, text, line)
	}
}
