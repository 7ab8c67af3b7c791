package orchestrator_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// An operation that is in progress at the end of its step counts for it. The
// wait uses up the next delay, and only then moves the next step.
func TestGrace(t *testing.T) {
	t.Parallel()
	const delay = 5 * time.Second
	tests := []struct {
		name  string
		takes time.Duration // from 9 s on; the step ends at 10 s
		grace time.Duration
		state orchestrator.StepState
		next  time.Duration
		moved []string
	}{
		{name: "ends in its step", takes: 500 * time.Millisecond, state: passed, next: 15 * time.Second},
		{name: "ends in the delay", takes: 4 * time.Second, state: passed, next: 15 * time.Second},
		{name: "ends with the delay", takes: 6 * time.Second, state: passed, next: 15 * time.Second},
		{name: "ends after the delay", takes: 9 * time.Second, state: passed, next: 18 * time.Second, moved: []string{`b moved by 3s because of "a"`}},
		{name: "ends with the grace", takes: 30 * time.Second, state: passed, next: 39 * time.Second, moved: []string{`b moved by 24s because of "a"`}},
		{name: "does not end", takes: time.Hour, state: failed, next: 40 * time.Second, moved: []string{`b moved by 25s because of "a"`}},
		{name: "does not end within a grace of its own", takes: 5 * time.Second, grace: 2 * time.Second, state: failed, next: 15 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := quietStep("a", 10*time.Second)
				a.ContinueOnFailure = true
				r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{a, {Name: "b", Duration: 10 * time.Second, DelayBefore: delay}}},
					orchestrator.RunOptions{Grace: tt.grace, Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
						if s.Spec.Name == "b" {
							return
						}
						time.Sleep(9 * time.Second)
						_ = s.Do(func(ctx context.Context) error {
							select {
							case <-time.After(tt.takes):
							case <-ctx.Done():
							}
							return nil
						})
					}}})
				res := r.run()
				step := stepOf(t, res, "a")
				require.Equal(t, tt.state, step.State)
				require.Equal(t, 10*time.Second, step.End, "its layer went off in time")
				if tt.state == passed {
					require.Equal(t, 1, step.Results.Operations())
					require.Equal(t, tt.takes, step.Results.Max())
				} else {
					text := "30s"
					if tt.grace > 0 {
						text = "2s"
					}
					require.Equal(t, []string{"1 of its operations had not ended " + text + " after the step's end"}, step.Problems)
				}
				require.Equal(t, tt.next, stepOf(t, res, "b").Start)
				require.Equal(t, tt.next+10*time.Second, stepOf(t, res, "b").End, "a step that is moved keeps its length")
				require.Equal(t, tt.moved, r.told)
			})
		})
	}
}

func TestBodyThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			hooks := orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
				if s.Spec.Name == "a" {
					<-release
				}
			}}
			var r *rig
			if told {
				hooks.Overrun = func(s *orchestrator.ActiveStep) { r.tell("%s overran at %s", s.Spec.Name, r.at()) }
			}
			r = newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", 10*time.Second), {Name: "b", Duration: time.Second, When: orchestrator.Always}}},
				orchestrator.RunOptions{Hooks: hooks})
			res := r.run()
			close(release)
			require.Equal(t, 40*time.Second, stepOf(t, res, "b").Start)
			a := stepOf(t, res, "a")
			if told {
				require.Contains(t, r.told, "a overran at 40s")
				require.Equal(t, passed, a.State, "it is for the hook to fail it")
			} else {
				require.Equal(t, failed, a.State)
				require.Equal(t, "its body had not returned 30s after the step's end", a.Reason)
			}
		})
	}
}

// What begins after its step counts for the run only, and is not waited for.
func TestOperationAfterItsStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r *rig
		r = newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", time.Second), {Name: "b", Duration: time.Second, DelayBefore: time.Minute}}},
			orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
				if s.Spec.Name == "a" {
					_ = s.Do(r.get)
					time.Sleep(time.Second) // to the very end
					_ = s.Do(r.get)
					time.Sleep(time.Second)
					_ = s.Do(r.get)
				}
			}}})
		res := r.run()
		require.Equal(t, 1, stepOf(t, res, "a").Results.Operations())
		require.Equal(t, 3, res.Results.Operations())
		require.Equal(t, 61*time.Second, stepOf(t, res, "b").Start)
	})
}
