package memnet_test

import (
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest/internal/memnet"
)

func TestDeadlines(t *testing.T) {
	t.Parallel()
	fill := func(c *memnet.Conn) error {
		_, err := c.Write(make([]byte, 65<<10))
		return err
	}
	receive := func(c *memnet.Conn) error {
		_, err := read(c)
		return err
	}
	long := time.Unix(1, 0)
	tests := []struct {
		name string
		why  string
		run  func(t *testing.T, c, s *memnet.Conn) error
		at   time.Duration
		want string // "" is no error
	}{
		{"read, past", "data that has arrived does not help", func(t *testing.T, c, s *memnet.Conn) error {
			write(t, s, "x")
			_ = c.SetReadDeadline(long)
			return receive(c)
		}, 0, "read"},
		{"write, past", "room does not help", func(t *testing.T, c, s *memnet.Conn) error {
			_ = c.SetWriteDeadline(long)
			_, err := c.Write([]byte("x"))
			return err
		}, 0, "write"},
		{"empty read, past", "as a TCPConn does", func(t *testing.T, c, s *memnet.Conn) error {
			_ = c.SetDeadline(long)
			_, err := c.Read(nil)
			return err
		}, 0, ""},
		{"empty write, past", "as a TCPConn does", func(t *testing.T, c, s *memnet.Conn) error {
			_ = c.SetDeadline(long)
			_, err := c.Write(nil)
			return err
		}, 0, "write"},
		{"read, future", "", func(t *testing.T, c, s *memnet.Conn) error {
			_ = c.SetDeadline(time.Now().Add(time.Second))
			return receive(c)
		}, time.Second, "read"},
		{"write, future", "", func(t *testing.T, c, s *memnet.Conn) error {
			_ = c.SetDeadline(time.Now().Add(time.Second))
			return fill(c)
		}, time.Second, "write"},
		{"expired while nobody waited", "", func(t *testing.T, c, s *memnet.Conn) error {
			write(t, s, "x")
			_ = c.SetDeadline(time.Now().Add(time.Second))
			time.Sleep(2 * time.Second)
			return receive(c)
		}, 2 * time.Second, "read"},
		{"the peer's deadline is its own", "", func(t *testing.T, c, s *memnet.Conn) error {
			_ = s.SetDeadline(long)
			write(t, c, "x")
			time.AfterFunc(time.Minute, func() { _ = s.SetDeadline(time.Time{}); _, _ = s.Write([]byte("y")) })
			return receive(c)
		}, time.Minute, ""},
		{"read deadline does not concern writes", "", func(t *testing.T, c, s *memnet.Conn) error {
			_ = c.SetReadDeadline(long)
			_, err := c.Write([]byte("x"))
			return err
		}, 0, ""},
		{"moved back while a read waits", "", func(t *testing.T, c, s *memnet.Conn) error {
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			time.AfterFunc(time.Second/2, func() { _ = c.SetReadDeadline(time.Now().Add(time.Minute)) })
			return receive(c)
		}, time.Minute + time.Second/2, "read"},
		{"moved forward while a read waits", "", func(t *testing.T, c, s *memnet.Conn) error {
			_ = c.SetReadDeadline(time.Now().Add(time.Hour))
			time.AfterFunc(time.Second, func() { _ = c.SetReadDeadline(long) })
			return receive(c)
		}, time.Second, "read"},
		{"set while a write waits", "", func(t *testing.T, c, s *memnet.Conn) error {
			time.AfterFunc(time.Second, func() { _ = c.SetWriteDeadline(time.Now().Add(time.Second)) })
			return fill(c)
		}, 2 * time.Second, "write"},
		{"removed while a read waits", "", func(t *testing.T, c, s *memnet.Conn) error {
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			time.AfterFunc(time.Second/2, func() { _ = c.SetReadDeadline(time.Time{}) })
			time.AfterFunc(time.Hour, func() { _, _ = s.Write([]byte("x")) })
			return receive(c)
		}, time.Hour, ""},
		{"removed after it expired", "", func(t *testing.T, c, s *memnet.Conn) error {
			_ = c.SetDeadline(long)
			require.Error(t, receive(c))
			_ = c.SetDeadline(time.Time{})
			write(t, s, "x")
			return receive(c)
		}, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, network *memnet.Network) {
				c, s := pair(t, network)
				defer closeAll(c, s)
				start := time.Now()
				err := tt.run(t, c, s)
				require.Equal(t, tt.at, time.Since(start), tt.why)
				if tt.want == "" {
					require.NoError(t, err, tt.why)
					return
				}
				require.EqualError(t, err, tt.want+" tcp 127.0.0.1:1: i/o timeout", tt.why)
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				var timeout net.Error
				require.ErrorAs(t, err, &timeout)
				require.True(t, timeout.Timeout())
			})
		})
	}
}

// TestDeadlineWinsItsInstant has data arrive at the very instant of the
// deadline, which runs on timers that synctest fires in random order.
func TestDeadlineWinsItsInstant(t *testing.T) {
	t.Parallel()
	for range 50 {
		inBubble(t, func(t *testing.T, network *memnet.Network) {
			c, s := pair(t, network)
			defer closeAll(c, s)
			require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Second)))
			time.AfterFunc(time.Second, func() { _, _ = s.Write([]byte("x")) })
			_, err := read(c)
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			synctest.Wait()
		})
	}
}

// TestDeadlinePartialWrite tells how much of a write went out before its time
// was up.
func TestDeadlinePartialWrite(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		c, s := pair(t, network)
		defer closeAll(c, s)
		require.NoError(t, c.SetWriteDeadline(time.Now().Add(time.Second)))
		n, err := c.Write(make([]byte, 100<<10))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 64<<10, n)
		require.NoError(t, c.SetWriteDeadline(time.Time{}))
		go func() {
			_, _ = c.Write([]byte("tail"))
			_ = c.CloseWrite()
		}()
		sum := 0
		for {
			got, err := read(s)
			sum += len(got)
			if err != nil {
				break
			}
		}
		require.Equal(t, 64<<10+4, sum, "a write that failed must not block the next one")
	})
}
