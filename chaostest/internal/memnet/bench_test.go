package memnet_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/mockforge-go/mockforge/chaostest/internal/memnet"
)

// BenchmarkHTTP compares a small exchange over a kept connection with the same
// over net.Pipe. It runs in real time, since a benchmark cannot enter a bubble.
func BenchmarkHTTP(b *testing.B) {
	b.Run("memnet", func(b *testing.B) {
		network := memnet.New()
		defer network.Close()
		l, err := network.Listen("web:80")
		if err != nil {
			b.Fatal(err)
		}
		exchange(b, l, network.DialContext)
	})
	b.Run("pipe", func(b *testing.B) {
		l := pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
		exchange(b, l, l.dial)
	})
}

func exchange(b *testing.B, l net.Listener, dial func(ctx context.Context, network, addr string) (net.Conn, error)) {
	body := make([]byte, 1024)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })}
	defer server.Close()
	go func() { _ = server.Serve(l) }()
	client := &http.Client{Transport: &http.Transport{DialContext: dial}}
	defer client.CloseIdleConnections()
	b.ReportAllocs()
	for b.Loop() {
		resp, err := client.Get("http://web/")
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}

// BenchmarkStream moves 32 KiB pieces one way.
func BenchmarkStream(b *testing.B) {
	network := memnet.New()
	defer network.Close()
	l, err := network.Listen("web:80")
	if err != nil {
		b.Fatal(err)
	}
	c, err := network.DialContext(context.Background(), "tcp", "web:80")
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	go func() {
		p := make([]byte, 32<<10)
		for {
			if _, err := s.Read(p); err != nil {
				return
			}
		}
	}()
	p := make([]byte, 32<<10)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(p); err != nil {
			b.Fatal(err)
		}
	}
}

// pipeListener makes a listener of net.Pipe.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	l.conns <- server
	return client, nil
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error { close(l.done); return nil }

func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
