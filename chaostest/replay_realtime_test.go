package chaostest_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A run in real time that was asked for its event log is replayed from it.
func TestReplayOfRealTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "real.chaos.jsonl")
	o := orchestrator.Orchestration{Name: "real", Steps: []orchestrator.Step{{
		Name: "breaking", Duration: 20 * time.Second,
		Scenario: orchestrator.Scenario{Config: &injector.Config{
			CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 2, Timeout: 20 * time.Millisecond},
			FaultInjection: &injector.FaultInjection{HTTPErrors: []int{500}, HTTPErrorProbability: new(0.5)},
		}},
	}}}
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		for n := range 200 {
			if resp, err := step.Client().Get(step.URL + "/orders"); err == nil {
				_ = resp.Body.Close()
			}
			if n == 100 {
				step.Clock().Advance(5 * time.Second) // which decisions know nothing of
			}
			time.Sleep(500 * time.Microsecond)
		}
		step.Clock().Advance(step.Clock().Remaining())
	}, chaostest.RealTime(), chaostest.EventLog(path))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(data), `"now":`)
	rec, err := orchestrator.ReadLog(path)
	require.NoError(t, err)
	require.Len(t, rec.Requests, 200)
	require.Greater(t, len(rec.Transitions), 3)
	for _, mode := range []chaostest.Option{chaostest.ReplayVerify(), chaostest.ReplayOpenLoop()} {
		require.Equal(t, rec.Digest(), chaostest.Replay(t, path, nil, mode).Digest)
	}
}
