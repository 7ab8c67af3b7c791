package memnet_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest/internal/memnet"
)

// TestEndings is the table of how connections end: what the server does to a
// connection on which it has written "abcd" and the client "zz", and what the
// client then sees.
func TestEndings(t *testing.T) {
	t.Parallel()
	const (
		route = "tcp 127.0.0.1:1: "
		pipe  = "write " + route + "write: broken pipe"
		wrst  = "write " + route + "write: connection reset by peer"
		rrst  = "read " + route + "read: connection reset by peer"
	)
	drained := func(t *testing.T, s *memnet.Conn) {
		got, err := read(s)
		require.NoError(t, err)
		require.Equal(t, "zz", got)
	}
	tests := []struct {
		name string
		why  string
		do   func(t *testing.T, s *memnet.Conn)
		data string // what the client still reads
		read string
		then string // what its writes give
	}{
		{
			name: "close", do: func(t *testing.T, s *memnet.Conn) { drained(t, s); require.NoError(t, s.Close()) },
			data: "abcd", read: "EOF", then: pipe,
		},
		{
			name: "close with unread data", why: "Linux answers unread data with RST, and delivers what had arrived",
			do:   func(t *testing.T, s *memnet.Conn) { require.NoError(t, s.Close()) },
			data: "abcd", read: rrst, then: wrst,
		},
		{
			name: "half-close", do: func(t *testing.T, s *memnet.Conn) { require.NoError(t, s.CloseWrite()) },
			data: "abcd", read: "EOF", then: "<nil>",
		},
		{
			name: "half-close, then close with unread data", why: "the stream had ended before the reset",
			do: func(t *testing.T, s *memnet.Conn) {
				require.NoError(t, s.CloseWrite())
				require.NoError(t, s.Close())
			},
			data: "abcd", read: "EOF", then: wrst,
		},
		{
			name: "linger 0", do: func(t *testing.T, s *memnet.Conn) {
				require.NoError(t, s.SetLinger(0))
				require.NoError(t, s.Close())
			},
			data: "abcd", read: rrst, then: wrst,
		},
		{
			name: "half-close, then linger 0", why: "the stream had ended before the reset",
			do: func(t *testing.T, s *memnet.Conn) {
				require.NoError(t, s.CloseWrite())
				require.NoError(t, s.SetLinger(0))
				require.NoError(t, s.Close())
			},
			data: "abcd", read: "EOF", then: wrst,
		},
		{
			name: "linger 5", do: func(t *testing.T, s *memnet.Conn) {
				drained(t, s)
				require.NoError(t, s.SetLinger(5))
				require.NoError(t, s.Close())
			},
			data: "abcd", read: "EOF", then: pipe,
		},
		{
			name: "reset", do: func(_ *testing.T, s *memnet.Conn) { s.Reset() },
			read: rrst, then: wrst,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, network *memnet.Network) {
				c, s := pair(t, network)
				defer closeAll(c, s)
				write(t, c, "zz")
				write(t, s, "abcd")
				tt.do(t, s)
				if tt.data != "" {
					got, err := read(c)
					require.NoError(t, err)
					require.Equal(t, tt.data, got, tt.why)
				}
				for range 2 {
					_, err := read(c)
					require.EqualError(t, err, tt.read, tt.why)
					_, err = c.Write([]byte("x"))
					require.Equal(t, tt.then, fmt.Sprint(err), tt.why)
				}
			})
		})
	}
}

// TestEndingsWakeWaiters does the same to a client that waits in Read, and
// whose Write waits for room.
func TestEndingsWakeWaiters(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		do          func(c, s *memnet.Conn)
		read, write error
	}{
		{"peer closes, with unread data", func(_, s *memnet.Conn) { closeAll(s) }, syscall.ECONNRESET, syscall.ECONNRESET},
		{"own close", func(c, _ *memnet.Conn) { closeAll(c) }, net.ErrClosed, net.ErrClosed},
		{"reset", func(_, s *memnet.Conn) { s.Reset() }, syscall.ECONNRESET, syscall.ECONNRESET},
		{"half-closes", func(c, s *memnet.Conn) { _, _ = s.CloseWrite(), c.CloseWrite() }, io.EOF, syscall.EPIPE},
		{"shut for reading", func(c, _ *memnet.Conn) { _, _ = c.CloseRead(), c.SetWriteDeadline(time.Unix(1, 0)) }, io.EOF, os.ErrDeadlineExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, network *memnet.Network) {
				c, s := pair(t, network)
				defer closeAll(c, s)
				var readErr, writeErr error
				var n int
				var both sync.WaitGroup
				both.Go(func() { _, readErr = read(c) })
				both.Go(func() { n, writeErr = c.Write(make([]byte, 100<<10)) })
				synctest.Wait()
				tt.do(c, s)
				both.Wait()
				require.ErrorIs(t, readErr, tt.read)
				require.ErrorIs(t, writeErr, tt.write)
				require.Equal(t, 64<<10, n, "what was buffered counts as written")
			})
		})
	}
}

