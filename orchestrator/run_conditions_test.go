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

var breakerDefaults = injector.CircuitBreaker{}

// A minute of calm, then a minute in which everything fails.
func TestStopConditions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		why        string
		conditions []string
		rate       float64
		ends       time.Duration // 0: it does not
		reason     string
	}{
		{
			name: "ten seconds by default", conditions: []string{"error_rate >= 50%"}, rate: 10, ends: 65 * time.Second,
			why: "half of the last ten seconds failed", reason: `stop condition "error_rate >= 50%" met at +1m5s: client error rate = 50% (50 of 100 operations)`,
		},
		{
			name: "over", conditions: []string{"error_rate >= 50% over 30s"}, rate: 10, ends: 75 * time.Second,
			reason: `stop condition "error_rate >= 50% over 30s" met at +1m15s: client error rate = 50% (150 of 300 operations)`,
		},
		{name: "too few samples", why: "ten in ten seconds", conditions: []string{"error_rate >= 50%"}, rate: 1},
		{name: "enough samples over a longer window", conditions: []string{"error_rate >= 50% over 30s"}, rate: 1, ends: 74250 * time.Millisecond},
		{
			name: "the first that is met", conditions: []string{"p99 >= 1h", "error_rate >= 90%", "server.error_rate >= 20%"}, rate: 10, ends: 62 * time.Second,
			reason: `stop condition "server.error_rate >= 20%" met at +1m2s: server error rate = 20% (20 of 100 requests)`,
		},
		{name: "never met", conditions: []string{"operations >= 1000"}, rate: 10},
		{name: "a count over the window", conditions: []string{"operations >= 100"}, rate: 10, ends: 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := orchestrator.Orchestration{
					Load: &orchestrator.Traffic{Rate: tt.rate},
					Steps: []orchestrator.Step{
						// The delay keeps operations clear of the instants that are judged.
						{Name: "calm", Duration: time.Minute, DelayBefore: 30 * time.Millisecond},
						{Name: "storm", Duration: time.Minute, Scenario: failing(1)},
						{Name: "clean up", Duration: time.Second, When: orchestrator.Always},
					},
				}
				for _, c := range tt.conditions {
					o.StopConditions = append(o.StopConditions, assert.MustParse(c))
				}
				r := newRig(t, o, orchestrator.RunOptions{})
				res := r.run()
				if tt.ends == 0 {
					require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
					require.Equal(t, 121030*time.Millisecond, res.Elapsed)
					return
				}
				require.Equal(t, orchestrator.RunFailed, res.State, tt.why)
				require.Equal(t, tt.ends, res.Elapsed)
				if tt.reason != "" {
					require.Equal(t, tt.reason, res.Reason)
				}
				require.Equal(t, skipped, stepOf(t, res, "clean up").State)
				require.Equal(t, "stopped: "+res.Reason, stepOf(t, res, "clean up").Reason)
			})
		})
	}
}

// The state of a breaker is judged too, and that it was so before the window.
func TestStopConditionOnAState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := failing(1)
		s.Config.CircuitBreaker = &injector.CircuitBreaker{FailureThreshold: 5}
		r := newRig(t, orchestrator.Orchestration{
			Load: &orchestrator.Traffic{Rate: 10}, StopConditions: []assert.Expectation{assert.MustParse("circuit_breaker.default is open")},
			Steps: []orchestrator.Step{quietStep("calm", time.Minute), {Name: "storm", Duration: time.Minute, Scenario: s}},
		}, orchestrator.RunOptions{})
		res := r.run()
		require.Equal(t, orchestrator.RunFailed, res.State)
		require.InDelta(t, 60.5, res.Elapsed.Seconds(), 0.3)
	})
}

func TestEndlessLoopEndsByAStopCondition(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{
			Loop: true, Load: &orchestrator.Traffic{Rate: 10}, StopConditions: []assert.Expectation{assert.MustParse("throughput >= 10/s over 1m")},
			Steps: []orchestrator.Step{quietStep("a", 7*time.Second)},
		}, orchestrator.RunOptions{IterationLimit: 1000})
		res := r.run()
		require.Equal(t, orchestrator.RunFailed, res.State)
		require.Contains(t, res.Reason, "throughput")
		require.Less(t, res.Elapsed, 62*time.Second)
	})
}
