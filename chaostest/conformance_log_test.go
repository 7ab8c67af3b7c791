package chaostest_test

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A record is what the event log says of a run.
type record struct {
	start    time.Time
	total    time.Duration
	state    string
	steps    []stepEvent
	requests map[string]*requestEvent // by X-Request-Id
}

type stepEvent struct {
	name       string
	iteration  int
	start, end time.Duration
	state      string
}

// A requestEvent is a request as the chaos server saw it.
type requestEvent struct {
	at        time.Duration // since the run's start
	steps     []string      // whose layers it entered
	decisions []decisionEvent
}

type decisionEvent struct {
	kind    string
	ordinal int
	status  int
	delay   time.Duration
	masked  bool
}

// readRecord reads an event log.
func readRecord(t *testing.T, path string) record {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	r := record{requests: map[string]*requestEvent{}}
	byNumber := map[int]*requestEvent{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e struct {
			Type      string
			T         time.Duration
			Arrived   time.Duration // where it waited to be decided
			Start     json.RawMessage
			N         int
			RequestID string `json:"request_id"`
			Step      string
			Steps     []string
			Iteration int
			Kind      string
			Ordinal   int
			Status    int
			Delay     time.Duration
			Masked    bool
			State     string
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e), "%s", lines.Text())
		switch e.Type {
		case "header":
			require.NoError(t, json.Unmarshal(e.Start, &r.start))
		case "request":
			q := &requestEvent{at: e.T, steps: e.Steps}
			if e.Arrived != 0 {
				q.at = e.Arrived
			}
			r.requests[e.RequestID], byNumber[e.N] = q, q
		case "decision":
			q := byNumber[e.N]
			require.NotNil(t, q, "a decision about a request that never came: %s", lines.Text())
			require.Contains(t, q.steps, e.Step, "a decision of a layer that the request never met")
			q.decisions = append(q.decisions, decisionEvent{e.Kind, e.Ordinal, e.Status, e.Delay, e.Masked})
		case "step":
			var start time.Duration
			require.NoError(t, json.Unmarshal(e.Start, &start))
			r.steps = append(r.steps, stepEvent{e.Step, e.Iteration, start, e.T, e.State})
		case "run":
			r.total, r.state = e.T, e.State
		}
	}
	return r
}
