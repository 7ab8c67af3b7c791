package matrix_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
	"github.com/stretchr/testify/require"
)

// The same faults over sockets: from the libraries through the standalone
// server to a WebSocket server behind it.
func TestWebSocketThroughTheServer(t *testing.T) {
	t.Parallel()
	for name := range echoes(nil) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ends := make(chan told, 100)
			upstream := httptest.NewServer(echoes(ends)[name])
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
				for _, dial := range dialers(&http.Client{}, new(net.Dialer).DialContext) {
					sight{false, ends}.look(t, step.Name, s.URL(), dial)
				}
			}
		})
	}
}

// Compression is what the libraries agree on with each other, and not through
// chaos: messages are as readable then as their faults say.
func TestWebSocketCompression(t *testing.T) {
	t.Parallel()
	for name, echo := range echoes(make(chan told, 100)) {
		upstream := httptest.NewServer(echo)
		t.Cleanup(upstream.Close)
		s := startServer(t, upstream.URL)
		for i, dial := range dialers(&http.Client{}, new(net.Dialer).DialContext) {
			direct, err := dial(t.Context(), upstream.URL+"/chat")
			require.NoError(t, err)
			require.Contains(t, direct.extensions(), "permessage-deflate", "%s %d", name, i)
			direct.close()
			c, err := dial(t.Context(), s.URL()+"/chat")
			require.NoError(t, err)
			require.Empty(t, c.extensions(), "%s %d", name, i)
			require.NoError(t, c.send(message))
			require.Equal(t, message, next(t, c, time.Minute).text)
			c.close()
		}
	}
}

// A handshake that the upstream refuses fails as it says.
func TestWebSocketRefusedByTheUpstream(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "who are you?", http.StatusUnauthorized)
	}))
	t.Cleanup(upstream.Close)
	s := startServer(t, upstream.URL)
	put(t, s.URL()+"/api/chaos/config", `{"websocket": {"message_drop_probability": 1}}`)
	for _, dial := range dialers(&http.Client{}, new(net.Dialer).DialContext) {
		_, err := dial(t.Context(), s.URL()+"/chat")
		require.Equal(t, badHandshake(http.StatusUnauthorized), err)
	}
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

// WebSocket over HTTP/2 (RFC 8441) is not announced: its clients, who have to
// wait for that, use HTTP/1.1.
func TestWebSocketIsNotAnnouncedOnHTTP2(t *testing.T) {
	t.Parallel()
	s := startServer(t, "http://127.0.0.1:1")
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	require.NoError(t, err)
	head := make([]byte, 9)
	_, err = io.ReadFull(conn, head)
	require.NoError(t, err)
	require.Equal(t, byte(4), head[3], "SETTINGS")
	settings := make([]byte, binary.BigEndian.Uint32(append([]byte{0}, head[:3]...)))
	_, err = io.ReadFull(conn, settings)
	require.NoError(t, err)
	require.NotEmpty(t, settings)
	for ; len(settings) > 0; settings = settings[6:] {
		require.NotEqual(t, uint16(8), binary.BigEndian.Uint16(settings), "SETTINGS_ENABLE_CONNECT_PROTOCOL")
	}
}
