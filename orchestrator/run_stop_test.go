package orchestrator_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// Whatever a run is doing, Stop and the end of its context end it at that very
// instant, with every layer off and every wait in one cut short.
func TestStopAtOnce(t *testing.T) {
	t.Parallel()
	held := func(s orchestrator.Scenario) orchestrator.Orchestration {
		return orchestrator.Orchestration{Steps: []orchestrator.Step{
			{Name: "a", Duration: time.Hour, Scenario: s, Expect: []assert.Expectation{doomed}}, quietStep("b", time.Second)}}
	}
	modes := []struct {
		name string
		why  string
		o    orchestrator.Orchestration
		want map[string]orchestrator.StepState
	}{
		{
			name: "during a delay",
			o:    orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", 3*time.Second), {Name: "b", Duration: time.Second, DelayBefore: time.Hour}}},
			want: map[string]orchestrator.StepState{"a": passed, "b": skipped},
		},
		{name: "during a step", o: held(failing(1)), want: map[string]orchestrator.StepState{"a": skipped, "b": skipped}},
		{name: "in a latency", o: held(slow(time.Hour)), want: map[string]orchestrator.StepState{"a": skipped, "b": skipped}},
		{name: "in a partition", o: held(partition()), want: map[string]orchestrator.StepState{"a": skipped, "b": skipped}},
		{
			name: "in a kept layer", why: "a latency that was decided in an earlier step",
			o: orchestrator.Orchestration{Steps: []orchestrator.Step{
				{Name: "a", Duration: 4 * time.Second, Scenario: slow(time.Hour), Keep: true}, {Name: "b", Duration: time.Hour, Scenario: failing(0.5)}}},
			want: map[string]orchestrator.StepState{"a": passed, "b": skipped},
		},
		{
			name: "clean-up too", why: "stop is stop",
			o: orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", time.Hour),
				{Name: "b", Duration: time.Second, When: orchestrator.Always}, {Name: "c", Duration: time.Second, When: orchestrator.OnFailure}}},
			want: map[string]orchestrator.StepState{"a": skipped, "b": skipped, "c": skipped},
		},
		{
			name: "in parallel",
			o: orchestrator.Orchestration{Parallel: true, Steps: []orchestrator.Step{
				quietStep("a", time.Hour), {Name: "b", Duration: time.Second, DelayBefore: time.Hour}, quietStep("c", 4*time.Second),
				{Name: "d", Duration: time.Hour, Scenario: partition()}, {Name: "e", Duration: time.Second, When: orchestrator.Always}}},
			want: map[string]orchestrator.StepState{"a": skipped, "b": skipped, "c": passed, "d": skipped, "e": skipped},
		},
		{
			name: "in a loop",
			o:    orchestrator.Orchestration{Loop: true, Steps: []orchestrator.Step{{Name: "a", Duration: 1500 * time.Millisecond, Scenario: slow(time.Hour)}}},
			want: map[string]orchestrator.StepState{"a": skipped},
		},
		{
			name: "in a step without a length", why: "its body waits for its context",
			o:    orchestrator.Orchestration{Steps: []orchestrator.Step{{Name: "a"}, quietStep("b", time.Second)}},
			want: map[string]orchestrator.StepState{"a": skipped, "b": skipped},
		},
	}
	ends := []struct {
		name   string
		end    func(r *rig, cancel context.CancelFunc)
		reason string
	}{
		{"stop", func(r *rig, _ context.CancelFunc) { r.Stop("the operator said so") }, "stopped: the operator said so"},
		{"stop without a word", func(r *rig, _ context.CancelFunc) { r.Stop("") }, "stopped"},
		{"context", func(_ *rig, cancel context.CancelFunc) { cancel() }, "context canceled"},
	}
	for _, tt := range modes {
		for _, e := range ends {
			t.Run(tt.name+" "+e.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, tt.o, orchestrator.RunOptions{Hooks: orchestrator.Hooks{
						Body: func(s *orchestrator.ActiveStep) {
							if s.Duration() == 0 {
								<-s.Context().Done()
							}
							if s.Duration() == time.Hour {
								_ = s.Do(untilDone)
							}
						},
					}})
					ctx, cancel := context.WithCancel(t.Context())
					var around sync.WaitGroup
					var freed time.Duration
					around.Go(func() {
						time.Sleep(time.Second)
						_ = r.get(context.Background()) // its client would wait for ever
						freed = r.at()
					})
					around.Go(func() {
						time.Sleep(5 * time.Second)
						e.end(r, cancel)
					})
					r.begin = time.Now()
					res := r.Run.Run(ctx)
					require.Equal(t, 5*time.Second, res.Elapsed, tt.why)
					around.Wait()
					r.requireOff()
					require.Equal(t, orchestrator.RunStopped, res.State)
					require.Equal(t, e.reason, res.Reason)
					require.Equal(t, tt.want, states(res), tt.why)
					for _, s := range res.Steps {
						require.Empty(t, s.Checks, "what was cut short is not judged")
						if s.State == skipped {
							require.Equal(t, e.reason, s.Reason)
						}
					}
					require.LessOrEqual(t, freed, 5*time.Second)
					cancel()
				})
			})
		}
	}
}

