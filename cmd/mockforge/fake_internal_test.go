package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// A fakeServer answers as its table says, and keeps what it was asked.
type fakeServer struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // "POST /api/chaos/enable", with the body behind it, if any
	token string   // of the last request
}

// serve starts a fake server. An answer is a JSON text with status 200, a
// refusal, or a function that makes one of both each time.
func serve(t *testing.T, answers map[string]any) *fakeServer {
	t.Helper()
	f := &fakeServer{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		line := r.Method + " " + r.URL.RequestURI()
		f.mu.Lock()
		if len(body) > 0 {
			f.asked = append(f.asked, line+" "+string(body))
		} else {
			f.asked = append(f.asked, line)
		}
		f.token = r.Header.Get("Authorization")
		answer, ok := answers[line]
		if next, is := answer.(func() any); is {
			answer = next()
		}
		f.mu.Unlock()
		switch a := answer.(type) {
		case string:
			_, _ = io.WriteString(w, a)
		case refusal:
			w.WriteHeader(a.status)
			_, _ = io.WriteString(w, a.body)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprintf(w, `{"error": "the fake has no answer to %s (%t)"}`, line, ok)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

type refusal struct {
	status int
	body   string
}

func (f *fakeServer) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// inTurn answers with each in turn, and then always with the last.
func inTurn(answers ...any) func() any {
	return func() any {
		answer := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		return answer
	}
}

// encode is a report as the server sends it.
func encode(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}

// write makes a file and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// The run of the tests: two steps, of which the second does not hold.
func runAt(elapsed float64, state orchestrator.RunState) orchestrator.Report {
	r := orchestrator.Report{
		ID: "r1", Name: "checkout", State: state, Progress: elapsed / 60, Iteration: 1, Iterations: 1, Seed: "0x7",
		Elapsed: elapsed, Remaining: 60 - elapsed,
		Counts: orchestrator.CountsReport{
			Operations: int(elapsed * 10), Failed: int(elapsed), ErrorRate: 0.1, Throughput: 10, P50: 12, P99: 120.4,
			Requests: int(elapsed * 11), ServerErrors: int(elapsed * 2), ServerErrorRate: 2. / 11, Injected: map[string]int{"latency": int(elapsed * 11), "http_error": int(elapsed * 2)},
		},
	}
	counts := r.Counts
	warm := orchestrator.StepReport{Name: "warmup", Iteration: 1, State: orchestrator.StepRunning, End: 30}
	peak := orchestrator.StepReport{Name: "peak", Iteration: 1, State: orchestrator.StepRunning, Start: 35, End: 60, Counts: &counts}
	switch {
	case elapsed < 30:
		r.Current = []string{"warmup"}
		r.Steps = []orchestrator.StepReport{warm}
		return r
	case elapsed < 35:
		r.Current = []string{"peak"}
	case !state.Ended():
		r.Current = []string{"peak"}
		r.Breakers = []orchestrator.StateReport{{Name: "payments", State: "open"}}
	}
	warm.State, warm.Reason = orchestrator.StepPassed, "nothing checked; 330 requests met its layer"
	r.Steps = []orchestrator.StepReport{warm}
	if elapsed < 35 {
		return r
	}
	if state.Ended() {
		r.Remaining = 0
		r.Breakers = []orchestrator.StateReport{{Name: "payments", State: "closed"}}
		peak.State = orchestrator.StepPassed
		if state == orchestrator.RunFailed {
			r.Failed, r.Reason = []string{"peak"}, "step peak failed"
			peak.State = orchestrator.StepFailed
			peak.Checks = []orchestrator.CheckReport{
				{Expectation: "p99 <= 800ms", Status: "pass"},
				{Expectation: "error_rate <= 1%", Status: "fail", Subject: "client error rate", Got: "10% (60 of 600 operations)", Want: "<= 1%", Detail: []string{"when     ▁▁█", "first    #14 GET /orders"}},
			}
		}
	}
	r.Steps = append(r.Steps, peak)
	return r
}
