package orchestrator_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestKeep(t *testing.T) {
	t.Parallel()
	off := false
	keep := func(name string) orchestrator.Step {
		return orchestrator.Step{Name: name, Duration: 5 * time.Second, Scenario: failing(1), Keep: true}
	}
	tests := []struct {
		name   string
		why    string
		o      orchestrator.Orchestration
		failed []int // probes, one each second from 0.5 s
	}{
		{
			name: "through delays and steps", why: "b has faults of its own, so that it does not lift what is kept",
			o: orchestrator.Orchestration{Steps: []orchestrator.Step{
				keep("a"), {Name: "b", Duration: 5 * time.Second, DelayBefore: 5 * time.Second, Scenario: slow(time.Millisecond)},
				quietStep("c", 5*time.Second), {Name: "d", Duration: 5 * time.Second, Scenario: slow(time.Millisecond)},
			}},
			failed: upTo(0, 15),
		},
		{
			name: "lifted by enabled: false", why: "at its start, not before: the delay is still kept",
			o: orchestrator.Orchestration{Steps: []orchestrator.Step{
				keep("a"), {Name: "b", Duration: 5 * time.Second, DelayBefore: 5 * time.Second, Scenario: orchestrator.Scenario{
					Config: &injector.Config{Enabled: &off, Latency: &injector.Latency{FixedDelay: time.Second}}}},
			}},
			failed: upTo(0, 10),
		},
		{
			name: "without keep", o: orchestrator.Orchestration{Steps: []orchestrator.Step{
				{Name: "a", Duration: 5 * time.Second, Scenario: failing(1)},
				{Name: "b", Duration: 5 * time.Second, DelayBefore: 5 * time.Second, Scenario: slow(time.Millisecond)},
			}},
			failed: upTo(0, 5),
		},
		{
			name: "until the iteration ends", why: "the delay of the next one is clean",
			o: orchestrator.Orchestration{Loop: true, MaxIterations: 2, Steps: []orchestrator.Step{
				{Name: "a", Duration: 2 * time.Second, DelayBefore: 3 * time.Second, Scenario: failing(1), Keep: true},
				{Name: "b", Duration: 2 * time.Second, DelayBefore: time.Second, Scenario: slow(time.Millisecond)},
			}},
			failed: append(upTo(3, 8), upTo(11, 16)...),
		},
		{
			name: "in parallel", why: "it stays until the last step ends",
			o: orchestrator.Orchestration{Parallel: true, Steps: []orchestrator.Step{
				keep("a"), {Name: "b", Duration: 10 * time.Second, Scenario: slow(time.Millisecond)},
			}},
			failed: upTo(0, 10),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, tt.o, orchestrator.RunOptions{})
				var got []int
				var probing sync.WaitGroup
				probing.Go(func() {
					time.Sleep(500 * time.Millisecond)
					for i := range 25 {
						start := time.Now()
						if r.get(context.Background()) != nil {
							got = append(got, i)
						}
						time.Sleep(time.Second - time.Since(start))
					}
				})
				res := r.run()
				probing.Wait()
				require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
				require.Equal(t, tt.failed, got, tt.why)
			})
		})
	}
}

// A breaker that is kept goes on where it was, and its changes count for the
// step in force, though it is not that step's own.
func TestKeepCarriesTheBreaker(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			one := 1.0
			broken := orchestrator.Scenario{Config: &injector.Config{
				CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 3, Timeout: 5 * time.Second, HalfOpenMaxRequests: 1},
				FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: &one},
			}}
			r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{
				{Name: "a", Duration: 4 * time.Second, Scenario: broken, Keep: keep},
				{Name: "b", Duration: 4500 * time.Millisecond, Scenario: slow(time.Millisecond)},
			}}, orchestrator.RunOptions{})
			r.Background(1, r.get)
			res := r.run()
			b := stepOf(t, res, "b").Results
			if !keep {
				require.Empty(t, b.States("default"), "its breaker went with it")
				require.Equal(t, 0, b.Failed())
				return
			}
			require.Equal(t, []assert.StateChange{{At: 0, State: "open"}, {At: 3 * time.Second, State: "half_open"}, {At: 3 * time.Second, State: "open"}},
				b.States("default"), "it opened at +2s of the run")
			require.Positive(t, b.Failed())
			require.Equal(t, "open", res.Results.States("default")[1].State)
		})
	}
}
