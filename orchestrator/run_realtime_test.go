package orchestrator_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// The zero RunOptions run in real time, with real servers. The storm is over
// once a request has met it, however late that comes.
func TestRunInRealTime(t *testing.T) {
	t.Parallel()
	o := orchestrator.Orchestration{Name: "real", Loop: true, MaxIterations: 2, Steps: []orchestrator.Step{
		{Name: "calm", Duration: 60 * time.Millisecond},
		{Name: "storm", Duration: time.Minute, DelayBefore: 40 * time.Millisecond, Scenario: failing(1),
			Expect: []assert.Expectation{assert.MustParse("server.requests >= 1")}},
	}}
	r, err := orchestrator.NewRun(&o, orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
		if s.Spec.Name != "storm" {
			return
		}
		for s.Results().Requests() == 0 && s.Remaining() > 0 {
			time.Sleep(time.Millisecond)
		}
		s.Advance(s.Remaining())
	}}})
	require.NoError(t, err)
	server := httptest.NewServer(r.Injector().Handler(answer(http.StatusOK)))
	defer server.Close()
	client := server.Client()
	client.Transport = r.Recording(client.Transport, nil)
	r.Background(50, func(ctx context.Context) error {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(q)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	began := time.Now()
	res := r.Run(t.Context())
	took := time.Since(began)
	require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
	require.Len(t, res.Steps, 4)
	for i, s := range res.Steps {
		require.Equal(t, passed, s.State)
		require.Positive(t, s.End-s.Start)
		if i > 0 {
			require.GreaterOrEqual(t, s.Start, res.Steps[i-1].End)
		}
	}
	require.GreaterOrEqual(t, took, 200*time.Millisecond, "timers are never early")
	require.GreaterOrEqual(t, res.Elapsed, 200*time.Millisecond+2*time.Minute, "that of the timetable")
	require.False(t, res.Results.Virtual())
	require.Positive(t, res.Results.Operations())
	require.Len(t, res.Digest, 64)
}

// Load starts nothing at the end of its step, though the timers of both are due
// at the same instant: what came then would meet no layer.
func TestRealTimeLoadEndsWithItsStep(t *testing.T) {
	t.Parallel()
	for range 20 {
		o := orchestrator.Orchestration{Name: "load", Steps: []orchestrator.Step{
			{Name: "storm", Duration: 20 * time.Millisecond, Scenario: failing(1), Load: &orchestrator.Traffic{Rate: 1000}},
		}}
		var client http.Client
		var url string
		r, err := orchestrator.NewRun(&o, orchestrator.RunOptions{Client: &client, URL: func(string) string { return url }})
		require.NoError(t, err)
		server := httptest.NewServer(r.Injector().Handler(answer(http.StatusOK)))
		url = server.URL
		client.Transport = r.Recording(server.Client().Transport, nil)
		res := r.Run(t.Context())
		server.Close()
		require.Equal(t, res.Results.Operations(), stepOf(t, res, "storm").Results.Operations())
	}
}
