package injector_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// echo answers each connection with what it sends, until it ends.
func echo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_, _ = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
		}()
	}
}

// tcp starts an echo server on loopback.
func tcp(t *testing.T, in *injector.Injector) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go echo(in.Listener(l))
	return l.Addr().String()
}

// exchange sends a word and reads it back.
func exchange(c net.Conn, word string) error {
	if _, err := io.WriteString(c, word); err != nil {
		return err
	}
	b := make([]byte, len(word))
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	if string(b) != word {
		return errors.New("got " + string(b))
	}
	return nil
}

func TestConnectionErrorsAtTheListener(t *testing.T) {
	t.Parallel()
	for kind, want := range map[injector.ConnectionErrorKind]error{
		injector.TCPReset: syscall.ECONNRESET,
		injector.TCPClose: io.EOF,
		injector.HTTP503:  syscall.ECONNRESET, // there is no HTTP to answer in
	} {
		in := injector.New()
		remove := in.Apply(faults(injector.FaultInjection{ConnectionErrorKind: kind, ConnectionErrorProbability: new(1.0)}))
		addr := tcp(t, in)
		c, err := net.Dial("tcp", addr)
		if err == nil { // the reset may be faster than the dial
			_, err = c.Read(make([]byte, 1))
			c.Close()
		}
		require.ErrorIs(t, err, want, string(kind))
		remove()
		c, err = net.Dial("tcp", addr)
		require.NoError(t, err)
		require.NoError(t, exchange(c, "hello"))
		c.Close()
	}
}

func TestMaxConnectionsAtTheListener(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(shaped(injector.TrafficShaping{MaxConnections: 1}))
	addr := tcp(t, in)
	first, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	require.NoError(t, exchange(first, "hello"))
	second, err := net.Dial("tcp", addr)
	if err == nil { // the reset may be faster than the dial
		err = exchange(second, "hello")
		second.Close()
	}
	require.Error(t, err, "an idle connection counts too")
	first.Close()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		defer c.Close()
		return exchange(c, "hello") == nil
	}, 10*time.Second, time.Millisecond)
}

// piped runs a test with a connection to an echo server on virtual time.
func piped(t *testing.T, opts []injector.Option, f func(t *testing.T, in *injector.Injector, c net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New(opts...)
		m := newMemory()
		go echo(in.Listener(m))
		c, err := m.dial(context.Background(), "", "")
		require.NoError(t, err)
		defer func() {
			in.Release()
			c.Close()
			m.Close()
			time.Sleep(time.Second) // ends have instants of their own
		}()
		f(t, in, c)
	})
}

func TestLatencyOfAnExchange(t *testing.T) {
	t.Parallel()
	for _, sequenced := range []bool{false, true} {
		seen := &events{}
		opts := []injector.Option{injector.WithObserver(seen)}
		if sequenced {
			opts = append(opts, injector.WithSequencer(&sequencer{}))
		}
		piped(t, opts, func(t *testing.T, in *injector.Injector, c net.Conn) {
			require.NoError(t, exchange(c, "before the layer"))
			in.Apply(slow(time.Second))
			for range 3 {
				start := time.Now()
				require.NoError(t, exchange(c, "hello"), "an open connection meets later layers")
				require.InDelta(t, float64(time.Second), float64(time.Since(start)), float64(2*grid))
			}
		})
		require.Equal(t, 3, seen.count("latency"))
		require.Len(t, seen.outcomes, len(seen.requests))
	}
}

func TestOnlyTheFirstBytesOfAnExchangeAreDelayed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		in.Apply(slow(time.Second))
		m := newMemory()
		l := in.Listener(m)
		go func() {
			c, _ := m.dial(context.Background(), "", "")
			for range 3 {
				_, _ = io.WriteString(c, "x")
			}
		}()
		c, err := l.Accept()
		require.NoError(t, err)
		defer c.Close()
		start := time.Now()
		for range 3 {
			_, err := c.Read(make([]byte, 1))
			require.NoError(t, err)
		}
		require.Equal(t, time.Second, time.Since(start), "an upload is one exchange")
	})
}

func TestListenerBandwidth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		in.Apply(shaped(injector.TrafficShaping{BandwidthLimit: 1000}))
		m := newMemory()
		l := in.Listener(m)
		go func() {
			c, _ := m.dial(context.Background(), "", "")
			_, _ = c.Write(make([]byte, 10_000))
			_, _ = io.ReadFull(c, make([]byte, 5_000))
		}()
		c, err := l.Accept()
		require.NoError(t, err)
		defer c.Close()
		start := time.Now()
		_, err = io.ReadFull(c, make([]byte, 10_000))
		require.NoError(t, err)
		require.Equal(t, 10*time.Second, time.Since(start))
		_, err = c.Write(make([]byte, 5_000))
		require.NoError(t, err)
		require.Equal(t, 15*time.Second, time.Since(start))
	})
}

