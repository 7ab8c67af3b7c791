package orchestrator_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestIterations(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		loop   bool
		most   int // max_iterations
		option int
		limit  int
		want   int
		state  orchestrator.RunState
	}{
		{name: "no loop", most: 5, want: 1, state: orchestrator.RunCompleted},
		{name: "no loop, bounded", option: 3, want: 1, state: orchestrator.RunCompleted},
		{name: "loop", loop: true, most: 5, want: 5, state: orchestrator.RunCompleted},
		{name: "bounded", loop: true, most: 5, option: 3, want: 3, state: orchestrator.RunCompleted},
		{name: "bounded by more", loop: true, most: 5, option: 30, want: 5, state: orchestrator.RunCompleted},
		{name: "endless, bounded", loop: true, option: 30, want: 30, state: orchestrator.RunCompleted},
		{name: "endless", loop: true, limit: 7, want: 7, state: orchestrator.RunFailed},
		{name: "the limit is for endless loops", loop: true, most: 9, limit: 7, want: 9, state: orchestrator.RunCompleted},
		{name: "and not for bounded ones", loop: true, option: 9, limit: 7, want: 9, state: orchestrator.RunCompleted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, orchestrator.Orchestration{Loop: tt.loop, MaxIterations: tt.most, Steps: []orchestrator.Step{quietStep("a", time.Second)}},
					orchestrator.RunOptions{Iterations: tt.option, IterationLimit: tt.limit})
				res := r.run()
				require.Equal(t, tt.want, res.Iterations)
				require.Len(t, res.Steps, tt.want)
				require.Equal(t, time.Duration(tt.want)*time.Second, res.Elapsed)
				require.Equal(t, tt.state, res.State)
				if tt.state == orchestrator.RunFailed {
					require.Equal(t, "the endless loop was not stopped after 7 iterations: call step.Stop, add stop_conditions, or bound it with chaostest.Iterations(n)", res.Reason)
				}
			})
		})
	}
}

func TestLoopOfZeroLength(t *testing.T) {
	t.Parallel()
	body := orchestrator.Hooks{Body: func(*orchestrator.ActiveStep) {}}
	tests := []struct {
		name  string
		steps []orchestrator.Step
		hooks orchestrator.Hooks
		once  bool
		ok    bool
	}{
		{name: "quiet", steps: []orchestrator.Step{{Name: "a"}, {Name: "b"}}},
		{name: "only a failure would give it a length", steps: []orchestrator.Step{{Name: "a"}, {Name: "b", Duration: time.Hour, When: orchestrator.OnFailure}}},
		{name: "a delay is a length", steps: []orchestrator.Step{{Name: "a", DelayBefore: time.Second}}, ok: true},
		{name: "a scenario has one", steps: []orchestrator.Step{{Name: "a", Scenario: slow(1)}}, ok: true},
		{name: "a body may take its time", steps: []orchestrator.Step{{Name: "a"}}, hooks: body, ok: true},
		{name: "no loop", steps: []orchestrator.Step{{Name: "a"}}, once: true, ok: true},
	}
	for _, tt := range tests {
		_, err := orchestrator.NewRun(&orchestrator.Orchestration{Name: "x", Loop: !tt.once, Steps: tt.steps}, orchestrator.RunOptions{Hooks: tt.hooks})
		if tt.ok {
			require.NoError(t, err, tt.name)
		} else {
			require.EqualError(t, err, "orchestration x: the loop has no length: set duration_seconds of a step", tt.name)
		}
	}
}

