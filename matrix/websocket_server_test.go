package matrix_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
	"github.com/stretchr/testify/require"
)

// The same faults over sockets: from the libraries through the standalone
// server to a WebSocket server behind it.
func TestWebSocketThroughTheServer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"coder", "gorilla"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ends := make(chan told, 100)
			handler := coderEcho(ends, coder.AcceptOptions{})
			if name == "gorilla" {
				handler = gorillaEcho(ends)
			}
			upstream := httptest.NewServer(handler)
			t.Cleanup(upstream.Close)
			s := startServer(t, upstream.URL)
			o, _, err := orchestrator.Load("testdata/websocket.yaml")
			require.NoError(t, err)
			var document strings.Builder
			require.NoError(t, orchestrator.Encode(&document, o, orchestrator.JSON))
			var configs struct {
				Steps []struct {
					Name     string
					Scenario struct{ Config json.RawMessage }
				}
			}
			require.NoError(t, json.Unmarshal([]byte(document.String()), &configs))
			for _, step := range configs.Steps {
				if step.Name == "partition" {
					continue // it would take a client's patience
				}
				config := string(step.Scenario.Config)
				if config == "" {
					config = "{}"
				}
				put(t, s.URL()+"/api/chaos/config", config)
				for _, dial := range []dialer{
					dialCoder(&http.Client{}, coder.DialOptions{}),
					dialGorilla(new(net.Dialer).DialContext),
				} {
					sight{false, ends}.look(t, step.Name, s.URL(), dial)
				}
			}
		})
	}
}

// Of a compressed message the payload is corrupt, and not its frames: another
// text, or one that cannot be inflated.
func TestWebSocketCompressed(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(coderEcho(make(chan told, 100), coder.AcceptOptions{CompressionMode: coder.CompressionNoContextTakeover, CompressionThreshold: 1}))
	t.Cleanup(upstream.Close)
	s := startServer(t, upstream.URL)
	put(t, s.URL()+"/api/chaos/config", `{"websocket": {"message_corruption_probability": 0.5, "direction": "downstream"}}`)
	dial := dialCoder(&http.Client{}, coder.DialOptions{CompressionMode: coder.CompressionNoContextTakeover, CompressionThreshold: 1})
	whole, corrupt := 0, 0
	long := strings.Repeat(message, 50)
	for range 20 {
		c, err := dial(t.Context(), s.URL()+"/chat")
		require.NoError(t, err)
		require.NoError(t, c.send(long))
		switch got := next(t, c, 10*time.Second); {
		case got.err == nil && got.text == long:
			whole++
		case got.err == nil:
			corrupt++
		default:
			require.ErrorContains(t, got.err, "flate")
			corrupt++
		}
		c.close()
	}
	require.Equal(t, 10, whole)
	require.Equal(t, 10, corrupt)
}

func startServer(t *testing.T, upstream string) *server.Server {
	t.Helper()
	s, err := server.New(server.Options{Upstream: upstream, Chaos: true, Port: server.AnyPort, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, s.Listen())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return s
}

// put sends a body to the server's API.
func put(t *testing.T, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader(body))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}
