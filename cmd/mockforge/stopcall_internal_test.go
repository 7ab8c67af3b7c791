package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

// Leaving while the server is about to stop the run does not take the request
// back, and waits for its answer.
func TestLeaveWhileStopping(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		answer string
		want   error
		says   string
	}{
		{"stopped", http.StatusOK, `{"message": "Orchestration stopped"}`, errAsked, "the run was asked to stop"},
		{"refused", http.StatusUnauthorized, `{"error": "a token is needed"}`, errLeft, "It was not stopped: a token is needed (HTTP 401)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			running := encode(t, runAt(15, orchestrator.RunRunning))
			var takenBack atomic.Bool
			keyboard, typist := io.Pipe()
			defer typist.Close()
			screen := &screen{}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, running)
					return
				}
				_, _ = io.WriteString(typist, "\x03")
				screen.await(ansi.SetModeTextCursorEnable) // the view is gone
				select {
				case <-r.Context().Done():
					takenBack.Store(true)
				case <-time.After(300 * time.Millisecond):
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.answer)
			}))
			defer server.Close()
			api, err := client.New(server.URL, client.WithPollInterval(5*time.Millisecond))
			require.NoError(t, err)
			go func() {
				screen.await("Ctrl-C")
				_, _ = io.WriteString(typist, "\x03s")
			}()
			_, err = followLive(t.Context(), api, "r1", keyboard, screen, tea.WithWindowSize(80, 24), tea.WithEnvironment([]string{"TERM=xterm"}))
			require.ErrorIs(t, err, tt.want)
			require.EqualError(t, err, tt.says)
			require.False(t, takenBack.Load())
		})
	}
}

func TestStopUnanswered(t *testing.T) {
	t.Parallel()
	err := beginStop(func() (string, error) { return "", context.DeadlineExceeded }).left()
	require.ErrorIs(t, err, errAsked)
	require.EqualError(t, err, "the run was asked to stop, and the server did not answer within 5s")
}

func TestDeparture(t *testing.T) {
	t.Parallel()
	r := &remote{baseURL: defaultBaseURL}
	const goesOn = "No verdict: the run goes on.\n  Follow it: mockforge orchestrate watch\n  Stop it:   mockforge orchestrate stop\n"
	require.Equal(t, goesOn, departure(r, "r1", errLeft))
	require.Equal(t, "It was not stopped: no\n"+goesOn, departure(r, "r1", &notStoppedError{errors.New("no")}))
	require.Equal(t, "No verdict: the run was asked to stop.\n  See its end: mockforge orchestrate history --id r1\n", departure(r, "r1", errAsked))
}
