package orchestrator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

const (
	passed       = orchestrator.StepPassed
	failed       = orchestrator.StepFailed
	skipped      = orchestrator.StepSkipped
	inconclusive = orchestrator.StepInconclusive
)

// Every combination of a first step's end and a later step's condition.
func TestWhenAStepRuns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		expect    assert.Expectation // of the first step
		tolerated bool
		first     orchestrator.StepState
		success   orchestrator.StepState // of the later step that waits for success, and so on
		failure   orchestrator.StepState
		run       orchestrator.RunState
		reason    string
	}{
		{name: "passed", expect: assert.MustParse("operations == 0"), first: passed, success: passed, failure: skipped, run: orchestrator.RunCompleted},
		{name: "nothing checked", first: passed, success: passed, failure: skipped, run: orchestrator.RunCompleted},
		{name: "failed", expect: doomed, first: failed, success: skipped, failure: passed, run: orchestrator.RunFailed, reason: "step first failed"},
		{name: "tolerated", expect: doomed, tolerated: true, first: failed, success: passed, failure: passed, run: orchestrator.RunFailed, reason: "a tolerated step failed"},
		{name: "inconclusive", expect: hopeless, first: inconclusive, success: passed, failure: skipped, run: orchestrator.RunInconclusive, reason: "step first is inconclusive"},
		{name: "inconclusive and tolerant", expect: hopeless, tolerated: true, first: inconclusive, success: passed, failure: skipped, run: orchestrator.RunInconclusive, reason: "step first is inconclusive"},
	}
	for _, tt := range tests {
		for _, mode := range []string{"sequential", "parallel", "loop"} {
			t.Run(tt.name+" "+mode, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					first := quietStep("first", time.Second)
					first.ContinueOnFailure = tt.tolerated
					if tt.expect != nil {
						first.Expect = append(first.Expect, tt.expect)
					}
					later := func(name string, when orchestrator.When) orchestrator.Step {
						return orchestrator.Step{Name: name, Duration: 2 * time.Second, When: when}
					}
					r := newRig(t, orchestrator.Orchestration{
						Parallel: mode == "parallel", Loop: mode == "loop", MaxIterations: 3,
						Steps: []orchestrator.Step{
							first, later("default", ""), later("success", orchestrator.OnSuccess),
							later("failure", orchestrator.OnFailure), later("always", orchestrator.Always),
						},
					}, orchestrator.RunOptions{})
					res := r.run()
					want := map[string]orchestrator.StepState{
						"first": tt.first, "default": tt.success, "success": tt.success, "failure": tt.failure, "always": passed,
					}
					require.Equal(t, want, states(res))
					require.Equal(t, tt.run, res.State)
					require.Equal(t, tt.reason, res.Reason)
					require.Equal(t, tt.first == failed && tt.tolerated, stepOf(t, res, "first").Tolerated)
					rounds := 1
					if mode == "loop" && tt.reason != "step first failed" {
						rounds = 3
					}
					require.Equal(t, rounds, res.Iterations)
					if tt.first == failed && tt.success == skipped {
						reason := "step first failed"
						if mode == "parallel" {
							reason = "stopped by first"
						}
						require.Equal(t, reason, stepOf(t, res, "success").Reason)
					}
				})
			})
		}
	}
}

func TestWhyAStepFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		body   func(s *orchestrator.ActiveStep)
		expect []assert.Expectation
		state  orchestrator.StepState
		reason string
	}{
		{name: "nothing checked", state: passed, reason: "nothing checked; 0 requests met its layer"},
		{name: "all hold", expect: []assert.Expectation{assert.MustParse("operations == 0")}, state: passed},
		{
			name: "an expectation does not hold", expect: []assert.Expectation{hopeless, doomed},
			state: failed, reason: "client operations = 0, want >= 1000000",
		},
		{
			name: "nothing to judge", expect: []assert.Expectation{assert.MustParse("operations == 0"), hopeless},
			state: inconclusive, reason: "client error rate = unknown (0 operations), want <= 1%",
		},
		{
			name: "the body reports an error", body: func(s *orchestrator.ActiveStep) { s.Fail("no stock left\ndetails") },
			expect: []assert.Expectation{doomed}, state: failed, reason: "no stock left …",
		},
		{
			name: "the body checks what does not hold", body: func(s *orchestrator.ActiveStep) { s.Check(doomed) },
			expect: []assert.Expectation{assert.MustParse("operations == 0")}, state: failed, reason: "client operations = 0, want >= 1000000",
		},
		{name: "the body skips", body: func(s *orchestrator.ActiveStep) { s.Skip("no database here") }, state: skipped, reason: "no database here"},
		{
			name: "the body fails and skips", body: func(s *orchestrator.ActiveStep) { s.Fail("broken"); s.Skip("no database here") },
			state: failed, reason: "broken",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{expecting(quietStep("a", time.Second), tt.expect...)}},
					orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: tt.body}})
				a := stepOf(t, r.run(), "a")
				require.Equal(t, tt.state, a.State)
				require.Equal(t, tt.reason, a.Reason)
			})
		})
	}
}

func TestFaultsThatNeverFiredAreSaidSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{{Name: "a", Duration: time.Second, Scenario: failing(1)}}}, orchestrator.RunOptions{})
		require.Equal(t, "nothing checked; no request met its layer: its faults never fired", stepOf(t, r.run(), "a").Reason)
	})
}

// The document cannot say this after validation, but a struct literal can
// change between Validate and NewRun.
func TestLayerThatCannotBeApplied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := orchestrator.Orchestration{Steps: []orchestrator.Step{{Name: "a", Duration: time.Second, Scenario: failing(1)}, quietStep("b", time.Second)}}
		p := prepare(t, &o, orchestrator.RunOptions{})
		require.NoError(t, p.err)
		o.Steps[0].Scenario = orchestrator.Scenario{Name: "network_degradatoin"}
		res := p.run()
		a := stepOf(t, res, "a")
		require.Equal(t, failed, a.State)
		require.Contains(t, a.Reason, "its layer cannot be applied: no preset, network profile or scenario")
		require.Equal(t, []string{a.Reason}, a.Problems)
		require.Equal(t, skipped, stepOf(t, res, "b").State)
	})
}

// A failing parallel step ends the others at once, what waits in their layers
// included, and the steps for clean-up run.
func TestParallelFailureEndsTheOthersAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r *rig
		var waited time.Duration
		r = newRig(t, orchestrator.Orchestration{Parallel: true, Steps: []orchestrator.Step{
			expecting(quietStep("bad", 3*time.Second), doomed),
			{Name: "cut", Duration: time.Hour, Scenario: partition(), Expect: []assert.Expectation{hopeless}},
			{Name: "not yet", Duration: time.Hour, DelayBefore: time.Minute},
			quietStep("done", 2*time.Second),
			quietStep("same instant", 3*time.Second),
			{Name: "repair", Duration: time.Second, When: orchestrator.OnFailure},
			{Name: "clean up", Duration: time.Second, When: orchestrator.Always, DelayBefore: time.Second},
		}}, orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
			if s.Spec.Name == "cut" {
				_ = s.Do(r.get)
				waited = r.at()
			}
		}}})
		res := r.run()
		require.Equal(t, map[string]orchestrator.StepState{
			"bad": failed, "cut": skipped, "not yet": skipped, "done": passed, "same instant": passed, "repair": passed, "clean up": passed,
		}, states(res))
		require.Equal(t, "stopped by bad", stepOf(t, res, "cut").Reason)
		require.Equal(t, "stopped by bad", stepOf(t, res, "not yet").Reason)
		require.Equal(t, 3*time.Second, stepOf(t, res, "cut").End)
		require.Equal(t, 3*time.Second, waited, "the partition healed")
		require.Equal(t, 6*time.Second, res.Elapsed)
		require.Equal(t, "step bad failed", res.Reason)
	})
}

func TestParallelToleratedFailureEndsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bad := expecting(quietStep("bad", time.Second), doomed)
		bad.ContinueOnFailure = true
		r := newRig(t, orchestrator.Orchestration{Parallel: true, Steps: []orchestrator.Step{bad, quietStep("other", 5*time.Second)}}, orchestrator.RunOptions{})
		res := r.run()
		require.Equal(t, []string{"bad failed 0s–1s", "other passed 0s–5s"}, lines(res))
		require.Equal(t, orchestrator.RunFailed, res.State)
	})
}

