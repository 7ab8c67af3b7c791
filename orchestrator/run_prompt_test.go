package orchestrator_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// slowOperation is a body whose one operation in step a begins a second before
// the step's end and takes the given time.
func slowOperation(takes time.Duration, outcome error) orchestrator.Hooks {
	return orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
		if s.Spec.Name != "a" {
			return
		}
		time.Sleep(s.Duration() - time.Second)
		_ = s.Do(func(context.Context) error {
			time.Sleep(takes)
			return outcome
		})
	}}
}

// The timetable does not wait for a verdict that comes late.
func TestPromptTimetable(t *testing.T) {
	t.Parallel()
	noErrors := []assert.Expectation{assert.MustParse("error_rate <= 0%")}
	second := func(s orchestrator.Step) orchestrator.Step {
		s.Name, s.Duration, s.DelayBefore = "b", 10*time.Second, 2*time.Second
		return s
	}
	tests := []struct {
		name     string
		outcome  error
		tolerate bool
		next     orchestrator.Step
		state    orchestrator.StepState
		start    time.Duration // of b
		end      time.Duration
		run      orchestrator.RunState
		why      string
	}{
		{"success", nil, false, second(orchestrator.Step{}), passed, 12 * time.Second, 22 * time.Second, orchestrator.RunCompleted, ""},
		{"failure ends the next step", errors.New("no"), false, second(orchestrator.Step{}), skipped, 12 * time.Second, 15 * time.Second, orchestrator.RunFailed, "it is known at 15 s"},
		{"tolerated failure does not", errors.New("no"), true, second(orchestrator.Step{}), passed, 12 * time.Second, 22 * time.Second, orchestrator.RunFailed, ""},
		{"nor does one end a step that always runs", errors.New("no"), false, second(orchestrator.Step{When: orchestrator.Always}), passed, 12 * time.Second, 22 * time.Second, orchestrator.RunFailed, ""},
		{"on_failure waits for the verdict", errors.New("no"), false, second(orchestrator.Step{When: orchestrator.OnFailure}), passed, 15 * time.Second, 25 * time.Second, orchestrator.RunFailed, "it would not know whether to run"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{
					{Name: "a", Duration: 10 * time.Second, Expect: noErrors, ContinueOnFailure: tt.tolerate}, tt.next,
				}}, orchestrator.RunOptions{Prompt: true, Hooks: slowOperation(6*time.Second, tt.outcome)})
				res := r.run()
				require.Equal(t, tt.run, res.State)
				a, b := stepOf(t, res, "a"), stepOf(t, res, "b")
				require.Equal(t, 10*time.Second, a.End)
				require.Equal(t, 1, a.Results.Operations(), "its verdict has the operation")
				require.Equal(t, tt.state, b.State, b.Reason)
				require.Equal(t, tt.start, b.Start.Round(time.Millisecond))
				require.Equal(t, tt.end, b.End.Round(time.Millisecond), tt.why)
			})
		})
	}
}

// A failure that becomes known in the delay keeps the next step from starting,
// and a loop from repeating.
func TestPromptFailureInTheDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Loop: true, MaxIterations: 3, Steps: []orchestrator.Step{
			{Name: "a", Duration: 10 * time.Second, Expect: []assert.Expectation{assert.MustParse("error_rate <= 0%")}},
			{Name: "b", Duration: 10 * time.Second, DelayBefore: 8 * time.Second, Scenario: failing(1)},
		}}, orchestrator.RunOptions{Prompt: true, Hooks: slowOperation(2*time.Second, errors.New("no"))})
		res := r.run()
		require.Equal(t, orchestrator.RunFailed, res.State)
		require.Equal(t, 1, res.Iterations)
		b := stepOf(t, res, "b")
		require.Equal(t, skipped, b.State)
		require.Equal(t, b.Start, b.End, "it never was in force")
	})
}

func TestSuspendedStepsAreInconclusive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		step := func(name string) orchestrator.Step {
			return orchestrator.Step{Name: name, Duration: 10 * time.Second, Scenario: failing(1), Load: &orchestrator.Traffic{Rate: 10},
				Expect: []assert.Expectation{assert.MustParse("error_rate >= 99%")}}
		}
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{step("a"), step("b"), step("c"), step("d")},
			Expect:         []assert.Expectation{assert.MustParse("error_rate >= 99%")},
			StopConditions: []assert.Expectation{assert.MustParse("error_rate <= 1%")},
		}, orchestrator.RunOptions{})
		time.AfterFunc(15*time.Second, func() {
			r.Suspend("chaos was switched off")
			r.Injector().Suspend()
		})
		time.AfterFunc(25*time.Second, func() {
			r.Injector().Resume()
			r.Resume()
		})
		res := r.run()
		require.Equal(t, orchestrator.RunInconclusive, res.State)
		for name, want := range map[string]orchestrator.StepState{"a": passed, "b": inconclusive, "c": inconclusive, "d": passed} {
			require.Equal(t, want, stepOf(t, res, name).State, name)
		}
		require.Equal(t, "chaos was switched off", stepOf(t, res, "b").Reason)
		require.Equal(t, assert.Inconclusive, res.Checks[0].Verdict.Status, "nor can anything be said of the whole run")
		require.InDelta(t, 50, stepOf(t, res, "b").Results.Failed(), 1, "time went on, without faults")
	})
}

// Neither does a parallel iteration wait for verdicts, nor a step that runs after
// a failure for more of them than it needs.
func TestPromptDoesNotWaitForMore(t *testing.T) {
	t.Parallel()
	body := func(s *orchestrator.ActiveStep) {
		if s.Iteration > 1 {
			return
		}
		takes := map[string]time.Duration{"slow": 20 * time.Second, "bad": 2 * time.Second}[s.Spec.Name]
		if takes == 0 {
			return
		}
		time.Sleep(s.Duration() - time.Second)
		_ = s.Do(func(context.Context) error {
			time.Sleep(takes)
			if s.Spec.Name == "bad" {
				return errors.New("no")
			}
			return nil
		})
	}
	noErrors := []assert.Expectation{assert.MustParse("error_rate <= 0%")}
	t.Run("parallel", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, orchestrator.Orchestration{Parallel: true, Loop: true, MaxIterations: 2, Steps: []orchestrator.Step{
				{Name: "slow", Duration: 10 * time.Second, Expect: noErrors}, quietStep("other", 5*time.Second),
			}}, orchestrator.RunOptions{Prompt: true, Hooks: orchestrator.Hooks{Body: body}})
			res := r.run()
			var starts []time.Duration
			for _, s := range res.Steps {
				if s.Name == "slow" {
					starts = append(starts, s.Start)
				}
			}
			require.Equal(t, []time.Duration{0, 10 * time.Second}, starts)
		})
	})
	t.Run("on_failure", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{
				{Name: "slow", Duration: 2 * time.Second},
				{Name: "bad", Duration: 2 * time.Second, Expect: noErrors, ContinueOnFailure: true},
				{Name: "after", Duration: time.Second, When: orchestrator.OnFailure},
			}}, orchestrator.RunOptions{Prompt: true, Hooks: orchestrator.Hooks{Body: body}})
			res := r.run()
			require.Equal(t, 5*time.Second, stepOf(t, res, "after").Start.Round(time.Millisecond), "bad is known to have failed at 5 s")
		})
	})
}
