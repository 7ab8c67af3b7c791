package orchestrator_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestTimetableOfARun(t *testing.T) {
	t.Parallel()
	second := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	tests := []struct {
		name  string
		why   string
		o     orchestrator.Orchestration
		body  func(s *orchestrator.ActiveStep)
		want  []string
		total time.Duration
	}{
		{
			name: "delays lie before their steps",
			o: orchestrator.Orchestration{Steps: []orchestrator.Step{
				{Name: "a", Duration: second(10), DelayBefore: second(5)},
				{Name: "b", Duration: second(20)},
				{Name: "c", Duration: second(1), DelayBefore: second(30)},
			}},
			want: []string{"a passed 5s–15s", "b passed 15s–35s", "c passed 1m5s–1m6s"}, total: second(66),
		},
		{
			name: "fractions of a second",
			o: orchestrator.Orchestration{Steps: []orchestrator.Step{
				{Name: "a", Duration: second(0.25), DelayBefore: second(0.001)},
				{Name: "b", Duration: time.Nanosecond},
				{Name: "c", Duration: second(1.5)},
			}},
			want: []string{"a passed 1ms–251ms", "b passed 251ms–251.000001ms", "c passed 251.000001ms–1.751000001s"}, total: second(1.751) + 1,
		},
		{
			name: "a scenario's own duration", why: "a step without one takes its scenario's, a minute where that has none",
			o: orchestrator.Orchestration{Steps: []orchestrator.Step{
				{Name: "own", Scenario: orchestrator.Scenario{Config: slow(1).Config, Duration: second(7)}},
				{Name: "both", Duration: second(3), Scenario: orchestrator.Scenario{Config: slow(1).Config, Duration: second(7)}},
				{Name: "neither", Scenario: slow(1)},
			}},
			want: []string{"own passed 0s–7s", "both passed 7s–10s", "neither passed 10s–1m10s"}, total: second(70),
		},
		{
			name: "quiet steps without a length", why: "the body's time is the step's",
			o: orchestrator.Orchestration{Steps: []orchestrator.Step{{Name: "a"}, {Name: "b", DelayBefore: second(1)}, {Name: "c"}}},
			body: func(s *orchestrator.ActiveStep) {
				if s.Spec.Name != "c" {
					time.Sleep(3 * time.Second)
				}
			},
			want: []string{"a passed 0s–3s", "b passed 4s–7s", "c passed 7s–7s"}, total: second(7),
		},
		{
			name: "parallel delays count from the iteration's start",
			o: orchestrator.Orchestration{Parallel: true, Steps: []orchestrator.Step{
				{Name: "a", Duration: second(10), DelayBefore: second(5)},
				{Name: "b", Duration: second(10), DelayBefore: second(4)},
				{Name: "c", Duration: second(1)},
			}},
			want: []string{"c passed 0s–1s", "b passed 4s–14s", "a passed 5s–15s"}, total: second(15),
		},
		{
			name: "parallel iterations follow one another",
			o: orchestrator.Orchestration{Parallel: true, Loop: true, MaxIterations: 2, Steps: []orchestrator.Step{
				{Name: "a", Duration: second(2)}, {Name: "b", Duration: second(3), DelayBefore: second(1)},
			}},
			want: []string{"a passed 0s–2s", "b passed 1s–4s", "a passed 4s–6s", "b passed 5s–8s"}, total: second(8),
		},
		{
			name: "parallel steps for always follow the others", why: "their delays count from there",
			o: orchestrator.Orchestration{Parallel: true, Loop: true, MaxIterations: 2, Steps: []orchestrator.Step{
				{Name: "last", Duration: second(2), DelayBefore: second(1), When: orchestrator.Always}, {Name: "a", Duration: second(3)},
			}},
			want: []string{"a passed 0s–3s", "last passed 4s–6s", "a passed 6s–9s", "last passed 10s–12s"}, total: second(12),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, tt.o, orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: tt.body}})
				res := r.run()
				require.Equal(t, tt.want, lines(res), tt.why)
				require.Equal(t, tt.total, res.Elapsed)
				require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
				require.Empty(t, r.told)
			})
		})
	}
}

// A step that takes 1.1 ns longer than it says would show after an hour.
func TestTimetableDoesNotDrift(t *testing.T) {
	t.Parallel()
	for _, parallel := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			const n = 1000
			var mu sync.Mutex
			var worst time.Duration
			var r *rig
			r = newRig(t, orchestrator.Orchestration{Parallel: parallel, Loop: true, MaxIterations: n, Steps: []orchestrator.Step{
				{Name: "a", Duration: 700 * time.Millisecond, DelayBefore: 300 * time.Millisecond},
			}}, orchestrator.RunOptions{Sequencer: late{}, Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
				mu.Lock()
				defer mu.Unlock()
				worst = max(worst, r.at()-time.Duration(s.Iteration-1)*time.Second-300*time.Millisecond)
			}}})
			res := r.run()
			require.Equal(t, n, res.Iterations)
			require.Less(t, worst, time.Microsecond)
			require.Less(t, res.Elapsed-n*time.Second, time.Microsecond)
			require.Empty(t, r.told)
		})
	}
}

func TestLayersAreOnFromStartToEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{
			{Name: "a", Duration: 10 * time.Second, DelayBefore: 5 * time.Second, Scenario: failing(1)},
			{Name: "b", Duration: 10 * time.Second, DelayBefore: 5 * time.Second, Scenario: failing(1)},
		}}, orchestrator.RunOptions{})
		// Half-seconds stay clear of the edges.
		var failed []int
		probe := func() {
			time.Sleep(500 * time.Millisecond)
			for i := range 30 {
				if r.get(context.Background()) != nil {
					failed = append(failed, i)
				}
				time.Sleep(time.Second)
			}
		}
		var probing sync.WaitGroup
		probing.Go(probe)
		res := r.run()
		probing.Wait()
		require.Equal(t, append(upTo(5, 15), upTo(20, 30)...), failed)
		require.Equal(t, 10, stepOf(t, res, "a").Results.Requests())
		require.Equal(t, 30, res.Results.Requests(), "what starts in a delay meets no layer, and counts for the run")
	})
}

func upTo(from, to int) (out []int) {
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

func TestLayerAdmitsNothingAtItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{
			{Name: "a", Duration: 10 * time.Second, Scenario: failing(1)},
		}}, orchestrator.RunOptions{})
		var before, after error
		var probing sync.WaitGroup
		probing.Go(func() {
			time.Sleep(10*time.Second - 1)
			before = r.get(context.Background())
			time.Sleep(2)
			after = r.get(context.Background())
		})
		r.run()
		probing.Wait()
		require.Error(t, before, "one nanosecond before")
		require.NoError(t, after, "one nanosecond after")
	})
}

// A step that is not run takes no time, and neither does its delay.
func TestSkippedStepsTakeNoTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{
			quietStep("a", time.Second),
			{Name: "repair", When: orchestrator.OnFailure, Duration: time.Minute, DelayBefore: time.Minute},
			quietStep("b", time.Second),
		}}, orchestrator.RunOptions{})
		res := r.run()
		require.Equal(t, []string{"a passed 0s–1s", "repair skipped 1s–1s", "b passed 1s–2s"}, lines(res))
		require.Equal(t, []string{"repair#1 skipped: no step failed"}, r.told)
	})
}
