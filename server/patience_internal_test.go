package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patient runs a server with other times than the usual ones.
func patient(t *testing.T, set times, h http.HandlerFunc) (s *Server, end func() error) {
	t.Helper()
	up := httptest.NewServer(h)
	t.Cleanup(up.Close)
	s, err := New(Options{Port: AnyPort, Upstream: up.URL, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	s.times = set
	require.NoError(t, s.Listen())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(cancel)
	return s, func() error { cancel(); return <-ended }
}

// A client that takes for ever over its header is not waited for.
func TestSlowHeader(t *testing.T) {
	t.Parallel()
	s, end := patient(t, times{header: 50 * time.Millisecond, idle: time.Minute, shutdown: time.Second}, func(http.ResponseWriter, *http.Request) {})
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow")
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	_, err = io.Copy(io.Discard, conn)
	require.NoError(t, err, "the server hangs up")
	require.NoError(t, end())
}

func TestCloseLetsRequestsFinish(t *testing.T) {
	t.Parallel()
	arrived, goOn := make(chan struct{}), make(chan struct{})
	s, end := patient(t, times{header: time.Minute, idle: time.Minute, shutdown: time.Minute}, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-goOn
		fmt.Fprint(w, "done")
	})
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get(s.URL())
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answer <- string(body)
	}()
	<-arrived
	ended := make(chan error, 1)
	go func() { ended <- end() }()
	require.Eventually(t, func() bool { // it takes no more
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, time.Minute, time.Millisecond)
	close(goOn)
	require.Equal(t, "done", <-answer)
	require.NoError(t, <-ended)
}

// A request that does not finish is cut off, and so is a tunnel.
func TestCloseCutsWhatIsStuck(t *testing.T) {
	t.Parallel()
	arrived, cancelled := make(chan struct{}, 2), make(chan struct{}, 2)
	s, end := patient(t, times{header: time.Minute, idle: time.Minute, shutdown: 50 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			_ = rw.Flush()
			arrived <- struct{}{}
			_, _ = io.Copy(io.Discard, rw)
			cancelled <- struct{}{}
			return
		}
		arrived <- struct{}{}
		<-r.Context().Done()
		cancelled <- struct{}{}
	})
	var readers []*bufio.Reader
	for _, header := range []string{"", "Connection: Upgrade\r\nUpgrade: x\r\n"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", header)
		readers = append(readers, bufio.NewReader(conn))
	}
	<-arrived
	<-arrived
	require.NoError(t, end())
	for _, r := range readers {
		_, _ = io.Copy(io.Discard, r) // ends
	}
	<-cancelled
	<-cancelled
}