// A long loop keeps what its last steps were, and the figures of its last
// iteration only.
func TestLongLoopIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 3000
		flaky := quietStep("flaky", time.Second)
		flaky.ContinueOnFailure = true
		r := newRig(t, orchestrator.Orchestration{Loop: true, MaxIterations: n, Steps: []orchestrator.Step{flaky, quietStep("b", time.Second)}},
			orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
				if s.Spec.Name == "flaky" && s.Iteration%1000 == 1 {
					s.Fail("broken")
				}
				_ = s.Do(func(context.Context) error { return nil })
			}}})
		res := r.run()
		require.LessOrEqual(t, len(res.Steps), 2000)
		require.GreaterOrEqual(t, len(res.Steps), 1000)
		require.Equal(t, 2*n, res.Dropped+len(res.Steps))
		require.Equal(t, 3, res.Failed)
		require.Equal(t, []string{"flaky"}, r.Status().Failed, "though its last failure was dropped")
		for i, s := range res.Steps {
			require.Equal(t, n-(len(res.Steps)-1-i)/2, s.Iteration)
			require.Equal(t, s.Iteration == n, s.Results.Operations() == 1, "%s of iteration %d", s.Name, s.Iteration)
		}
		require.Equal(t, 2*n, res.Results.Operations())
	})
}

func TestPast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r *rig
		var seen []string
		r = newRig(t, orchestrator.Orchestration{Loop: true, MaxIterations: 2, Steps: []orchestrator.Step{quietStep("a", time.Second), quietStep("b", time.Second)}},
			orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
				a, okA := r.Past("a")
				b, okB := r.Past("b")
				seen = append(seen, fmt.Sprint(s.Spec.Name, s.Iteration, ": ", a.Operations(), okA, " ", b.Operations(), okB))
				for range s.Iteration * 10 {
					_ = s.Do(func(context.Context) error { return nil })
				}
			}}})
		r.run()
		require.Equal(t, []string{"a1: 0 false 0 false", "b1: 10 true 0 false", "a2: 10 true 10 true", "b2: 20 true 10 true"}, seen)
	})
}

// The hooks around iterations and steps see them begin and end.
func TestHooksAroundStepsAndIterations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r *rig
		r = newRig(t, orchestrator.Orchestration{Loop: true, MaxIterations: 2, Steps: []orchestrator.Step{
			{Name: "a", Duration: time.Second, DelayBefore: time.Second, Scenario: failing(1)},
		}}, orchestrator.RunOptions{Hooks: orchestrator.Hooks{
			Iteration: func(n int, do func()) {
				r.tell("iteration %d at %s", n, r.at())
				do()
				r.tell("iteration %d over at %s", n, r.at())
			},
			Step: func(s *orchestrator.ActiveStep, do func() orchestrator.StepResult) {
				r.tell("%s at %s", s.Spec.Name, r.at())
				require.NoError(t, r.get(t.Context()), "its layer is not on yet")
				res := do()
				r.tell("%s %s at %s", s.Spec.Name, res.State, r.at())
			},
			Body: func(s *orchestrator.ActiveStep) {
				r.tell("body of %s for %s", s.Spec.Name, s.Duration())
				if r.get(s.Context()) == nil {
					s.Fail("its layer is not on")
				}
			},
		}})
		r.run()
		require.Equal(t, []string{
			"iteration 1 at 0s", "a at 1s", "body of a for 1s", "a passed at 2s", "iteration 1 over at 2s",
			"iteration 2 at 2s", "a at 3s", "body of a for 1s", "a passed at 4s", "iteration 2 over at 4s",
		}, r.told)
	})
}

// Seeds: the option's, else the document's, else 0.
func TestSeedOfARun(t *testing.T) {
	t.Parallel()
	one, two := uint64(1), uint64(2)
	tests := []struct {
		document, option *uint64
		want             uint64
	}{{want: 0}, {document: &one, want: 1}, {option: &two, want: 2}, {document: &one, option: &two, want: 2}}
	for _, tt := range tests {
		r, err := orchestrator.NewRun(&orchestrator.Orchestration{Name: "x", Seed: tt.document, Steps: []orchestrator.Step{{Name: "a"}}}, orchestrator.RunOptions{Seed: tt.option})
		require.NoError(t, err)
		require.Equal(t, tt.want, r.Seed())
	}
}