// untilDone is an operation that only its context ends.
func untilDone(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestStopBeforeTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{{Name: "a", Duration: time.Hour, Scenario: failing(1)}}}, orchestrator.RunOptions{})
		r.Stop("changed my mind")
		require.Equal(t, orchestrator.RunPending, r.Status().State)
		res := r.run()
		require.Equal(t, orchestrator.RunStopped, res.State)
		require.Equal(t, "stopped: changed my mind", res.Reason)
		require.Equal(t, []string{"a skipped 0s–0s"}, lines(res))
	})
}

// After the end the injector may be in somebody else's use.
func TestStopAfterTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", time.Second)}}, orchestrator.RunOptions{Injector: in})
		ctx, cancel := context.WithCancel(t.Context())
		res := r.Run.Run(ctx)
		off := in.Apply(injector.Layer{Name: "standing", Config: *failing(1).Config})
		r.Stop("too late")
		r.Stop("")
		cancel()
		synctest.Wait()
		require.Error(t, r.get(t.Context()), "the layer that is not the run's is still on")
		require.Equal(t, orchestrator.RunCompleted, res.State)
		require.Equal(t, orchestrator.RunCompleted, r.Status().State)
		require.ErrorContains(t, context.Cause(r.Context()), "the run is over")
		off()
	})
}

func TestStopAfterStep(t *testing.T) {
	t.Parallel()
	for _, loop := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var r *rig
			r = newRig(t, orchestrator.Orchestration{Loop: loop, Steps: []orchestrator.Step{
				quietStep("a", 10*time.Second), quietStep("b", time.Second), {Name: "c", Duration: time.Second, When: orchestrator.Always},
			}}, orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(*orchestrator.ActiveStep) { r.StopAfterStep() }}})
			res := r.run()
			require.Equal(t, []string{"a passed 0s–10s", "b skipped 10s–10s", "c skipped 10s–10s"}, lines(res))
			require.Equal(t, orchestrator.RunCompleted, res.State)
			require.Equal(t, "the run was ended after an earlier step", stepOf(t, res, "b").Reason)
		})
	}
}

// A step that its body ends is judged like any other, and the next one follows.
func TestFinishEndsTheStepAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reason := "enough"
		var cause error
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{
			{Name: "a", Duration: time.Minute, Scenario: failing(1), Expect: []assert.Expectation{hopeless}}, quietStep("b", time.Second),
		}}, orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
			if s.Spec.Name == "a" {
				time.Sleep(7 * time.Second)
				s.Finish(errEnough)
				cause = context.Cause(s.Context())
			}
		}}})
		res := r.run()
		require.Equal(t, []string{"a inconclusive 0s–7s", "b passed 7s–8s"}, lines(res))
		require.ErrorContains(t, cause, reason)
	})
}

var errEnough = errors.New("enough")

// Stopping while a verdict waits for operations spoils them: the step is not
// judged by them.
func TestStopDuringTheGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{expecting(quietStep("a", time.Second), assert.MustParse("error_rate == 0%"))}},
			orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) { _ = s.Do(untilDone) }}})
		go func() {
			time.Sleep(11 * time.Second)
			r.Stop("")
		}()
		res := r.run()
		require.Equal(t, 11*time.Second, res.Elapsed)
		require.Equal(t, orchestrator.RunStopped, res.State)
		require.Equal(t, []string{"a skipped 0s–1s"}, lines(res))
	})
}

// The expectations of a run that was stopped say nothing.
func TestStoppedRunIsNotJudged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Expect: []assert.Expectation{doomed}, Steps: []orchestrator.Step{quietStep("a", time.Minute)}}, orchestrator.RunOptions{})
		go func() {
			time.Sleep(time.Second)
			r.Stop("")
		}()
		res := r.run()
		require.Equal(t, orchestrator.RunStopped, res.State)
		require.Empty(t, res.Checks)
	})
}

// Two goroutines that stop a run that is just ending do not harm it.
func TestStopIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", time.Second)}}, orchestrator.RunOptions{})
		var around sync.WaitGroup
		for range 8 {
			around.Go(func() {
				_ = r.Context()
				time.Sleep(time.Second)
				r.Stop("at the end")
				_ = r.Status()
			})
		}
		res := r.run()
		around.Wait()
		require.True(t, res.State.Ended())
	})
}
