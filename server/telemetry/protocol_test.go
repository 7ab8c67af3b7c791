package telemetry_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/server"
)

// The span of a WebSocket connection is its handshake's. What is injected into
// messages is events of it, and does not take the place of what it says.
func TestSpanWithMessages(t *testing.T) {
	t.Parallel()
	feed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
		_, _ = rw.Write([]byte{0x81, 1, 'a', 0x81, 1, 'b', 0x88, 0})
		_ = rw.Flush()
		_, _ = io.Copy(io.Discard, rw)
	}))
	defer feed.Close()
	s := serve(t, server.Options{Chaos: true, Upstream: feed.URL, Config: injector.Config{
		Latency: &injector.Latency{FixedDelay: time.Millisecond}, WebSocket: &injector.WebSocket{MessageDropProbability: new(1.0)},
	}})
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	fmt.Fprint(conn, "GET /feed HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	in := bufio.NewReader(conn)
	_, err = http.ReadResponse(in, nil)
	require.NoError(t, err)
	var end [2]byte
	_, err = io.ReadFull(in, end[:])
	require.NoError(t, err)
	require.Equal(t, byte(0x88), end[0], "the messages are lost")
	require.NoError(t, conn.Close())

	span := s.span("GET /feed")
	got := attributes(span)
	require.Equal(t, []string{"latency"}, got["mockforge.chaos.fault"])
	require.Equal(t, int64(101), got["http.response.status_code"])
	require.Nil(t, got["mockforge.chaos.outcome"])
	require.Len(t, span.Events, 2)
	for _, e := range span.Events {
		require.Equal(t, "chaos", e.Name)
		require.Equal(t, []string{"message_drop"}, e.Attributes[0].Value.AsInterface())
		require.Equal(t, []string{"config"}, e.Attributes[1].Value.AsInterface())
	}
}

// A call of gRPC fails with status 200.
func TestSpanOfACall(t *testing.T) {
	t.Parallel()
	s := serve(t, server.Options{Chaos: true, Config: injector.Config{GRPC: &injector.GRPC{StatusCodes: []string{"UNAVAILABLE"}, Probability: new(1.0)}}})
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: &protocols}}
	defer client.CloseIdleConnections()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/pkg.S/M", strings.NewReader("\x00\x00\x00\x00\x00"))
	require.NoError(t, err)
	q.Header.Set("Content-Type", "application/grpc")
	q.Header.Set("Te", "trailers")
	resp, err := client.Do(q)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "14", resp.Header.Get("Grpc-Status"))

	span := s.span("POST /pkg.S/M")
	require.Equal(t, codes.Error, span.Status.Code)
	got := attributes(span)
	require.Equal(t, "grpc_status", got["error.type"])
	require.Equal(t, int64(200), got["http.response.status_code"])
}
