package injector_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// What the kernel carries when a connection is to be closed behind what is on its
// way is on its way: a receiver that reads late gets it.
func TestACloseWaitsForWhatTheKernelCarries(t *testing.T) {
	t.Parallel()
	in := injector.New()
	front, back := loopback(t), loopback(t)
	client, err := net.Dial("tcp", front.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	inside, err := front.Accept()
	require.NoError(t, err)
	filled := 0
	over := make(chan error, 1)
	go func() {
		over <- in.Relay(t.Context(), inside, func(ctx context.Context) (net.Conn, error) {
			c, err := dialer(back)(ctx)
			if err == nil {
				filled, err = fill(c)
			}
			return c, err
		})
	}()
	upstream, err := back.Accept()
	require.NoError(t, err)
	defer upstream.Close()
	const sent = "what is on its way"
	_, err = io.WriteString(client, sent)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return unread(t, inside) == 0 }, time.Minute, time.Millisecond, "the relay takes it")

	in.Apply(toxic(injector.Toxic{Type: injector.ToxicClose, Stream: injector.Upstream}))
	time.Sleep(20 * time.Millisecond) // for who does not wait
	require.NoError(t, upstream.SetReadDeadline(time.Now().Add(5*time.Minute)))
	got, err := io.ReadAll(upstream)
	require.NoError(t, err)
	require.NoError(t, <-over)
	require.Equal(t, strings.Repeat("x", 20)+sent, string(got[filled-20:]))
}

// fill writes until there is no room, with nobody who reads.
func fill(c net.Conn) (n int, err error) {
	block := []byte(strings.Repeat("x", 64<<10))
	for quiet := 0; quiet < 3; { // the kernel makes room where it can, for a while
		if err = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			return n, err
		}
		wrote, err := c.Write(block)
		n += wrote
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		quiet++
		if wrote > 0 {
			quiet = 0
		}
	}
	return n, c.SetWriteDeadline(time.Time{})
}

// unread is how many bytes have come that nobody has taken.
func unread(t *testing.T, c net.Conn) (n int32) {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCINQ, uintptr(unsafe.Pointer(&n)))
		require.Zero(t, errno)
	}))
	return n
}
