package memnet

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

var _ net.Conn = (*Conn)(nil)

// Conn is one end of a connection. It has the methods of a [net.TCPConn] that
// programs look for, and its errors are the [net.OpError]s that a TCPConn
// gives, without the address of the client. It is safe for concurrent use;
// concurrent writes do not mix.
type Conn struct {
	link          *link
	peer          *Conn
	in, out       *stream
	local, remote *net.TCPAddr

	// Guarded by the link's mutex.
	closed bool
	linger int
	left   bool          // the peer closed or reset
	leftAt time.Time     // when it did
	gone   chan struct{} // closed when left; nil until somebody asks
}

// Read reads what the peer has written, waiting for the first byte. It ends
// with io.EOF after a half-close or close of the peer, and with ECONNRESET
// after a reset.
func (c *Conn) Read(p []byte) (int, error) {
	c.link.mu.Lock()
	n, err := c.read(p)
	c.link.mu.Unlock()
	if err != nil && err != io.EOF {
		err = c.opError("read", err)
	}
	return n, err
}

func (c *Conn) read(p []byte) (int, error) {
	s := c.in
	for {
		switch {
		case c.closed:
			return 0, net.ErrClosed
		case len(p) == 0:
			return 0, nil
		case s.readBy.expired():
			return 0, os.ErrDeadlineExceeded
		case s.buf.size > 0:
			return s.take(p), nil
		case s.finished, s.shut:
			return 0, io.EOF
		case c.link.reset:
			return 0, os.NewSyscallError("read", syscall.ECONNRESET)
		}
		s.readable.Wait()
	}
}

// Write hands p to the peer. It returns once all of p is buffered, which waits
// while more than 64 KiB would lie unread. It fails with EPIPE when the peer
// has closed or this end was closed for writing, and with ECONNRESET after a
// reset; the count says what had been buffered by then.
func (c *Conn) Write(p []byte) (int, error) {
	c.link.mu.Lock()
	n, err := c.write(p)
	c.link.mu.Unlock()
	if err != nil {
		err = c.opError("write", err)
	}
	return n, err
}

func (c *Conn) write(p []byte) (n int, err error) {
	s := c.out
	mine := false // whether s.busy was set by this call
	for {
		if err = c.writable(); err != nil {
			break
		}
		if mine || !s.busy {
			n += s.put(p[n:])
			if n == len(p) {
				break
			}
			s.busy, mine = true, true
		}
		s.writable.Wait()
	}
	if mine {
		s.busy = false
		s.writable.Broadcast()
	}
	return n, err
}

func (c *Conn) writable() error {
	switch {
	case c.closed:
		return net.ErrClosed
	case c.out.writeBy.expired():
		return os.ErrDeadlineExceeded
	case c.link.reset:
		return os.NewSyscallError("write", syscall.ECONNRESET)
	case c.out.finished, c.peer.closed:
		return os.NewSyscallError("write", syscall.EPIPE)
	}
	return nil
}

// LocalAddr returns this end's address, a [*net.TCPAddr].
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the other end's address, a [*net.TCPAddr].
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets the deadlines of reads and writes. The zero time means
// none, which is the default.
func (c *Conn) SetDeadline(t time.Time) error { return c.setDeadlines(t, true, true) }

// SetReadDeadline sets the instant from which reads fail with a time-out, even
// where there is something to read. The zero time means none.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(t, true, false) }

// SetWriteDeadline sets the instant from which writes fail with a time-out,
// even where there is room. The zero time means none.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(t, false, true) }

func (c *Conn) setDeadlines(t time.Time, read, write bool) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	if read {
		c.in.readBy.set(t)
	}
	if write {
		c.out.writeBy.set(t)
	}
	return nil
}

// SetNoDelay does nothing: bytes are never held back.
func (c *Conn) SetNoDelay(bool) error { return nil }

// SetKeepAlive does nothing: the peer cannot vanish silently.
func (c *Conn) SetKeepAlive(bool) error { return nil }

// SetKeepAlivePeriod does nothing: the peer cannot vanish silently.
func (c *Conn) SetKeepAlivePeriod(time.Duration) error { return nil }

// opError leaves out the client's address: its port depends on who of several
// dials at one instant came first, and errors must read the same in every run.
func (c *Conn) opError(op string, err error) error {
	e := &net.OpError{Op: op, Net: "tcp", Err: err}
	if c == &c.link.client {
		e.Addr = c.remote
	} else {
		e.Source = c.local
	}
	return e
}
