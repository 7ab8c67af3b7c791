package injector_test

import (
	"context"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// What ends a connection does not wait for an upstream that nobody can reach: the
// client sees it at its instant, and the dial ends with it.
func TestToxicsEndAConnectionDuringItsDial(t *testing.T) {
	t.Parallel()
	const begins, late = 2 * time.Second, 500 * time.Millisecond
	for _, c := range []struct {
		injector.Toxic
		want error
	}{
		{injector.Toxic{Type: injector.ToxicReset}, syscall.ECONNRESET},
		{injector.Toxic{Type: injector.ToxicReset, Attributes: attributes{Timeout: late}}, syscall.ECONNRESET},
		{injector.Toxic{Type: injector.ToxicTimeout, Attributes: attributes{Timeout: late}}, io.EOF},
		{injector.Toxic{Type: injector.ToxicClose, Attributes: attributes{Timeout: late}}, io.EOF},
		{injector.Toxic{Type: injector.ToxicClose, Stream: injector.Upstream}, io.EOF},
		{injector.Toxic{Type: injector.ToxicDown}, io.EOF},
	} {
		for name, left := range map[string]bool{"the layer stays": false, "the layer goes": true} {
			t.Run(string(c.Type)+" "+string(c.Stream)+" "+c.Attributes.Timeout.String()+", "+name, func(t *testing.T) {
				t.Parallel()
				seen := &events{}
				synctest.Test(t, func(t *testing.T) {
					in := injector.New(injector.WithObserver(seen))
					in.Apply(injector.Layer{Name: "standing", Config: injector.Config{TCP: &injector.TCP{Toxics: []injector.Toxic{{Type: injector.ToxicSlicer, Attributes: attributes{AverageSize: 9}}}}}})
					start := time.Now()
					client, front := newWire(1)
					over := make(chan error, 1)
					go func() {
						over <- in.Relay(t.Context(), front, func(ctx context.Context) (net.Conn, error) {
							<-ctx.Done()
							return nil, ctx.Err()
						})
					}()
					says(t, client, "hello") // nobody reads it: an end that forgets it would be a reset
					time.Sleep(begins)
					remove := in.Apply(toxic(c.Toxic))
					if left {
						time.AfterFunc(c.Attributes.Timeout+time.Millisecond, remove)
					}
					_, err := client.Read(make([]byte, 1))
					require.ErrorIs(t, err, c.want)
					near(t, start, begins+c.Attributes.Timeout)
					require.NoError(t, <-over)
				})
				last := seen.outcomes[len(seen.outcomes)-1]
				require.True(t, last.Failed)
				require.Contains(t, last.Fault, "tcp_")
			})
		}
	}
}

// A dial that succeeds all the same leaves no connection behind.
func TestAnUpstreamThatComesTooLateIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicReset, Attributes: attributes{Timeout: time.Second}}))
		client, front := newWire(1)
		back, upstream := newWire(1)
		over := make(chan error, 1)
		go func() {
			over <- in.Relay(t.Context(), front, func(context.Context) (net.Conn, error) {
				time.Sleep(time.Minute)
				return back, nil
			})
		}()
		start := time.Now()
		_, err := client.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		near(t, start, time.Second)
		_, err = upstream.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, <-over)
	})
}

// What ends the connection where the dial has just ended, ends it.
func TestALayerThatGoesWithTheDial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		client, front := newWire(1)
		back, upstream := newWire(1)
		over := make(chan error, 1)
		go func() {
			over <- in.Relay(t.Context(), front, func(context.Context) (net.Conn, error) {
				time.Sleep(time.Second)
				remove := in.Apply(toxic(injector.Toxic{Type: injector.ToxicDown}))
				time.Sleep(1)
				remove()
				return back, nil
			})
		}()
		_, err := client.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		_, err = upstream.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, <-over)
	})
}

// Layers come and go while upstreams are dialed.
func TestLayersComeAndGoWithDials(t *testing.T) {
	t.Parallel()
	in := injector.New()
	back := loopback(t)
	go func() {
		for {
			c, err := back.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	var all sync.WaitGroup
	done := make(chan struct{})
	all.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				in.Apply(toxic(injector.Toxic{Type: injector.ToxicLatency}))()
			}
		}
	})
	for range 200 {
		client, front := net.Pipe()
		over := make(chan error, 1)
		go func() { over <- in.Relay(t.Context(), front, dialer(back)) }()
		_, err := client.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, client.Close())
		require.NoError(t, <-over)
	}
	close(done)
	all.Wait()
}
