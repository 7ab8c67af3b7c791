package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

func TestWait(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := record(t, func(w http.ResponseWriter, _ *http.Request) {
		n := asked.Add(1)
		state := "running"
		if n == 3 {
			state = "failed"
		}
		fmt.Fprintf(w, `{"id": "r1", "state": %q, "progress": %g}`, state, float64(n)/3)
	})
	var progress []float64
	report, err := newClient(t, server.URL).Wait(t.Context(), "r1", func(r orchestrator.Report) { progress = append(progress, r.Progress) })
	require.NoError(t, err, "a failed run is no error of Wait")
	require.Equal(t, orchestrator.RunFailed, report.State)
	require.Equal(t, []float64{1. / 3, 2. / 3, 1}, progress)
	for _, r := range server.requests() {
		require.Equal(t, "GET /api/chaos/orchestration/history/r1", r.line)
	}
}

// The end of the context leaves the run alone, and says where it was.
func TestWaitInterrupted(t *testing.T) {
	t.Parallel()
	server := record(t, answer(http.StatusOK, `{"id": "r1", "state": "running", "progress": 0.5}`))
	ctx, cancel := context.WithCancel(t.Context())
	report, err := newClient(t, server.URL).Wait(ctx, "r1", func(orchestrator.Report) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 0.5, report.Progress)
	for _, r := range server.requests() {
		require.Equal(t, "GET /api/chaos/orchestration/history/r1", r.line)
	}
}

func TestWaitForgotten(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := record(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			_, _ = io.WriteString(w, `{"id": "r1", "state": "running"}`)
			return
		}
		answer(http.StatusNotFound, `{"error": "no run r1"}`)(w, nil)
	})
	report, err := newClient(t, server.URL).Wait(t.Context(), "r1", nil)
	var refused *client.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusNotFound, refused.StatusCode)
	require.Equal(t, "r1", report.ID, "the last that was known")
}
