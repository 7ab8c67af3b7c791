package memnet_test

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest/internal/memnet"
)

func TestDialErrors(t *testing.T) {
	t.Parallel()
	ended := func(with func(context.Context) (context.Context, context.CancelFunc)) context.Context {
		ctx, cancel := with(context.Background())
		cancel()
		return ctx
	}
	canceled := ended(context.WithCancel)
	late := func() context.Context {
		ctx, cancel := context.WithTimeout(context.Background(), -1)
		defer cancel()
		return ctx
	}()
	tests := []struct {
		ctx           context.Context
		network, addr string
		want          string
		is            error
	}{
		{nil, "tcp", "127.0.0.1:9", "dial tcp 127.0.0.1:9: connect: connection refused", syscall.ECONNREFUSED},
		{nil, "tcp4", "localhost:9", "dial tcp4 127.0.0.1:9: connect: connection refused", syscall.ECONNREFUSED},
		{nil, "tcp6", "[::1]:9", "dial tcp6 [::1]:9: connect: connection refused", syscall.ECONNREFUSED},
		{canceled, "tcp", "127.0.0.1:1", "dial tcp 127.0.0.1:1: operation was canceled", context.Canceled},
		{late, "tcp", "127.0.0.1:1", "dial tcp 127.0.0.1:1: i/o timeout", context.DeadlineExceeded},
		{nil, "udp", "127.0.0.1:1", "dial udp: unknown network udp", net.UnknownNetworkError("udp")},
		{nil, "tcp", "127.0.0.1", "dial tcp: address 127.0.0.1: missing port in address", nil},
		{nil, "tcp", "127.0.0.1:99999", "dial tcp: address 99999: invalid port", nil},
		{nil, "tcp6", "127.0.0.1:1", "dial tcp6: address 127.0.0.1: no suitable address found", nil},
		{nil, "tcp4", "[::1]:1", "dial tcp4: address ::1: no suitable address found", nil},
	}
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		listen(t, network, "127.0.0.1:1")
		for _, tt := range tests {
			if tt.ctx == nil {
				tt.ctx = context.Background()
			}
			c, err := network.DialContext(tt.ctx, tt.network, tt.addr)
			require.Nil(t, c)
			require.EqualError(t, err, tt.want)
			var op *net.OpError
			require.ErrorAs(t, err, &op)
			require.Equal(t, tt.is == context.DeadlineExceeded, op.Timeout(), tt.want)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
		}
	})
}

func TestDialReachesAListenerByAllItsNames(t *testing.T) {
	t.Parallel()
	tests := []struct{ listen, dial, client string }{
		{"127.0.0.1:80", "localhost:80", "127.0.0.1:40001"},
		{"localhost:80", "127.0.0.1:80", "127.0.0.1:40001"},
		{":80", "127.0.0.1:80", "127.0.0.1:40001"},
		{"0.0.0.0:80", "LOCALHOST:80", "127.0.0.1:40001"},
		{"payments:443", "Payments.:443", "127.0.0.1:40001"},
		{"[::1]:80", "[::1]:80", "[::1]:40001"},
		{"10.1.2.3:80", "[::ffff:10.1.2.3]:80", "127.0.0.1:40001"},
	}
	for _, tt := range tests {
		t.Run(tt.listen+" "+tt.dial, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, network *memnet.Network) {
				l := listen(t, network, tt.listen)
				c := dial(t, network, tt.dial)
				require.Equal(t, l.Addr(), c.RemoteAddr())
				require.Equal(t, tt.client, c.LocalAddr().String())
				closeAll(c, accept(t, l))
				c = dial(t, network, l.Addr().String())
				closeAll(c, accept(t, l))
			})
		})
	}
}

func TestOnDial(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		l := listen(t, network, "web:80")
		full := errors.New("too many connections")
		var asked []string
		refusal := error(syscall.ECONNREFUSED)
		network.OnDial(func(addr string) error {
			asked = append(asked, addr)
			return refusal
		})
		_, err := network.DialContext(t.Context(), "tcp", "web:80")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		refusal = full
		_, err = network.DialContext(t.Context(), "tcp", "127.0.0.1:9")
		require.ErrorIs(t, err, full)
		require.EqualError(t, err, "dial tcp 127.0.0.1:9: connect: too many connections")
		refusal = nil
		closeAll(dial(t, network, "web:80"), accept(t, l))
		require.Equal(t, []string{"web:80", "127.0.0.1:9", "web:80"}, asked)
		network.OnDial(nil)
		closeAll(dial(t, network, "web:80"), accept(t, l))
		require.Len(t, asked, 3)
	})
}

