package injector_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// relayed starts a relay in front of an upstream on loopback, and returns the
// client's connection, the upstream's, and what the relay returns.
func relayed(t *testing.T, ctx context.Context, in *injector.Injector) (client, upstream *net.TCPConn, over <-chan error) {
	t.Helper()
	front, back := loopback(t), loopback(t)
	ended := make(chan error, 1)
	go func() {
		c, err := front.Accept()
		if err != nil {
			ended <- err
			return
		}
		ended <- in.Relay(ctx, c, dialer(back))
	}()
	c, err := net.Dial("tcp", front.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	u, err := back.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { u.Close() })
	by := time.Now().Add(5 * time.Minute) // what does not arrive fails, and does not hang
	require.NoError(t, c.SetDeadline(by))
	require.NoError(t, u.SetDeadline(by))
	return c.(*net.TCPConn), u.(*net.TCPConn), ended
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

func dialer(l net.Listener) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	}
}

func TestRelayPassesHalfClosesOn(t *testing.T) {
	t.Parallel()
	for _, clientFirst := range []bool{true, false} {
		client, upstream, over := relayed(t, t.Context(), injector.New())
		first, second := client, upstream
		if !clientFirst {
			first, second = upstream, client
		}
		_, err := io.WriteString(first, "hello")
		require.NoError(t, err)
		require.NoError(t, first.CloseWrite())
		b, err := io.ReadAll(second)
		require.NoError(t, err)
		require.Equal(t, "hello", string(b))
		_, err = io.WriteString(second, "and back")
		require.NoError(t, err, "the other direction is still open")
		require.NoError(t, second.CloseWrite())
		b, err = io.ReadAll(first)
		require.NoError(t, err)
		require.Equal(t, "and back", string(b))
		require.NoError(t, <-over)
	}
}

func TestRelayPassesResetsOn(t *testing.T) {
	t.Parallel()
	client, upstream, over := relayed(t, t.Context(), injector.New())
	require.NoError(t, exchangeWith(client, upstream))
	require.NoError(t, upstream.SetLinger(0))
	require.NoError(t, upstream.Close())
	_, err := client.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.NoError(t, <-over)
}

// exchangeWith sends a byte each way.
func exchangeWith(a, b net.Conn) error {
	for range 2 {
		if _, err := a.Write([]byte{1}); err != nil {
			return err
		}
		if _, err := io.ReadFull(b, make([]byte, 1)); err != nil {
			return err
		}
		a, b = b, a
	}
	return nil
}

func TestRelayEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client, upstream, over := relayed(t, ctx, injector.New())
	require.NoError(t, exchangeWith(client, upstream))
	cancel()
	require.ErrorIs(t, <-over, context.Canceled)
	_, err := io.ReadAll(client)
	require.NoError(t, err, "an orderly end")
	_, err = io.ReadAll(upstream)
	require.NoError(t, err)
}

func TestRelayResetsTheClientWithoutAnUpstream(t *testing.T) {
	t.Parallel()
	l := loopback(t)
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	accepted, err := l.Accept()
	require.NoError(t, err)
	no := errors.New("no route")
	err = injector.New().Target("db").Relay(t.Context(), accepted, func(context.Context) (net.Conn, error) { return nil, no })
	require.ErrorIs(t, err, no)
	require.ErrorContains(t, err, "db")
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestRelayAdmitsAsAListenerDoes(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(faults(injector.FaultInjection{ConnectionErrorKind: injector.TCPClose, ConnectionErrorProbability: new(1.0)}))
	l := loopback(t)
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	accepted, err := l.Accept()
	require.NoError(t, err)
	dialed := false
	require.NoError(t, in.Relay(t.Context(), accepted, func(context.Context) (net.Conn, error) {
		dialed = true
		return nil, errors.New("never")
	}))
	require.False(t, dialed)
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestLayersHoldARelayUp(t *testing.T) {
	t.Parallel()
	in := injector.New()
	client, upstream, _ := relayed(t, t.Context(), in)
	require.NoError(t, exchangeWith(client, upstream))
	remove := in.Apply(slow(50 * time.Millisecond))
	start := time.Now()
	require.NoError(t, exchangeWith(client, upstream))
	require.GreaterOrEqual(t, time.Since(start), 50*time.Millisecond)
	remove()
	in.Apply(shaped(injector.TrafficShaping{PacketLossPercent: 100}))
	require.NoError(t, client.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	_, err := upstream.Write([]byte{1})
	require.NoError(t, err)
	_, err = client.Read(make([]byte, 1))
	require.Error(t, err, "a partition")
}

// Layers that come and go while the kernel carries the bytes lose none of them.
func TestLayersCatchPlainBytes(t *testing.T) {
	t.Parallel()
	in := injector.New()
	client, upstream, over := relayed(t, t.Context(), in)
	stop := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			remove := in.Apply(toxic(injector.Toxic{Type: injector.ToxicSlicer, Attributes: attributes{AverageSize: 1000}}))
			time.Sleep(time.Millisecond)
			remove()
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	data := make([]byte, 8<<20)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(data)
	sums := make(chan [sha256.Size]byte, 2)
	for _, ends := range [][2]*net.TCPConn{{client, upstream}, {upstream, client}} {
		go func() {
			_, _ = ends[0].Write(data) // what does not arrive is seen at the other end
			_ = ends[0].CloseWrite()
		}()
		go func() {
			h := sha256.New()
			_, _ = io.Copy(h, ends[1])
			sums <- [sha256.Size]byte(h.Sum(nil))
		}()
	}
	for range 2 {
		require.Equal(t, sha256.Sum256(data), <-sums)
	}
	require.NoError(t, <-over)
	close(stop)
	<-stopped
}

// An idle connection that the kernel carries meets a layer at once.
func TestALayerCatchesAnIdleConnection(t *testing.T) {
	t.Parallel()
	for range 200 { // the reader may be anywhere
		in := injector.New()
		client, upstream, over := relayed(t, t.Context(), in)
		require.NoError(t, exchangeWith(client, upstream))
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicLimitData, Stream: injector.Upstream, Attributes: attributes{Bytes: 3}}))
		_, err := io.WriteString(client, "hello")
		require.NoError(t, err)
		b, err := io.ReadAll(upstream)
		require.NoError(t, err)
		require.Equal(t, "hel", string(b))
		require.NoError(t, <-over)
	}
}
