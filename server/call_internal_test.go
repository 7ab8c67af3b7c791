package server

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// slowCall makes a call over HTTP/1.1 that keeps the server busy for an hour.
// gone gets the time at which the server ends the connection.
func slowCall(t *testing.T) (client net.Conn, gone <-chan time.Time) {
	s, err := New(Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	closed := make(chan time.Time, 1)
	front := &http.Server{
		Handler: s.call(endpoint{handle: func(w http.ResponseWriter, r *http.Request) error {
			if _, err := readBody(r); err != nil {
				return err
			}
			time.Sleep(time.Hour)
			writeJSON(w, http.StatusOK, Message{Message: "done"})
			return nil
		}}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				closed <- time.Now()
			}
		},
	}
	client, behind := net.Pipe()
	l := make(oneConn, 1)
	l <- behind
	served := make(chan error, 1)
	go func() { served <- front.Serve(l) }()
	t.Cleanup(func() {
		client.Close()
		require.NoError(t, front.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
		require.NoError(t, s.Close())
	})
	_, err = fmt.Fprint(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
	require.NoError(t, err)
	return client, closed
}

// oneConn listens for the connections that are put into it.
type oneConn chan net.Conn

func (l oneConn) Accept() (net.Conn, error) {
	if c, ok := <-l; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l oneConn) Close() error { close(l); return nil }
func (oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// A server that is busy for long has answered in the end, and whoever does not
// read its answer is left.
func TestSlowCallIsAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := slowCall(t)
		_, err := fmt.Fprint(client, "text")
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(client), nil)
		require.NoError(t, err)
		defer resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
	})
	synctest.Test(t, func(t *testing.T) {
		client, gone := slowCall(t)
		start := time.Now()
		_, err := fmt.Fprint(client, "text")
		require.NoError(t, err)
		require.WithinDuration(t, start.Add(time.Hour+apiTime), <-gone, time.Second)
	})
}

// A body that does not come is not waited for.
func TestSlowBodyIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := slowCall(t)
		start := time.Now()
		resp, err := http.ReadResponse(bufio.NewReader(client), nil)
		require.NoError(t, err)
		defer resp.Body.Close()
		require.Equal(t, http.StatusRequestTimeout, resp.StatusCode)
		require.Equal(t, apiTime, time.Since(start))
	})
}
