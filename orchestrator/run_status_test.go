package orchestrator_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		why  string
		o    orchestrator.Orchestration
		want []string // every 5 s from 2 s on: progress, remaining, iteration, steps
		stop bool     // at the end of want
		last float64  // after the end
	}{
		{
			name: "sequential", why: "delays are part of it",
			o: orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", 10*time.Second), {Name: "b", Duration: 5 * time.Second, DelayBefore: 5 * time.Second}}},
			want: []string{
				"0.10 18s #1 [a]", "0.35 13s #1 [a]", "0.60 8s #1 []", "0.85 3s #1 [b]",
			},
			last: 1,
		},
		{
			name: "parallel",
			o: orchestrator.Orchestration{Parallel: true, Steps: []orchestrator.Step{
				quietStep("a", 4*time.Second), {Name: "b", Duration: 10 * time.Second, DelayBefore: 10 * time.Second}, quietStep("c", 5*time.Second)}},
			want: []string{"0.10 18s #1 [a c]", "0.35 13s #1 []", "0.60 8s #1 [b]", "0.85 3s #1 [b]"},
			last: 1,
		},
		{
			name: "loop", why: "over all iterations",
			o:    orchestrator.Orchestration{Loop: true, MaxIterations: 4, Steps: []orchestrator.Step{quietStep("a", 5*time.Second)}},
			want: []string{"0.10 18s #1 [a]", "0.35 13s #2 [a]", "0.60 8s #3 [a]", "0.85 3s #4 [a]"},
			last: 1,
		},
		{
			name: "endless", why: "of the current iteration; how long it lasts is not known",
			o:    orchestrator.Orchestration{Loop: true, Steps: []orchestrator.Step{quietStep("a", 10*time.Second)}},
			want: []string{"0.20 0s #1 [a]", "0.70 0s #1 [a]", "0.20 0s #2 [a]"}, stop: true, last: 0.2,
		},
		{
			name: "stopped", why: "it stays where it was",
			o:    orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", 14*time.Second)}},
			want: []string{"0.14 12s #1 [a]", "0.50 7s #1 [a]"}, stop: true, last: 0.5,
		},
		{
			name: "without end in sight", why: "292 years are not enough for it",
			o:    orchestrator.Orchestration{Loop: true, MaxIterations: 1_000_000_000, Steps: []orchestrator.Step{quietStep("a", time.Hour)}},
			want: []string{"0.00 2562047h47m14.854775807s #1 [a]"}, stop: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, tt.o, orchestrator.RunOptions{})
				require.Equal(t, orchestrator.RunStatus{Name: "rig", State: orchestrator.RunPending}, r.Status())
				var got []string
				var watching sync.WaitGroup
				watching.Go(func() {
					time.Sleep(2 * time.Second)
					for i := range tt.want {
						s := r.Status()
						got = append(got, fmt.Sprintf("%.2f %s #%d %v", s.Progress, s.Remaining, s.Iteration, s.Steps))
						if i < len(tt.want)-1 {
							time.Sleep(5 * time.Second)
						}
					}
					if tt.stop {
						r.Stop("")
					}
				})
				res := r.run()
				watching.Wait()
				require.Equal(t, tt.want, got, tt.why)
				time.Sleep(time.Minute)
				s := r.Status()
				require.InDelta(t, tt.last, s.Progress, 0.001)
				require.Equal(t, res.State, s.State)
				require.Equal(t, res.Reason, s.Reason)
				require.Equal(t, res.Elapsed, s.Elapsed)
				require.Zero(t, s.Remaining)
				require.Empty(t, s.Steps)
			})
		})
	}
}

// A run that is held up does not go back, and does not claim to be over.
func TestProgressIsMonotonic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		flaky := quietStep("b", 3*time.Second)
		flaky.ContinueOnFailure = true
		r := newRig(t, orchestrator.Orchestration{Loop: true, MaxIterations: 3, Steps: []orchestrator.Step{
			quietStep("a", 4*time.Second), flaky, {Name: "repair", Duration: 6 * time.Second, DelayBefore: time.Second, When: orchestrator.OnFailure},
		}}, orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
			if s.Spec.Name == "b" && s.Iteration == 2 {
				s.Fail("broken")
				time.Sleep(20 * time.Second)
			}
		}}})
		done := make(chan struct{})
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				before := 0.0
				for {
					s := r.Status()
					if s.Progress < before || s.Progress > 1 {
						t.Errorf("progress went from %v to %v", before, s.Progress)
					}
					before = s.Progress
					select {
					case <-done:
						return
					case <-time.After(100 * time.Millisecond):
					}
				}
			})
		}
		res := r.run()
		close(done)
		readers.Wait()
		require.Equal(t, []string{"b"}, r.Status().Failed)
		require.Equal(t, "a tolerated step failed", res.Reason)
	})
}

func TestTargetsOfARun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Targets: map[string]orchestrator.Target{"shop": {}, "cart": {}}, Steps: []orchestrator.Step{{Name: "a"}}}, orchestrator.RunOptions{})
		require.Equal(t, []string{"cart", "shop"}, r.Targets())
		r.AddTarget("mail")
		r.AddTarget("cart")
		require.Equal(t, []string{"cart", "shop", "mail"}, r.Targets())
		require.Equal(t, []string{"default"}, newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{{Name: "a"}}}, orchestrator.RunOptions{}).Targets())
	})
}

// layers hears of layers, in a run without requests.
type layers struct {
	injector.Journal
	heard func(on bool)
}

func (l layers) Layer(c *injector.LayerChange) { l.heard(c.On) }

// Who reads that a step is current meets its layer: it is not before.
func TestAStepIsCurrentOnceItsLayerIsOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r *rig
		look := func(when string) { r.tell("%s%v", when, r.Status().Steps) }
		r = newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{{Name: "storm", Duration: time.Second, Scenario: failing(1)}}}, orchestrator.RunOptions{
			InjectorOptions: []injector.Option{injector.InOrder(), injector.WithObserver(layers{heard: func(on bool) { look(fmt.Sprintf("on %t ", on)) }})},
			Hooks:           orchestrator.Hooks{Body: func(*orchestrator.ActiveStep) { look("inside ") }},
		})
		_ = r.Run.Run(t.Context())
		look("after ")
		require.Equal(t, []string{"on true []", "inside [storm]", "on false [storm]", "after []"}, r.told)
	})
}
