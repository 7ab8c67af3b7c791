package memnet_test

import (
	"context"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest/internal/memnet"
)

func TestListenErrors(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		l := listen(t, network, "127.0.0.1:1")
		_, err := network.Listen("localhost:1")
		require.EqualError(t, err, "listen tcp 127.0.0.1:1: bind: address already in use")
		require.ErrorIs(t, err, syscall.EADDRINUSE)
		_, err = network.Listen("nope")
		require.EqualError(t, err, "listen tcp: address nope: missing port in address")
		require.NoError(t, l.Close())
		require.EqualError(t, l.Close(), "close tcp 127.0.0.1:1: use of closed network connection")
		_, err = l.Accept()
		require.EqualError(t, err, "accept tcp 127.0.0.1:1: use of closed network connection")
		listen(t, network, "127.0.0.1:1") // is free again
	})
}

func TestListenPortZero(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		require.Equal(t, "127.0.0.1:30001", listen(t, network, "127.0.0.1:0").Addr().String())
		second := listen(t, network, ":0")
		require.Equal(t, "127.0.0.1:30002", second.Addr().String())
		require.NoError(t, second.Close())
		require.Equal(t, "127.0.0.1:30002", listen(t, network, "localhost:0").Addr().String())
	})
}

func TestAcceptInDialOrder(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		l := listen(t, network, "web:80")
		var clients []*memnet.Conn
		for range 5 {
			clients = append(clients, dial(t, network, "web:80")) // nobody accepts yet
		}
		write(t, clients[2], "early") // nor need they, to be written to
		for _, c := range clients {
			s := accept(t, l)
			require.Equal(t, c.LocalAddr(), s.RemoteAddr())
			closeAll(c, s)
		}
	})
}

func TestListenerClose(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		l := listen(t, network, "web:80")
		accepted := dial(t, network, "web:80")
		server := accept(t, l)
		errs := make(chan error, 1)
		go func() {
			_, err := l.Accept()
			errs <- err
		}()
		synctest.Wait()
		require.NoError(t, l.Close())
		require.ErrorIs(t, <-errs, net.ErrClosed)
		_, err := network.DialContext(t.Context(), "tcp", "web:80")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		write(t, accepted, "goes on")
		got, err := read(server)
		require.NoError(t, err)
		require.Equal(t, "goes on", got)
		closeAll(accepted, server)
	})
}

func TestListenerCloseResetsWhatWasNotAccepted(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		l := listen(t, network, "web:80")
		c := dial(t, network, "web:80")
		defer closeAll(c)
		require.NoError(t, l.Close())
		_, err := read(c)
		require.ErrorIs(t, err, syscall.ECONNRESET)
	})
}

func TestFullBacklog(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		do   func(t *testing.T, l *memnet.Listener)
		at   time.Duration
		is   error
	}{
		{"room is made", func(t *testing.T, l *memnet.Listener) { closeAll(accept(t, l)) }, time.Minute, nil},
		{"listener closed", func(_ *testing.T, l *memnet.Listener) { _ = l.Close() }, time.Minute, syscall.ECONNREFUSED},
		{"timed out", func(*testing.T, *memnet.Listener) {}, time.Hour, context.DeadlineExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, network *memnet.Network) {
				l := listen(t, network, "web:80")
				for range 4096 {
					closeAll(dial(t, network, "web:80"))
				}
				ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
				defer cancel()
				start := time.Now()
				time.AfterFunc(time.Minute, func() { tt.do(t, l) })
				c, err := network.DialContext(ctx, "tcp", "web:80")
				require.Equal(t, tt.at, time.Since(start))
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
