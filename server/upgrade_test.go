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

// shout takes a connection over and answers each line in capitals.
func shout(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "shout" {
		http.Error(w, "not for me", http.StatusUpgradeRequired)
		return
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n")
	for rw.Flush() == nil {
		line, err := rw.ReadString('\n')
		if err != nil {
			return
		}
		_, _ = rw.WriteString(strings.ToUpper(line))
	}
}

// upgrade sends an upgrade over a connection of its own.
func (p *plane) upgrade() (net.Conn, *bufio.Reader, *http.Response) {
	p.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.URL(), "http://"))
	require.NoError(p, err)
	p.Cleanup(func() { conn.Close() })
	require.NoError(p, conn.SetDeadline(time.Now().Add(time.Minute)))
	fmt.Fprint(conn, "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	require.NoError(p, err)
	return conn, in, resp
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	p := startPlane(t, server.Options{Upstream: backend(t, "http", shout), Chaos: true})
	for _, l := range layers {
		p.config(l.config)
		conn, in, resp := p.upgrade()
		require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode, l.name)
		require.Equal(t, "shout", resp.Header.Get("Upgrade"), l.name)
		if l.name == "latency" {
			require.Equal(t, "latency", resp.Header.Get("X-Mockforge-Fault"))
		}
		for range 3 {
			fmt.Fprint(conn, "hello\n")
			line, err := in.ReadString('\n')
			require.NoError(t, err, l.name)
			require.Equal(t, "HELLO\n", line, l.name)
		}
		require.NoError(t, conn.(*net.TCPConn).CloseWrite())
		_, err := in.ReadByte()
		require.Equal(t, io.EOF, err, "%s: the end comes through", l.name)
	}
}

// A fault meets the request that would upgrade.
func TestUpgradeRefused(t *testing.T) {
	t.Parallel()
	p := startPlane(t, server.Options{Upstream: backend(t, "http", shout), Chaos: true})
	p.config(`{"fault_injection": {"http_errors": [503], "http_error_probability": 1}}`)
	_, _, resp := p.upgrade()
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	p.config(`{"bulkhead": {"max_concurrent_requests": 1, "max_queue_size": 0}}`)
	conn, _, resp := p.upgrade()
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	_, _, resp = p.upgrade()
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode, "an open tunnel is in progress")
	conn.Close()
	require.Eventually(t, func() bool {
		_, _, resp := p.upgrade()
		return resp.StatusCode == http.StatusSwitchingProtocols
	}, time.Minute, time.Millisecond)
}
