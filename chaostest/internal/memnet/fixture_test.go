package memnet_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest/internal/memnet"
)

// inBubble runs f on virtual time with a network, and checks that f has closed
// every connection that it made.
func inBubble(t *testing.T, f func(t *testing.T, network *memnet.Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		f(t, network)
		network.Close()
		synctest.Wait()
		require.Empty(t, network.Open(), "connections left open")
	})
}

func listen(t *testing.T, network *memnet.Network, addr string) *memnet.Listener {
	t.Helper()
	l, err := network.Listen(addr)
	require.NoError(t, err)
	return l
}

func dial(t *testing.T, network *memnet.Network, addr string) *memnet.Conn {
	t.Helper()
	c, err := network.DialContext(context.Background(), "tcp", addr)
	require.NoError(t, err)
	return c.(*memnet.Conn)
}

func accept(t *testing.T, l net.Listener) *memnet.Conn {
	t.Helper()
	c, err := l.Accept()
	require.NoError(t, err)
	return c.(*memnet.Conn)
}

// pair returns the two ends of a connection, closed when the test ends.
func pair(t *testing.T, network *memnet.Network) (client, server *memnet.Conn) {
	t.Helper()
	l := listen(t, network, "127.0.0.1:1")
	client = dial(t, network, "127.0.0.1:1")
	server = accept(t, l)
	return client, server
}

func closeAll(conns ...net.Conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}

func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	n, err := io.WriteString(c, text)
	require.NoError(t, err)
	require.Equal(t, len(text), n)
}

// read reads once, up to 100 bytes.
func read(c net.Conn) (string, error) {
	p := make([]byte, 100)
	n, err := c.Read(p)
	return string(p[:n]), err
}

// web is a net/http client and server on a network of their own.
type web struct {
	network   *memnet.Network
	server    *http.Server
	transport *http.Transport
	client    *http.Client
}

// serve starts a server for h at http://web/. Settings come from configure.
func serve(t *testing.T, h http.HandlerFunc, configure func(*web)) *web {
	t.Helper()
	w := &web{network: memnet.New(), server: &http.Server{Handler: h}}
	w.transport = &http.Transport{DialContext: w.network.DialContext}
	w.client = &http.Client{Transport: w.transport}
	if configure != nil {
		configure(w)
	}
	l := listen(t, w.network, "web:80")
	go func() { _ = w.server.Serve(l) }()
	return w
}

// stop closes everything and lets a virtual day pass, in which whatever is
// still running comes to its end.
func (w *web) stop(t *testing.T) {
	t.Helper()
	w.transport.CloseIdleConnections()
	_ = w.server.Close()
	w.network.Close()
	time.Sleep(24 * time.Hour)
	require.Empty(t, w.network.Open(), "connections left open")
}