// An untolerated failure ends a loop, after the clean-up of its iteration; a
// failure of an earlier iteration is none of a later one.
func TestLoopFailure(t *testing.T) {
	t.Parallel()
	for _, parallel := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			tolerant := quietStep("tolerant", time.Second)
			tolerant.ContinueOnFailure = true
			r := newRig(t, orchestrator.Orchestration{Parallel: parallel, Loop: true, MaxIterations: 10, Steps: []orchestrator.Step{
				tolerant, quietStep("strict", 2*time.Second),
				{Name: "repair", Duration: time.Second, When: orchestrator.OnFailure},
				{Name: "clean up", Duration: time.Second, When: orchestrator.Always},
			}}, orchestrator.RunOptions{Hooks: orchestrator.Hooks{
				Body: func(s *orchestrator.ActiveStep) {
					if s.Spec.Name == "tolerant" && s.Iteration == 1 || s.Spec.Name == "strict" && s.Iteration == 3 {
						s.Fail("broken")
					}
				},
				Skipped: func(orchestrator.Step, int, string) {},
			}})
			res := r.run()
			require.Equal(t, 3, res.Iterations)
			require.Equal(t, "step strict failed", res.Reason)
			require.Equal(t, 2, res.Failed)
			var repairs, cleanups []orchestrator.StepState
			for _, s := range res.Steps {
				switch s.Name {
				case "repair":
					repairs = append(repairs, s.State)
				case "clean up":
					cleanups = append(cleanups, s.State)
				}
			}
			require.Equal(t, []orchestrator.StepState{passed, skipped, passed}, repairs)
			require.Equal(t, []orchestrator.StepState{passed, passed, passed}, cleanups)
		})
	}
}

// The first failure is the run's reason; those of later steps are in theirs.
func TestFailureInCleanUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cleanUp := expecting(quietStep("clean up", time.Second), doomed)
		cleanUp.When = orchestrator.Always
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{
			quietStep("a", time.Second), cleanUp, {Name: "b", Duration: time.Second},
			{Name: "repair", Duration: time.Second, When: orchestrator.OnFailure},
		}}, orchestrator.RunOptions{})
		res := r.run()
		require.Equal(t, map[string]orchestrator.StepState{"a": passed, "clean up": failed, "b": skipped, "repair": passed}, states(res))
		require.Equal(t, "step clean up failed", res.Reason)
		require.Equal(t, "step clean up failed", stepOf(t, res, "b").Reason)
	})
}

func TestExpectationsOfTheRun(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		expect string
		steps  []assert.Expectation
		state  orchestrator.RunState
		reason string
	}{
		{name: "holds", expect: "operations == 30", state: orchestrator.RunCompleted},
		{name: "does not hold", expect: "operations == 31", state: orchestrator.RunFailed, reason: "client operations = 30, want == 31"},
		{name: "nothing to judge", expect: "injected.http_error ~ 10%", state: orchestrator.RunInconclusive},
		{name: "a failed step comes first", expect: "operations == 31", steps: []assert.Expectation{doomed}, state: orchestrator.RunFailed, reason: "step a failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, orchestrator.Orchestration{
					Expect: []assert.Expectation{assert.MustParse(tt.expect)},
					Steps: []orchestrator.Step{
						expecting(quietStep("a", time.Second), tt.steps...),
						{Name: "b", Duration: 950 * time.Millisecond, DelayBefore: time.Second, When: orchestrator.Always},
					},
				}, orchestrator.RunOptions{})
				r.Background(10, r.get)
				res := r.run()
				require.Equal(t, tt.state, res.State, res.Reason)
				if tt.reason != "" {
					require.Equal(t, tt.reason, res.Reason)
				}
				require.Len(t, res.Checks, 1)
				require.True(t, res.Checks[0].Documented)
				require.Equal(t, 30, res.Results.Operations(), "steps and delays")
			})
		})
	}
}

// A switched-off config is quiet, whatever its sections say.
func TestDisabledConfigInjectsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		off := false
		s := failing(1)
		s.Config.Enabled = &off
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{{Name: "a", Duration: time.Second, Scenario: s}}}, orchestrator.RunOptions{})
		r.Background(10, r.get)
		res := r.run()
		require.Equal(t, 0, res.Results.Failed())
		require.Equal(t, 0, res.Results.Injected(injector.KindHTTPError))
		require.Equal(t, 10, stepOf(t, res, "a").Results.Operations())
	})
}
