package orchestrator_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// Between two steps of which one begins where the other ends, the layer of the
// first is in force until that of the second is; and no longer where none follows.
func TestStepsHandOver(t *testing.T) {
	t.Parallel()
	out := func(name string) orchestrator.Step {
		return orchestrator.Step{Name: name, Duration: time.Second, Scenario: failing(1)}
	}
	later, last := out("b"), out("b")
	later.DelayBefore = time.Second
	last.When = orchestrator.OnFailure
	always := out("c")
	always.When = orchestrator.Always
	for name, c := range map[string]struct {
		steps  []orchestrator.Step
		loop   int
		starts []bool // whether a layer was in force when a step began
		stop   bool   // in the first step
	}{
		"at once":            {[]orchestrator.Step{out("a"), out("b"), out("c")}, 0, []bool{false, true, true}, false},
		"from a quiet one":   {[]orchestrator.Step{out("a"), quietStep("b", time.Second), out("c")}, 0, []bool{false, true, false}, false},
		"a loop":             {[]orchestrator.Step{out("a")}, 3, []bool{false, true, true}, false},
		"later":              {[]orchestrator.Step{out("a"), later}, 0, []bool{false, false}, false},
		"only after failure": {[]orchestrator.Step{out("a"), last, always}, 0, []bool{false, false}, false},
		"none follows":       {[]orchestrator.Step{out("a"), out("b")}, 0, []bool{false}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var run *orchestrator.Run
				failing := func() bool {
					return get(t.Context(), &http.Client{Transport: direct(run.Injector(), http.NotFoundHandler())}) != nil
				}
				var starts []bool
				run, err := orchestrator.NewRun(&orchestrator.Orchestration{Name: "steps", Steps: c.steps, Loop: c.loop > 0, MaxIterations: c.loop}, orchestrator.RunOptions{
					Prompt: true,
					Hooks: orchestrator.Hooks{
						Step: func(_ *orchestrator.ActiveStep, do func() orchestrator.StepResult) {
							starts = append(starts, failing())
							do()
						},
						Body: func(*orchestrator.ActiveStep) {
							if c.stop {
								run.StopAfterStep()
							}
						},
						Skipped: func(s orchestrator.Step, _ int, _ string) { require.False(t, failing(), "step %s is skipped", s.Name) },
					},
				})
				require.NoError(t, err)
				res := run.Run(context.Background())
				require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
				require.Equal(t, c.starts, starts)
				require.False(t, failing())
			})
		})
	}
}