// The two directions of a connection are two goroutines: what leaves in them at
// one instant must have an order.
func TestDirectionsLeaveAtInstantsOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New(injector.WithSequencer(&sequencer{}))
		in.Apply(shaped(injector.TrafficShaping{BandwidthLimit: 1000}))
		m := newMemory()
		l := in.Listener(m)
		go func() {
			c, _ := m.dial(context.Background(), "", "")
			go func() { _, _ = c.Write(make([]byte, 50)) }()
			_, _ = io.ReadFull(c, make([]byte, 50))
		}()
		c, err := l.Accept()
		require.NoError(t, err)
		defer c.Close()
		left := make(chan time.Time, 2)
		go func() {
			_, _ = io.ReadFull(c, make([]byte, 50))
			left <- time.Now()
		}()
		_, err = c.Write(make([]byte, 50))
		require.NoError(t, err)
		left <- time.Now()
		first, second := <-left, <-left
		require.NotEqual(t, first, second)
	})
}

func TestListenerPartition(t *testing.T) {
	t.Parallel()
	piped(t, nil, func(t *testing.T, in *injector.Injector, c net.Conn) {
		remove := in.Apply(shaped(injector.TrafficShaping{PacketLossPercent: 100}))
		start := time.Now()
		require.NoError(t, c.SetReadDeadline(start.Add(time.Minute)))
		require.ErrorIs(t, exchange(c, "hello"), os.ErrDeadlineExceeded, "silence")
		require.NoError(t, c.SetReadDeadline(time.Time{}))
		go func() {
			time.Sleep(time.Minute)
			remove()
		}()
		b := make([]byte, 5)
		_, err := io.ReadFull(c, b)
		require.NoError(t, err)
		require.Equal(t, "hello", string(b), "nothing was lost when the link healed")
		require.Equal(t, 2*time.Minute, time.Since(start))
	})
}

// The deadline of a connection ends what its layers hold back, and loses none
// of it.
func TestListenerHeedsDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		in.Apply(slow(10 * time.Second))
		m := newMemory()
		l := in.Listener(m)
		go func() {
			c, _ := m.dial(context.Background(), "", "")
			_, _ = io.WriteString(c, "hello")
		}()
		c, err := l.Accept()
		require.NoError(t, err)
		defer c.Close()
		start := time.Now()
		b := make([]byte, 3)
		require.NoError(t, c.SetReadDeadline(start.Add(time.Second)))
		_, err = c.Read(b)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
		_, err = c.Read(b)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, "a deadline stays passed")
		time.AfterFunc(time.Second, func() { _ = c.SetReadDeadline(time.Now().Add(-time.Hour)) })
		require.NoError(t, c.SetReadDeadline(time.Time{}))
		_, err = c.Read(b)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, "a deadline moved into the past ends a wait")
		require.Equal(t, 2*time.Second, time.Since(start))
		require.NoError(t, c.SetReadDeadline(start.Add(time.Hour)))
		n, err := io.ReadFull(c, b)
		require.NoError(t, err)
		require.Equal(t, "hel", string(b[:n]))
		require.Equal(t, 10*time.Second, time.Since(start))
		n, err = c.Read(b)
		require.NoError(t, err)
		require.Equal(t, "lo", string(b[:n]))
	})
}

func TestCloseEndsTheWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		in.Apply(slow(time.Hour))
		m := newMemory()
		l := in.Listener(m)
		go func() {
			c, _ := m.dial(context.Background(), "", "")
			_, _ = io.WriteString(c, "hello")
		}()
		c, err := l.Accept()
		require.NoError(t, err)
		time.AfterFunc(time.Second, func() { c.Close() })
		_, err = c.Read(make([]byte, 5))
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestListenerLosses(t *testing.T) {
	t.Parallel()
	piped(t, []injector.Option{injector.WithSeed(2)}, func(t *testing.T, in *injector.Injector, c net.Conn) {
		in.Apply(shaped(injector.TrafficShaping{PacketLossPercent: 20}))
		start := time.Now()
		for range 200 {
			require.NoError(t, exchange(c, "hello"))
		}
		took := time.Since(start)
		require.Zero(t, took%(200*time.Millisecond))
		require.Greater(t, took, 70*200*time.Millisecond, "80 losses of 400")
		d := in.Draws(injector.LayerRef{Name: "net"})[0]
		require.EqualValues(t, 400, d.Requests)
		require.EqualValues(t, 80, d.Injected)
	})
}

func TestListenerLossTimesOut(t *testing.T) {
	t.Parallel()
	seen := &events{}
	piped(t, []injector.Option{injector.WithObserver(seen)}, func(t *testing.T, in *injector.Injector, c net.Conn) {
		in.Apply(shaped(injector.TrafficShaping{PacketLossPercent: 99.999, ConnectionTimeout: new(100 * time.Millisecond)}))
		require.ErrorIs(t, exchange(c, "hello"), io.EOF, "a pipe knows no reset")
	})
	require.Equal(t, injector.KindPacketLoss, seen.outcomes[len(seen.outcomes)-1].Fault)
}

func TestListenerPassesHalfCloseThrough(t *testing.T) {
	t.Parallel()
	in := injector.New()
	addr := tcp(t, in)
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "hello")
	require.NoError(t, err)
	require.NoError(t, c.(*net.TCPConn).CloseWrite())
	b, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, "hello", string(b))
}
