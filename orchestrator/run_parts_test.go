package orchestrator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// Messages are no requests, whatever was injected into them; one that broke its
// connection is a request that failed.
func TestMessagesAreNoRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r *rig
		o := orchestrator.Orchestration{Steps: []orchestrator.Step{{Name: "a", Duration: time.Second}, {Name: "b", Duration: time.Second, Scenario: orchestrator.Scenario{Name: "slow_backend"}}}}
		r = newRig(t, o, orchestrator.RunOptions{
			Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
				layers := []injector.LayerRef{{Name: s.Spec.Name, Iteration: 1}}
				all := []injector.Outcome{{Message: true, Fault: injector.KindMessageDrop}}
				if s.Index == 0 {
					all = append(all, injector.Outcome{Status: 101}, injector.Outcome{Message: true}, injector.Outcome{Message: true, Failed: true})
				}
				for i, o := range all {
					o.N, o.At, o.Layers = int64(i+1), time.Now(), layers
					r.Observer().Request(&injector.Request{N: o.N, At: o.At, Layers: layers, Message: o.Message})
					r.Observer().Done(&o)
				}
			}},
		})
		res := r.run()
		require.Equal(t, "nothing checked; 1 requests met its layer", res.Steps[0].Reason)
		require.Equal(t, 2, res.Steps[0].Results.Requests())
		require.Equal(t, "nothing checked; only connections that were open met its layer", res.Steps[1].Reason)
		require.Equal(t, 2, res.Results.Requests())
		require.Equal(t, 1, res.Results.ServerErrors())
	})
}
