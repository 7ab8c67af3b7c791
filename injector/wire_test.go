package injector_test

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// A wire is one end of a connection in memory that has what a net.TCPConn has:
// buffers, half-closes, resets.
type wire struct {
	peer *wire
	port int
	mu   *sync.Mutex // of both ends
	cond *sync.Cond

	buffer [wireBuffer]byte
	in     []byte // of the buffer
	fin    bool   // the peer sends nothing more
	closed bool
	reset  bool
	linger int
	by     [2]time.Time // deadlines of reads and of writes
}

const wireBuffer = 64 << 10

func newWire(port int) (client, server *wire) {
	mu := &sync.Mutex{}
	cond := sync.NewCond(mu)
	client, server = &wire{mu: mu, cond: cond, linger: -1}, &wire{mu: mu, cond: cond, linger: -1, port: port}
	client.peer, server.peer = server, client
	return client, server
}

func (w *wire) wait(op int, ready func() (int, error, bool)) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if w.closed {
			return 0, net.ErrClosed
		}
		if by := w.by[op]; !by.IsZero() && !by.After(time.Now()) {
			return 0, os.ErrDeadlineExceeded
		}
		if n, err, ok := ready(); ok {
			w.cond.Broadcast()
			return n, err
		}
		w.cond.Wait()
	}
}

func (w *wire) Read(b []byte) (int, error) {
	return w.wait(0, func() (int, error, bool) {
		switch {
		case len(w.in) > 0:
			n := copy(b, w.in)
			if w.in = w.in[n:]; len(w.in) == 0 {
				w.in = w.buffer[:0]
			}
			return n, nil, true
		case w.reset:
			return 0, syscall.ECONNRESET, true
		case w.fin:
			return 0, io.EOF, true
		}
		return 0, nil, false
	})
}

func (w *wire) Write(b []byte) (int, error) {
	written := 0
	for written < len(b) {
		n, err := w.wait(1, func() (int, error, bool) {
			switch {
			case w.reset:
				return 0, syscall.ECONNRESET, true
			case w.peer.closed, w.peer.fin:
				return 0, syscall.EPIPE, true
			case len(w.peer.in) < wireBuffer:
				w.peer.in = w.peer.buffer[:copy(w.peer.buffer[:], w.peer.in)]
				n := min(wireBuffer-len(w.peer.in), len(b)-written)
				w.peer.in = append(w.peer.in, b[written:written+n]...)
				return n, nil, true
			}
			return 0, nil, false
		})
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		if w.linger == 0 || len(w.in) > 0 {
			w.peer.reset = true
		}
		w.closed, w.peer.fin = true, true
	}
	w.cond.Broadcast()
	return nil
}

func (w *wire) CloseWrite() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peer.fin = true
	w.cond.Broadcast()
	return nil
}

func (w *wire) SetLinger(n int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.linger = n
	return nil
}

func (w *wire) SetDeadline(t time.Time) error      { return w.until(t, 0, 1) }
func (w *wire) SetReadDeadline(t time.Time) error  { return w.until(t, 0) }
func (w *wire) SetWriteDeadline(t time.Time) error { return w.until(t, 1) }

func (w *wire) until(t time.Time, ops ...int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, op := range ops {
		w.by[op] = t
	}
	w.cond.Broadcast()
	if left := time.Until(t); left > 0 {
		time.AfterFunc(left, w.cond.Broadcast)
	}
	return nil
}

func (w *wire) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
func (w *wire) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: w.port} }

// A line is a relay on virtual time, between a client and an upstream.
type line struct {
	client, upstream *wire
	over             chan error
}

// connect starts a relay. The number is the client's port.
func connect(in *injector.Injector, port int) *line {
	client, front := newWire(port)
	back, upstream := newWire(port)
	l := &line{client: client, upstream: upstream, over: make(chan error, 1)}
	go func() {
		l.over <- in.Relay(context.Background(), front, func(context.Context) (net.Conn, error) { return back, nil })
	}()
	return l
}

// hangUp closes both ends, and waits for the relay.
func (l *line) hangUp() error {
	_ = l.client.Close()
	_ = l.upstream.Close()
	return <-l.over
}

// toxic is a layer of TCP toxics.
func toxic(all ...injector.Toxic) injector.Layer {
	return injector.Layer{Name: "wire", Config: injector.Config{TCP: &injector.TCP{Toxics: all}}}
}

// ends are those of a stream.
func (l *line) ends(s injector.Stream) (from, to *wire) {
	if s == injector.Upstream {
		return l.client, l.upstream
	}
	return l.upstream, l.client
}

// open starts a relay, and returns the ends of a stream too.
func open(in *injector.Injector, s injector.Stream) (l *line, from, to *wire) {
	l = connect(in, 1)
	from, to = l.ends(s)
	return l, from, to
}

// bothStreams runs a test on virtual time for each stream, and for a relay with
// and without an order of virtual time.
func bothStreams(t *testing.T, f func(t *testing.T, in *injector.Injector, s injector.Stream)) {
	t.Helper()
	for _, s := range []injector.Stream{injector.Upstream, injector.Downstream} {
		for _, sequenced := range []bool{false, true} {
			opts := []injector.Option{injector.WithSeed(7)}
			if sequenced {
				opts = append(opts, injector.WithSequencer(&sequencer{}))
			}
			synctest.Test(t, func(t *testing.T) { f(t, injector.New(opts...), s) })
		}
	}
}

// near requires an instant, or one of a slot beside it where there is an order.
func near(t *testing.T, start time.Time, want time.Duration) {
	t.Helper()
	require.InDelta(t, float64(want), float64(time.Since(start)), float64(3*grid))
}

// says writes a text.
func says(t *testing.T, c net.Conn, text string) {
	t.Helper()
	_, err := io.WriteString(c, text)
	require.NoError(t, err)
}

// arrives reads a text, and requires when it came.
func arrives(t *testing.T, c net.Conn, want string, start time.Time, after time.Duration) {
	t.Helper()
	b := make([]byte, len(want))
	_, err := io.ReadFull(c, b)
	require.NoError(t, err)
	require.Equal(t, want, string(b))
	near(t, start, after)
}

// dialed returns a connection that is there already.
func dialed(c net.Conn) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) { return c, nil }
}