func TestHold(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		why  string
		do   func(network *memnet.Network, release func(), cancel func())
		at   time.Duration
		is   error
	}{
		{"released", "", func(_ *memnet.Network, release, _ func()) {
			time.Sleep(time.Minute)
			release()
			release()
		}, time.Minute, nil},
		{"held twice", "both must be released", func(network *memnet.Network, release, _ func()) {
			second := network.Hold("web:80")
			time.Sleep(time.Minute)
			release()
			time.Sleep(time.Minute)
			second()
		}, 2 * time.Minute, nil},
		{"canceled", "", func(_ *memnet.Network, _, cancel func()) {
			time.Sleep(time.Minute)
			cancel()
		}, time.Minute, context.Canceled},
		{"timed out", "", func(*memnet.Network, func(), func()) {}, time.Hour, context.DeadlineExceeded},
		{"network closed", "", func(network *memnet.Network, _, _ func()) {
			time.Sleep(time.Minute)
			network.Close()
		}, time.Minute, syscall.ECONNREFUSED},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, network *memnet.Network) {
				listen(t, network, "web:80")
				listen(t, network, "other:80")
				release := network.Hold("web:80")
				defer release()
				closeAll(dial(t, network, "other:80"))
				ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
				defer cancel()
				start := time.Now()
				go tt.do(network, release, cancel)
				c, err := network.DialContext(ctx, "tcp", "web:80")
				require.Equal(t, tt.at, time.Since(start), tt.why)
				if tt.is != nil {
					require.ErrorIs(t, err, tt.is)
				} else {
					require.NoError(t, err)
					closeAll(c)
				}
			})
		})
	}
}

func TestHoldRefusesAMalformedAddress(t *testing.T) {
	t.Parallel()
	require.PanicsWithValue(t, "memnet: Hold: address web: missing port in address", func() { memnet.New().Hold("web") })
}

func TestClientPortsCountInDialOrderAndComeRound(t *testing.T) {
	t.Parallel()
	network := memnet.New()
	defer network.Close()
	l := listen(t, network, "127.0.0.1:1")
	kept := dial(t, network, "127.0.0.1:1")
	keptServer := accept(t, l)
	for port := 40002; port <= 65535; port++ {
		c := dial(t, network, "127.0.0.1:1")
		require.Equal(t, port, c.LocalAddr().(*net.TCPAddr).Port)
		closeAll(c, accept(t, l))
	}
	c := dial(t, network, "127.0.0.1:1")
	require.Equal(t, "127.0.0.1:40002", c.LocalAddr().String(), "40001 is in use")
	require.Equal(t, []string{"127.0.0.1:40001 → 127.0.0.1:1", "127.0.0.1:40002 → 127.0.0.1:1"}, network.Open())
	closeAll(c, kept, keptServer, accept(t, l))
	require.Empty(t, network.Open())
}

func TestNetworkClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		l := listen(t, network, "web:80")
		var conns []net.Conn
		ends := make(chan error)
		for range 20 {
			c := dial(t, network, "web:80")
			conns = append(conns, c, accept(t, l))
			go func() {
				_, err := read(c)
				ends <- err
			}()
		}
		accepts := make(chan error)
		go func() {
			_, err := l.Accept()
			accepts <- err
		}()
		synctest.Wait()
		network.Close()
		network.Close()
		for range 20 {
			require.ErrorIs(t, <-ends, syscall.ECONNRESET)
		}
		require.ErrorIs(t, <-accepts, net.ErrClosed)
		_, err := network.Listen("web:80")
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = network.DialContext(t.Context(), "tcp", "web:80")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.Len(t, network.Open(), 20, "their owners have not closed them")
		require.IsIncreasing(t, network.Open())
		closeAll(conns...)
		require.Empty(t, network.Open())
	})
}