func TestHalfCloseLeavesTheOtherDirection(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		c, s := pair(t, network)
		defer closeAll(c, s)
		write(t, c, "question")
		require.NoError(t, c.CloseWrite())
		require.NoError(t, c.CloseWrite(), "twice is harmless, as on Linux")
		_, err := c.Write([]byte("more"))
		require.ErrorIs(t, err, syscall.EPIPE)
		got, err := io.ReadAll(s)
		require.NoError(t, err)
		require.Equal(t, "question", string(got))
		write(t, s, "answer")
		closeAll(s)
		got, err = io.ReadAll(c)
		require.NoError(t, err)
		require.Equal(t, "answer", string(got))
	})
}

func TestCloseReadDrainsThenEnds(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		c, s := pair(t, network)
		defer closeAll(c, s)
		write(t, s, "ab")
		require.NoError(t, c.CloseRead())
		got, err := io.ReadAll(c)
		require.NoError(t, err)
		require.Equal(t, "ab", string(got))
		write(t, s, "the peer does not notice")
	})
}

func TestErrorsAfterClose(t *testing.T) {
	t.Parallel()
	const closed = "use of closed network connection"
	tests := []struct {
		name string
		do   func(c *memnet.Conn) error
		want string
	}{
		{"close", (*memnet.Conn).Close, "close tcp 127.0.0.1:1: " + closed},
		{"half-close", (*memnet.Conn).CloseWrite, "close tcp 127.0.0.1:1: " + closed},
		{"shut", (*memnet.Conn).CloseRead, "close tcp 127.0.0.1:1: " + closed},
		{"deadline", func(c *memnet.Conn) error { return c.SetDeadline(time.Now()) }, "set tcp 127.0.0.1:1: " + closed},
		{"linger", func(c *memnet.Conn) error { return c.SetLinger(0) }, "set tcp 127.0.0.1:1: " + closed},
		{"empty read", func(c *memnet.Conn) error { _, err := c.Read(nil); return err }, "read tcp 127.0.0.1:1: " + closed},
		{"empty write", func(c *memnet.Conn) error { _, err := c.Write(nil); return err }, "write tcp 127.0.0.1:1: " + closed},
	}
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		c, s := pair(t, network)
		closeAll(c, s)
		for _, tt := range tests {
			err := tt.do(c)
			require.EqualError(t, err, tt.want, tt.name)
			require.ErrorIs(t, err, net.ErrClosed, tt.name)
		}
	})
}

func TestHalfCloseAfterAReset(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		c, s := pair(t, network)
		defer closeAll(c, s)
		s.Reset()
		require.EqualError(t, c.CloseWrite(), "close tcp 127.0.0.1:1: shutdown: transport endpoint is not connected")
	})
}

func TestAddressesAndOptions(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		c, s := pair(t, network)
		defer closeAll(c, s)
		require.IsType(t, &net.TCPAddr{}, c.LocalAddr())
		require.Equal(t, "127.0.0.1:40001", c.LocalAddr().String())
		require.Equal(t, "127.0.0.1:1", c.RemoteAddr().String())
		require.Equal(t, c.LocalAddr(), s.RemoteAddr())
		require.Equal(t, c.RemoteAddr(), s.LocalAddr())
		require.NoError(t, errors.Join(c.SetNoDelay(true), c.SetKeepAlive(true), c.SetKeepAlivePeriod(time.Second)))
	})
}

func TestBackPressure(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		c, s := pair(t, network)
		defer closeAll(c, s)
		start := time.Now()
		done := make(chan time.Duration, 1)
		go func() {
			_, _ = c.Write(make([]byte, 64<<10))
			done <- time.Since(start)
			_, _ = c.Write(make([]byte, 1))
			done <- time.Since(start)
		}()
		time.Sleep(time.Hour)
		_, err := io.ReadFull(s, make([]byte, 64<<10))
		require.NoError(t, err)
		require.Equal(t, time.Duration(0), <-done, "64 KiB fit without a reader")
		require.Equal(t, time.Hour, <-done, "one byte more waits for it")
	})
}

// TestBothDirectionsAtOnce moves 64 MiB each way in pieces of odd sizes.
func TestBothDirectionsAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		c, s := pair(t, network)
		defer closeAll(c, s)
		const total = 64 << 20
		var all sync.WaitGroup
		var sent, got [2][]byte
		for i, end := range []*memnet.Conn{c, s} {
			all.Go(func() {
				random, hash := rand.New(rand.NewPCG(1, uint64(i))), sha256.New()
				block := make([]byte, 200<<10)
				for j := range block {
					block[j] = byte(random.Uint32())
				}
				for left := total; left > 0; {
					piece := block[:min(left, 1+random.IntN(len(block)))]
					hash.Write(piece)
					if _, err := end.Write(piece); err != nil {
						return
					}
					left -= len(piece)
				}
				_ = end.CloseWrite()
				sent[i] = hash.Sum(nil)
			})
			all.Go(func() {
				random, hash := rand.New(rand.NewPCG(2, uint64(i))), sha256.New()
				block := make([]byte, 100<<10)
				for {
					n, err := end.Read(block[:1+random.IntN(len(block))])
					hash.Write(block[:n])
					if err != nil {
						got[1-i] = hash.Sum(nil)
						return
					}
				}
			})
		}
		all.Wait()
		require.NotNil(t, sent[0])
		require.NotEqual(t, sent[0], sent[1])
		require.Equal(t, sent, got)
	})
}

