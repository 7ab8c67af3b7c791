package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/server"
)

// What is injected into messages is counted as faults. Messages are no requests,
// which would end aborted where they are only late or lost.
func TestMessagesAreNoRequests(t *testing.T) {
	t.Parallel()
	feed := backend(t, "http", func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
		_, _ = rw.Write([]byte{0x81, 1, 'a', 0x81, 1, 'b', 0x81, 1, 'c', 0x88, 0})
		_ = rw.Flush()
		_, _ = io.Copy(io.Discard, rw)
	})
	l := serveLive(t, server.Options{Chaos: true, Upstream: feed, Targets: []server.Target{
		{Name: "cache", Upstream: "tcp://" + shouter(t), Port: server.AnyPort},
	}})
	l.ask(t, "PUT", "/config", `{"websocket": {"message_drop_probability": 1},
		"tcp": {"toxics": [{"type": "latency", "per": "message", "protocol": "lines", "attributes": {"latency": 1}}]}}`).ok(t)

	conn, err := net.Dial("tcp", strings.TrimPrefix(l.URL(), "http://"))
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	fmt.Fprint(conn, "GET /feed HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	var end [2]byte
	_, err = io.ReadFull(in, end[:])
	require.NoError(t, err)
	require.Equal(t, byte(0x88), end[0], "all messages are lost, and the close is not")
	require.NoError(t, conn.Close())

	c := connectTo(t, l.cache(t))
	for range 4 {
		_, err := exclaim(c)
		require.NoError(t, err)
	}
	require.NoError(t, c.Close())

	var series []string
	require.Eventually(t, func() bool {
		series = nil
		for line := range strings.Lines(string(l.askPath(t, "GET", "/metrics", nil).body)) {
			if name, _, _ := strings.Cut(line, "{"); name == "mockforge_chaos_requests_total" || name == "mockforge_chaos_faults_total" {
				series = append(series, strings.TrimSpace(line))
			}
		}
		return len(series) == 4
	}, time.Minute, 10*time.Millisecond, "both connections end")
	require.Equal(t, []string{
		`mockforge_chaos_faults_total{endpoint="GET /feed",fault_type="message_drop"} 3`,
		`mockforge_chaos_faults_total{endpoint="TCP cache",fault_type="tcp_latency"} 4`,
		`mockforge_chaos_requests_total{protocol="tcp",status="closed",target="cache"} 1`,
		`mockforge_chaos_requests_total{protocol="websocket",status="1xx",target="default"} 1`,
	}, series)
	var stats server.Stats
	l.ask(t, "GET", "/stats", nil).ok(t).into(t, &stats)
	require.Equal(t, int64(2), stats.RequestsObserved)
	require.Equal(t, int64(7), stats.FaultsGrandTotal)
	require.Equal(t, map[string]int64{"TCP cache": 4}, stats.FaultsByType["tcp_latency"])
}
