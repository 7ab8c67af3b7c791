package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/server"
)

// A logged server keeps what it logs.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// records are those with a message.
func (l *logged) records(t *testing.T, message string) (out []map[string]any) {
	t.Helper()
	for line := range strings.Lines(l.String()) {
		var record map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &record))
		if record["msg"] == message {
			out = append(out, record)
		}
	}
	return out
}

// A server's life, as its log has it, without what was secret in it.
func TestLogOfALife(t *testing.T) {
	t.Parallel()
	kept := &logged{}
	l := serveLogged(t, server.Options{
		Chaos: true, AdminToken: "secret-token", Version: "1.2.3",
		Config: injector.Config{FaultInjection: &injector.FaultInjection{
			HTTPErrors: []int{503}, HTTPErrorProbability: new(1.0),
			RequestMatcher: &injector.RequestMatcher{Headers: []injector.HeaderMatch{{Name: "X-Key", Value: new("secret-header")}}},
		}},
	}, slog.New(slog.NewJSONHandler(kept, &slog.HandlerOptions{Level: slog.LevelDebug})))
	ask := func(token, method, path, body string) int {
		q, err := http.NewRequestWithContext(t.Context(), method, l.URL()+path, strings.NewReader(body))
		require.NoError(t, err)
		q.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(q)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	require.Equal(t, 403, ask("secret-guess", "GET", "/api/chaos/config", ""))
	require.Equal(t, 200, ask("secret-token", "PUT", "/api/chaos/config/latency", `{"fixed_delay_ms": 1}`))
	// Longer where the machine is so busy that no request came while it ran.
	for seconds, runs := 0.5, 1; len(kept.records(t, "circuit breaker")) == 0; seconds, runs = 2*seconds, runs+1 {
		require.Less(t, seconds, 60.0)
		require.Equal(t, 200, ask("secret-token", "POST", "/api/chaos/orchestration/start", fmt.Sprintf(`{"name": "outage", "steps": [
			{"name": "errors", "duration_seconds": %g, "scenario": {"config": {
				"fault_injection": {"http_errors": [503], "http_error_probability": 1},
				"circuit_breaker": {"failure_threshold": 1}}}}]}`, seconds)))
		for len(kept.records(t, "orchestration ended")) < runs {
			ask("", "POST", "/orders?key=secret-query", "secret-body")
			time.Sleep(time.Millisecond) // so that the run gets its share
		}
	}
	l.end()
	require.Eventually(t, func() bool { return len(kept.records(t, "stopped")) > 0 }, patience, 5*time.Millisecond)

	one := func(message string) map[string]any {
		records := kept.records(t, message)
		require.NotEmpty(t, records, message)
		return records[0]
	}
	require.Equal(t, l.URL(), one("listening")["url"])
	require.Equal(t, "1.2.3", one("listening")["version"])
	require.Equal(t, "default", one("listening")["targets"])
	require.Equal(t, "fault_injection", one("standing config")["sections"])
	require.Equal(t, "latency,fault_injection", one("config changed")["sections"])
	require.Equal(t, "wrong token", one("API call refused")["reason"])
	require.Equal(t, "outage", one("orchestration started")["name"])
	require.Equal(t, "errors", one("step started")["step"])
	require.Equal(t, "open", one("circuit breaker")["to"])
	require.Equal(t, "errors", one("circuit breaker")["step"])
	require.Equal(t, "passed", one("step ended")["state"])
	require.Equal(t, "completed", one("orchestration ended")["state"])
	require.Equal(t, one("orchestration started")["id"], one("orchestration ended")["id"])
	require.NotEmpty(t, one("stopping"))
	require.NotContains(t, kept.String(), "secret")
}

// An upstream that is gone is not one line for each request.
func TestUpstreamFailuresAreLoggedSparingly(t *testing.T) {
	t.Parallel()
	kept := &logged{}
	l := serveLogged(t, server.Options{Upstream: "http://127.0.0.1:1"}, slog.New(slog.NewJSONHandler(kept, nil)))
	start := time.Now()
	for range 100 {
		require.Equal(t, 502, l.send("GET", "/orders?key=secret", ""))
	}
	records := kept.records(t, "upstream failed")
	require.NotEmpty(t, records)
	require.LessOrEqual(t, len(records), 1+int(time.Since(start)/time.Second))
	require.Equal(t, "WARN", records[0]["level"])
	require.Equal(t, "default", records[0]["target"])
	require.Equal(t, "/orders", records[0]["path"])
	require.NotContains(t, kept.String(), "secret")
}