func TestConcurrentWritesDoNotMix(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		c, s := pair(t, network)
		defer closeAll(c, s)
		const size, writers = 150 << 10, 8 // more than a buffer holds
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() { _, _ = c.Write(bytes.Repeat([]byte{byte('a' + i)}, size)) })
		}
		go func() {
			all.Wait()
			_ = c.CloseWrite()
		}()
		got, err := io.ReadAll(s)
		require.NoError(t, err)
		require.Len(t, got, writers*size)
		for i := range writers {
			message := got[i*size : (i+1)*size]
			require.Equal(t, size, bytes.Count(message, message[:1]), "message %d is of one piece", i)
		}
	})
}

// TestWaitingWritesFollowEachOther has a second write wait for the first, and
// go on when that one is done, without a further read.
func TestWaitingWritesFollowEachOther(t *testing.T) {
	t.Parallel()
	for range 20 {
		inBubble(t, func(t *testing.T, network *memnet.Network) {
			c, s := pair(t, network)
			defer closeAll(c, s)
			var all sync.WaitGroup
			for _, size := range []int{70 << 10, 1 << 10} {
				all.Go(func() { _, _ = c.Write(make([]byte, size)) })
				synctest.Wait()
			}
			_, err := io.ReadFull(s, make([]byte, 64<<10))
			require.NoError(t, err)
			all.Wait() // else: deadlock
		})
	}
}

func TestConcurrentReadsShareTheData(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, network *memnet.Network) {
		c, s := pair(t, network)
		defer closeAll(c, s)
		var all sync.WaitGroup
		counts := make([]int, 8)
		for i := range counts {
			all.Go(func() {
				p := make([]byte, 1000)
				for {
					n, err := s.Read(p)
					counts[i] += n
					if err != nil {
						return
					}
				}
			})
		}
		for range 100 {
			write(t, c, string(make([]byte, 10_001)))
		}
		require.NoError(t, c.CloseWrite())
		all.Wait()
		sum := 0
		for _, n := range counts {
			sum += n
		}
		require.Equal(t, 1_000_100, sum)
	})
}

// TestRacyClose closes both ends under readers, writers and deadlines. It is
// for the race detector, and fails by never ending too.
func TestRacyClose(t *testing.T) {
	t.Parallel()
	for range 50 {
		inBubble(t, func(t *testing.T, network *memnet.Network) {
			c, s := pair(t, network)
			var all sync.WaitGroup
			for _, end := range []*memnet.Conn{c, s} {
				all.Go(func() { _, _ = io.Copy(io.Discard, end) })
				all.Go(func() {
					for {
						if _, err := end.Write(make([]byte, 10_000)); err != nil {
							return
						}
					}
				})
				all.Go(func() {
					for range 10 {
						_ = end.SetDeadline(time.Now().Add(time.Hour))
					}
				})
				all.Go(func() { <-end.PeerGone() })
				all.Go(func() { _ = end.Close() })
				all.Go(func() { _ = end.Close() })
			}
			all.Wait()
		})
	}
}

func TestPeerGone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		do   func(c, s *memnet.Conn)
		want bool
	}{
		{"nothing", func(_, _ *memnet.Conn) {}, false},
		{"peer half-closes", func(_, s *memnet.Conn) { _ = s.CloseWrite() }, false},
		{"own close", func(c, _ *memnet.Conn) { _ = c.Close() }, false},
		{"peer closes", func(_, s *memnet.Conn) { _ = s.Close() }, true},
		{"peer closes after a reset", func(_, s *memnet.Conn) { s.Reset(); _ = s.Close() }, true},
		{"peer resets", func(_, s *memnet.Conn) { s.Reset() }, true},
		{"own reset", func(c, _ *memnet.Conn) { c.Reset() }, true},
	}
	gone := func(c *memnet.Conn) bool {
		select {
		case <-c.PeerGone():
			return true
		default:
			return false
		}
	}
	for _, asked := range []bool{false, true} {
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s, asked before %v", tt.name, asked), func(t *testing.T) {
				t.Parallel()
				inBubble(t, func(t *testing.T, network *memnet.Network) {
					c, s := pair(t, network)
					defer closeAll(c, s)
					if asked {
						require.False(t, gone(c))
					}
					tt.do(c, s)
					require.Equal(t, tt.want, gone(c))
					then := time.Now()
					time.Sleep(time.Second)
					at, left := c.PeerLeft()
					require.Equal(t, tt.want, left)
					if left {
						require.Equal(t, then, at)
					}
				})
			})
		}
	}
}
