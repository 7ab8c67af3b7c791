package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

// shown is a view as a person sees it, without colours.
func shown(v tea.Model) string { return ansi.Strip(v.(liveView).text()) }

// after gives a view one message after another.
func after(v tea.Model, messages ...tea.Msg) tea.Model {
	for _, m := range messages {
		v, _ = v.Update(m)
	}
	return v
}

func ctrlC() tea.Msg        { return tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl} }
func letter(r rune) tea.Msg { return tea.KeyPressMsg{Code: r, Text: string(r)} }

func TestLiveView(t *testing.T) {
	t.Parallel()
	v := after(newLiveView(nil), tea.WindowSizeMsg{Width: 60, Height: 20})
	require.Equal(t, "Waiting for the server...\n\nCtrl-C to stop the run or to leave it", shown(v))
	v = after(v, runAt(0, orchestrator.RunRunning), runAt(15, orchestrator.RunRunning))
	require.Equal(t, `checkout
████████░░░░░░░░░░░░░░░░░░░░░░  25%  15s, 45s left
  step      warmup, 15s left
  clients   10.0/s, 10% failed, p50 12ms, p99 120ms
  requests  11.0/s, 18.2% errors
  injected  http_error 30, latency 165

Ctrl-C to stop the run or to leave it`, shown(v))

	v = after(v, runAt(31, orchestrator.RunRunning))
	require.Contains(t, shown(v), "\n  step      peak, soon\n", "the delay before it")
	v = after(v, runAt(40, orchestrator.RunRunning))
	require.Contains(t, shown(v), "\n  breakers  payments open\n")
	v = after(v, runAt(60, orchestrator.RunFailed), waitEnded{})
	require.Contains(t, shown(v), "\n  failed    peak\n")
	require.NotContains(t, shown(v), "Ctrl-C")

	loop := runAt(15, orchestrator.RunRunning)
	loop.Iteration, loop.Iterations, loop.Name = 2, 24, "a\x1b[2Jb"
	require.Contains(t, after(v, loop).(liveView).text(), `a\x1b[2Jb, iteration 2 of 24`)
}

// However narrow, no line of the bar is longer than the terminal is wide.
func TestLiveViewWidth(t *testing.T) {
	t.Parallel()
	long := runAt(15, orchestrator.RunRunning)
	long.Elapsed, long.Remaining, long.Progress = 7199, 7199, 1
	for width := 40; width <= 200; width++ {
		v := after(newLiveView(nil), tea.WindowSizeMsg{Width: width}, long).(liveView)
		require.LessOrEqual(t, ansi.StringWidth(v.progress()), width)
	}
}

func TestLiveKeys(t *testing.T) {
	t.Parallel()
	const question = "Stop the run? s stops it, Ctrl-C again leaves it running, any other key goes on."
	stops := 0
	var refuse error
	begin := after(newLiveView(func() (string, error) { stops++; return "Orchestration stopped", refuse }), runAt(15, orchestrator.RunRunning))

	v := after(begin, ctrlC())
	require.Contains(t, shown(v), question)
	v = after(v, letter('x'))
	require.NotContains(t, shown(v), question, "any other key goes on")
	v = after(v, letter('s'), letter('q'))
	require.Equal(t, shown(begin), shown(v), "no single key stops or leaves")

	v, quit := after(begin, ctrlC()).Update(ctrlC())
	require.True(t, v.(liveView).left)
	require.Equal(t, tea.QuitMsg{}, quit())
	require.Zero(t, stops)

	v, stop := after(begin, ctrlC()).Update(letter('s'))
	require.Contains(t, shown(v), "Stopping...")
	v = after(v, stop())
	require.Equal(t, 1, stops)
	require.Contains(t, shown(v), "Stopping...", "until the report says that it ended")

	refuse = errors.New("no")
	v, stop = after(begin, ctrlC()).Update(letter('s'))
	v = after(v, stop())
	require.Contains(t, shown(v), "It was not stopped: no")
	require.Contains(t, shown(after(v, ctrlC())), question, "it can be tried again")
}

// The whole program, with a keyboard and a screen that are pipes.
func TestFollowLive(t *testing.T) {
	t.Parallel()
	running, stopped := encode(t, runAt(15, orchestrator.RunRunning)), encode(t, runAt(16, orchestrator.RunStopped))
	tests := []struct {
		name  string
		keys  string
		state orchestrator.RunState
		err   error
		stops int
	}{
		{"stopped", "\x03s", orchestrator.RunStopped, nil, 1},
		{"left", "\x03\x03", orchestrator.RunRunning, errLeft, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stops := 0
			server := serve(t, map[string]any{
				"GET /api/chaos/orchestration/history/r1": func() any {
					if stops > 0 {
						return stopped
					}
					return running
				},
				"POST /api/chaos/orchestration/stop": func() any { stops++; return `{"message": "Orchestration stopped"}` },
			})
			api, err := client.New(server.URL, client.WithPollInterval(5*time.Millisecond))
			require.NoError(t, err)
			keyboard, typist := io.Pipe()
			screen := &screen{}
			go func() {
				screen.await("injected") // the first report; the hint comes before it
				for _, key := range tt.keys {
					_, _ = io.WriteString(typist, string(key))
				}
			}()
			report, err := followLive(t.Context(), api, "r1", keyboard, screen, tea.WithWindowSize(80, 24), tea.WithEnvironment([]string{"TERM=xterm"}))
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.state, report.State)
			require.Equal(t, tt.stops, stops)
			typist.Close()
		})
	}
}

// A signal ends the view and gives the terminal back.
func TestFollowLiveSignal(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{"GET /api/chaos/orchestration/history/r1": encode(t, runAt(15, orchestrator.RunRunning))})
	api, err := client.New(server.URL, client.WithPollInterval(5*time.Millisecond))
	require.NoError(t, err)
	ctx, signal := context.WithCancel(t.Context())
	keyboard, typist := io.Pipe()
	defer typist.Close()
	screen := &screen{}
	go func() {
		screen.await("Ctrl-C")
		signal()
	}()
	_, err = followLive(ctx, api, "r1", keyboard, screen, tea.WithWindowSize(80, 24), tea.WithEnvironment([]string{"TERM=xterm"}))
	require.ErrorIs(t, err, errLeft)
}

func TestFollowLiveForgotten(t *testing.T) {
	t.Parallel()
	server := serve(t, map[string]any{"GET /api/chaos/orchestration/history/r1": refusal{404, `{"error": "no run r1"}`}})
	api, err := client.New(server.URL)
	require.NoError(t, err)
	keyboard, typist := io.Pipe()
	defer typist.Close()
	_, err = followLive(t.Context(), api, "r1", keyboard, &screen{}, tea.WithWindowSize(80, 24))
	require.EqualError(t, err, "no run r1")
}

// A screen keeps what was drawn on it.
type screen struct {
	mu    sync.Mutex
	drawn bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.drawn.Write(p)
}

// await blocks until a text was drawn; a test that waits in vain times out.
func (s *screen) await(text string) {
	for {
		s.mu.Lock()
		found := strings.Contains(s.drawn.String(), text)
		s.mu.Unlock()
		if found {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
