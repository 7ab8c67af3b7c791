package injector

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A settled connection reads, on virtual time, everything that arrives at one
// instant together. How much of it a plain Read gets depends on which goroutine
// comes first, and with it everything that is decided for chunks. And what is
// written at the instant at which the peer leaves was on its way before: else
// the same is true of whether it can be written.
type settled struct {
	net.Conn
	err     error       // what came with the last bytes
	crossed atomic.Bool // the peer left without having read what was written

	mu sync.Mutex
	by time.Time // the deadline of reads
}

// Read takes three or four nanoseconds from the first byte on, whatever it
// reads: so that its end is no accident either.
func (s *settled) Read(b []byte) (int, error) {
	n, err := 0, s.err
	if s.err = nil; err == nil {
		n, err = s.Conn.Read(b)
	}
	if n == 0 {
		return 0, s.ending(err)
	}
	if err != nil {
		return n, err
	}
	settle()
	until := time.Now().Add(2)
	s.limit(until)
	for n < len(b) && err == nil {
		var more int
		more, err = s.Conn.Read(b[n:])
		n += more
	}
	time.Sleep(time.Until(until))
	s.limit(time.Time{})
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		s.err = err
	}
	return n, nil
}

// settle waits until everything of this instant has been written. Odd instants
// are the gate's: nothing is written then.
func settle() { time.Sleep(time.Duration(1 + time.Now().UnixNano()&1)) }

// ending is how the stream has ended by the end of this instant.
func (s *settled) ending(err error) error {
	if err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
		return err
	}
	if settle(); s.crossed.Load() {
		return syscall.ECONNRESET
	}
	return err
}

func (s *settled) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	switch {
	case err == nil:
		return n, nil
	case s.leaves(err):
		s.crossed.Store(true)
		return len(b), nil
	case s.crossed.Load():
		return n, syscall.ECONNRESET
	}
	return n, err
}

// leaves reports whether something failed because the peer has left at this very
// instant.
func (s *settled) leaves(err error) bool {
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.ENOTCONN) {
		return false
	}
	c, ok := s.Conn.(interface{ PeerLeft() (time.Time, bool) })
	if !ok {
		return false
	}
	at, left := c.PeerLeft()
	return left && at.Equal(time.Now())
}

// limit sets a deadline besides the one that was asked for; the zero time is
// none.
func (s *settled) limit(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.IsZero() || !s.by.IsZero() && s.by.Before(t) {
		t = s.by
	}
	_ = s.Conn.SetReadDeadline(t) // a connection that broke says so when it is read
}

func (s *settled) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by = t
	return s.Conn.SetReadDeadline(t)
}

func (s *settled) SetDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by = t
	return s.Conn.SetDeadline(t)
}

// NetConn returns the connection inside.
func (s *settled) NetConn() net.Conn { return s.Conn }

// CloseWrite ends the sending side where the connection inside can.
func (s *settled) CloseWrite() error {
	err := closeWrite(s.Conn)
	if s.leaves(err) {
		return nil
	}
	return err
}
