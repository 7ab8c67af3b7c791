package orchestrator_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A timeline counts calls that were broken off, and not those that ended before
// their place. A call that had not ended when the log did was not broken off
// either, as far as the log knows. Verifying makes all the same decisions.
func TestTimelineOfInterruptions(t *testing.T) {
	t.Parallel()
	o, _, err := orchestrator.Parse([]byte(`
name: calls
steps:
  - name: chaos
    duration_seconds: 600
    scenario: {name: x, config: {fault_injection: {override_headers: true}, grpc: {stream_interruption_probability: 1, interrupt_after_messages: [3, 3]}}}
`), orchestrator.YAML)
	require.NoError(t, err)
	const message = "\x00\x00\x00\x00\x01x"
	reached, end, ended := make(chan bool), make(chan bool), make(chan bool)
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/endless" {
			close(reached)
			<-end
			return
		}
		_, _ = io.WriteString(w, strings.Repeat(message, len(r.URL.Path)))
	})
	var run *orchestrator.Run
	call := func(path string) {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(message))
		r.Header.Set("Content-Type", "application/grpc")
		if path == "/asks" {
			r.Header.Set(injector.EnvoyHeaderGRPCStatus, "0")
		}
		run.Injector().Handler(upstream).ServeHTTP(httptest.NewRecorder(), r)
	}
	var log bytes.Buffer
	run, err = orchestrator.NewRun(o, orchestrator.RunOptions{Log: orchestrator.NewRecording(&log), Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
		for _, path := range []string{"/", "/2", "/", "/34", "/", "/asks"} {
			call(path)
		}
		go func() {
			call("/endless")
			close(ended)
		}()
		<-reached
		s.Advance(s.Remaining())
	}}})
	require.NoError(t, err)
	res := run.Run(t.Context())
	require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
	rec := readRecording(t, log.Bytes())
	close(end)
	<-ended
	require.Len(t, rec.Requests, 7)
	require.Contains(t, log.String(), `"asked":{"delay":0,"delay_percentage":0,"status":0,"status_percentage":100,"grpc_status":0}`)
	v, err := orchestrator.Verify(t.Context(), rec)
	require.NoError(t, err)
	require.Nil(t, v.Difference)
	require.Empty(t, v.Unverified)
	var text strings.Builder
	require.NoError(t, orchestrator.WriteTimeline(&text, rec))
	require.Contains(t, text.String(), "\n  injected   grpc_status × 1, stream_interruption × 2\n")
}

// Whoever follows a run takes back what its leader took back.
func TestFollowInterruptions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		step := orchestrator.Step{Name: "chaos", Duration: 10 * time.Second, Scenario: orchestrator.Scenario{Config: &injector.Config{
			GRPC: &injector.GRPC{StreamInterruptionProbability: new(1.0), InterruptAfterMessages: [2]int{9, 9}},
		}}}
		step.Expect = []assert.Expectation{assert.MustParse("injected.stream_interruption == 0")}
		res, _, _ := follow(t, orchestrator.Orchestration{Steps: []orchestrator.Step{step}}, nil, func(s *orchestrator.ActiveStep, l *remote) {
			body, send := io.Pipe()
			call, err := http.NewRequest(http.MethodPost, "http://default.test/endless", body)
			require.NoError(t, err)
			call.Header.Set("Content-Type", "application/grpc")
			ended := make(chan bool)
			handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
			go func() {
				defer close(ended)
				_, _ = direct(l.run.Injector(), handler).RoundTrip(call)
			}()
			time.Sleep(time.Second)
			require.Equal(t, 1, s.Results().Injected("stream_interruption"), "nobody knows better yet")
			_ = send.Close()
			<-ended
			require.Zero(t, s.Results().Injected("stream_interruption"))
		})
		require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
	})
}
