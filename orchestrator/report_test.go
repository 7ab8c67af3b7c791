package orchestrator_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		storm := failing(0.5)
		storm.Config.CircuitBreaker = &injector.CircuitBreaker{FailureThreshold: 2, Timeout: time.Hour}
		r := newRig(t, orchestrator.Orchestration{Load: &orchestrator.Traffic{Rate: 10}, Steps: []orchestrator.Step{
			{Name: "calm", Duration: 10 * time.Second, Expect: []assert.Expectation{assert.MustParse("error_rate <= 0%")}},
			{Name: "storm", Duration: 10 * time.Second, Scenario: storm, Expect: []assert.Expectation{assert.MustParse("error_rate <= 1%")}},
		}}, orchestrator.RunOptions{Seed: new(uint64(7))})
		require.Equal(t, orchestrator.RunPending, r.Report().State)

		reports := make(chan orchestrator.Report, 1)
		time.AfterFunc(15*time.Second, func() { reports <- r.Report() })
		r.run()
		during := <-reports

		require.Equal(t, orchestrator.RunRunning, during.State)
		require.InDelta(t, 0.75, during.Progress, 0.001)
		require.Equal(t, []string{"storm"}, during.Current)
		require.Len(t, during.Steps, 2)
		require.Equal(t, passed, during.Steps[0].State)
		require.Equal(t, orchestrator.StepRunning, during.Steps[1].State)
		require.InDelta(t, 10, during.Steps[1].Start, 0.001)
		require.InDelta(t, 20, during.Steps[1].End, 0.001, "the planned end")
		require.InDelta(t, 50, during.Steps[1].Counts.Operations, 1)
		require.Positive(t, during.Steps[1].Counts.Injected["circuit_breaker"])
		require.Equal(t, []orchestrator.StateReport{{Name: "default", State: "open"}}, during.Breakers)

		after := r.Report()
		require.Equal(t, orchestrator.RunFailed, after.State)
		require.Equal(t, "0x7", after.Seed)
		require.Equal(t, []string{"storm"}, after.Failed)
		require.Len(t, after.Digest, 64)
		require.Equal(t, 200, after.Counts.Operations)
		check := after.Steps[1].Checks[0]
		require.Equal(t, "fail", check.Status)
		require.Equal(t, "error_rate <= 1%", check.Expectation)
		require.NotEmpty(t, check.Got)

		text, err := json.Marshal(after)
		require.NoError(t, err)
		var again orchestrator.Report
		require.NoError(t, json.Unmarshal(text, &again))
		require.True(t, after.Started.Equal(again.Started))
		again.Started, again.Ended = after.Started, after.Ended
		require.Equal(t, after, again)
	})
}
