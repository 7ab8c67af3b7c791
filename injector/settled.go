package injector

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// A settled connection reads, on virtual time, everything that arrives at one
// instant together. How much of it a plain Read gets depends on which goroutine
// comes first, and with it everything that is decided for chunks.
type settled struct {
	net.Conn
	err error // what came with the last bytes

	mu sync.Mutex
	by time.Time // the deadline of reads
}

// Read takes three or four nanoseconds from the first byte on, whatever it
// reads: so that its end is no accident either.
func (s *settled) Read(b []byte) (int, error) {
	if err := s.err; err != nil {
		s.err = nil
		return 0, err
	}
	n, err := s.Conn.Read(b)
	if n == 0 || err != nil {
		return n, err
	}
	// Once this sleep is over, everything of the instant has been written. Odd
	// instants are the gate's: nothing is written then.
	time.Sleep(time.Duration(1 + time.Now().UnixNano()&1))
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
func (s *settled) CloseWrite() error { return closeWrite(s.Conn) }
