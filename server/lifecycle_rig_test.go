package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
)

// patience is how long a test waits for what has to happen, on any machine.
const patience = 3 * time.Minute

// A live server runs on loopback, in front of an upstream that answers 200.
type live struct {
	*server.Server
	t    *testing.T
	end  context.CancelFunc
	done chan error
}

func serveLive(t *testing.T, opts server.Options) *live {
	t.Helper()
	return serveLogged(t, opts, slog.New(slog.DiscardHandler))
}

func serveLogged(t *testing.T, opts server.Options, log *slog.Logger) *live {
	t.Helper()
	opts.Port, opts.Logger = server.AnyPort, log
	if opts.Upstream == "" && len(opts.Targets) == 0 {
		upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
		t.Cleanup(upstream.Close)
		opts.Upstream = upstream.URL
	}
	s, err := server.New(opts)
	require.NoError(t, err)
	require.NoError(t, s.Listen())
	ctx, cancel := context.WithCancel(context.Background())
	l := &live{Server: s, t: t, end: cancel, done: make(chan error, 1)}
	go func() { l.done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-l.done)
	})
	return l
}

// call calls the API and reads the answer into a value.
func (l *live) call(method, path string, body any, into any) int {
	l.t.Helper()
	return callAPI(l.t, l.URL(), method, path, body, into)
}

func callAPI(t *testing.T, base, method, path string, body any, into any) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(bodyOf(t, body)))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if into != nil {
		require.NoError(t, json.Unmarshal(data, into), "%s %s: %s", method, path, data)
	}
	return resp.StatusCode
}

// bodyOf is the body of a call: a text as it is, everything else as JSON.
func bodyOf(t *testing.T, body any) []byte {
	t.Helper()
	switch b := body.(type) {
	case nil:
		return nil
	case string:
		return []byte(b)
	}
	text, err := json.Marshal(body)
	require.NoError(t, err)
	return text
}

// probe sends a request through the data plane and reports its status and
// which steps acted on it.
func probe(t *testing.T, base string) (status int, steps []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/orders", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(q)
	require.NoError(t, err)
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, resp.Header.Values("X-Mockforge-Step")
}

// start starts a document in YAML, by way of an import.
func (l *live) start(document string) (id string) {
	l.t.Helper()
	o, _, err := orchestrator.Parse([]byte(document), orchestrator.YAML)
	require.NoError(l.t, err)
	var answer struct{ Message, ID, Error string }
	require.Equal(l.t, 200, l.call("POST", "/api/chaos/orchestration/import", map[string]string{"content": document, "format": "yaml"}, &answer))
	require.Equal(l.t, 200, l.call("POST", "/api/chaos/orchestration/start", map[string]string{"name": o.Name}, &answer), answer.Error)
	return answer.ID
}

// status is the orchestration's.
func (l *live) status() (s liveStatus) {
	l.t.Helper()
	require.Equal(l.t, 200, l.call("GET", "/api/chaos/orchestration/status", nil, &s))
	return s
}

type liveStatus struct {
	IsRunning bool `json:"is_running"`
	orchestrator.Report
}

// until waits for a state of the run that the condition describes.
func (l *live) until(what string, holds func(liveStatus) bool) (s liveStatus) {
	l.t.Helper()
	require.Eventually(l.t, func() bool {
		s = l.status()
		return holds(s)
	}, patience, 5*time.Millisecond, what)
	return s
}

func (l *live) ended() liveStatus {
	l.t.Helper()
	return l.until("the run ends", func(s liveStatus) bool { return !s.IsRunning && s.State.Ended() })
}

// during runs a document and looks at it in its first step, of so many seconds,
// once a request of its load has failed there. Where the machine is so busy that
// the step was over before, it is run again with a longer one.
func (l *live) during(document func(seconds float64) string, look func()) (id string) {
	l.t.Helper()
	for seconds := 0.5; ; seconds *= 2 {
		id = l.start(document(seconds))
		over := func(s liveStatus) bool { return !s.IsRunning || s.Elapsed >= seconds }
		s := l.until("a request fails", func(s liveStatus) bool { return s.Counts.Failed > 0 || over(s) })
		if !over(s) {
			look()
			if !over(l.status()) {
				return id
			}
		}
		l.call("POST", "/api/chaos/orchestration/stop", nil, nil)
		require.Less(l.t, seconds, 60.0, "the step is always over before it was looked at")
	}
}
