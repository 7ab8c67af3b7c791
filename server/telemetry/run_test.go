package telemetry_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"

	"github.com/mockforge-go/mockforge/server"
)

func TestRunSpans(t *testing.T) {
	t.Parallel()
	// Where the machine is so busy that no request met the errors, it is done
	// again with a longer step.
	var s *traced
	for seconds, met := 1.0, false; !met; seconds *= 2 {
		require.Less(t, seconds, 60.0, "no request ever meets the errors")
		s = serve(t, server.Options{Chaos: true})
		resp, err := http.Post(s.URL()+"/api/chaos/orchestration/start", "application/json", strings.NewReader(fmt.Sprintf(`{
		"name": "outage", "seed": 7, "load": {"rate": 50},
		"steps": [
			{"name": "quiet", "duration_seconds": 0.1},
			{"name": "errors", "duration_seconds": %g, "scenario": {"config": {"fault_injection": {"http_errors": [503], "http_error_probability": 1}}},
			 "expect": ["server.error_rate <= 1%%"]}
		]}`, seconds)))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 200, resp.StatusCode)
		s.span("orchestration outage") // it is over
		var stats server.Stats
		resp, err = http.Get(s.URL() + "/api/chaos/stats")
		require.NoError(t, err)
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&stats))
		require.NoError(t, resp.Body.Close())
		met = stats.FaultsTotalByType["http_error"] > 0
	}
	run := s.span("orchestration outage")
	require.Equal(t, codes.Error, run.Status.Code)
	require.False(t, run.Parent.IsValid())
	require.Equal(t, "failed", attributes(run)["mockforge.orchestration.state"])
	require.Equal(t, "0x7", attributes(run)["mockforge.orchestration.seed"])
	for name, state := range map[string]string{"quiet": "passed", "errors": "failed"} {
		step := s.span("step " + name)
		require.Equal(t, run.SpanContext.SpanID(), step.Parent.SpanID())
		require.Equal(t, run.SpanContext.TraceID(), step.SpanContext.TraceID())
		got := attributes(step)
		require.Equal(t, state, got["mockforge.orchestration.state"])
		require.Equal(t, []string{name}, got["mockforge.chaos.step"])
		require.Equal(t, int64(1), got["mockforge.orchestration.iteration"])
		require.Equal(t, attributes(run)["mockforge.orchestration.run_id"], got["mockforge.orchestration.run_id"])
		require.False(t, step.StartTime.Before(run.StartTime))
		require.False(t, step.EndTime.After(run.EndTime))
	}
	var injected [][]string             // the steps of each
	require.Eventually(t, func() bool { // a span ends a moment after its answer
		for _, span := range s.spans.GetSpans() {
			if got := attributes(span); got["mockforge.target"] == "default" && got["mockforge.chaos.fault"] != nil {
				steps, _ := got["mockforge.chaos.step"].([]string)
				injected = append(injected, steps)
			}
		}
		return len(injected) > 0
	}, time.Minute, 5*time.Millisecond)
	for _, steps := range injected {
		require.Equal(t, []string{"errors"}, steps)
	}
}
