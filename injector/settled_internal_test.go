package injector

import (
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// leftConn is a connection whose peer closed it at an instant.
type leftConn struct {
	net.Conn
	at time.Time
}

func (c leftConn) PeerLeft() (time.Time, bool) { return c.at, true }
func (leftConn) Read([]byte) (int, error)      { return 0, io.EOF }
func (leftConn) Write([]byte) (int, error)     { return 0, syscall.EPIPE }
func (leftConn) CloseWrite() error             { return syscall.ENOTCONN }

// Whether bytes come before a close of the same instant is up to the scheduler.
// They are what they are where they do: they can be written, and the close has
// become a reset.
func TestBytesThatCrossAClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &settled{Conn: leftConn{at: time.Now()}}
		n, err := s.Write([]byte("bytes"))
		require.NoError(t, err)
		require.Equal(t, 5, n)
		require.NoError(t, s.CloseWrite())
		_, err = s.Read(make([]byte, 1))
		require.Equal(t, syscall.ECONNRESET, err)
		time.Sleep(time.Nanosecond)
		_, err = s.Write([]byte("bytes"))
		require.Equal(t, syscall.ECONNRESET, err)
		require.Equal(t, syscall.ENOTCONN, s.CloseWrite())
	})
}

// The end is known once the instant is over.
func TestAnEndWaitsForWhatCrossesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &settled{Conn: leftConn{at: time.Now()}}
		read := make(chan error)
		go func() {
			_, err := s.Read(make([]byte, 1))
			read <- err
		}()
		synctest.Wait()
		_, err := s.Write([]byte("bytes"))
		require.NoError(t, err)
		require.Equal(t, syscall.ECONNRESET, <-read)
	})
}

func TestBytesBehindAClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &settled{Conn: leftConn{at: time.Now()}}
		time.Sleep(time.Nanosecond)
		_, err := s.Write([]byte("bytes"))
		require.Equal(t, syscall.EPIPE, err)
		_, err = s.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
	})
}
