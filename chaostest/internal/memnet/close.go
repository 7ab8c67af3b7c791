package memnet

import (
	"net"
	"os"
	"syscall"
	"time"
)

// Close ends this end of the connection. The peer reads what was written and
// then io.EOF; its writes fail with EPIPE. As on Linux, data that arrived here
// and was not read turns the close into a reset: the peer still reads what was
// written to it, and then gets ECONNRESET instead of io.EOF. So does every
// close after SetLinger(0).
//
// Reads and writes that wait at this end return [net.ErrClosed], and so does
// a second Close.
func (c *Conn) Close() error {
	l := c.link
	l.mu.Lock()
	if c.closed {
		l.mu.Unlock()
		return c.opError("close", net.ErrClosed)
	}
	c.closed = true
	c.in.readBy.stop()
	c.out.writeBy.stop()
	switch unread := c.in.buf.size > 0; {
	case l.reset:
	case c.linger == 0, unread:
		l.reset = true
	default:
		c.out.finished = true
	}
	c.in.buf.discard()
	c.in.wakeAll()
	c.out.wakeAll()
	c.peer.announceGone()
	last := c.peer.closed
	if last {
		c.out.buf.discard()
	}
	l.mu.Unlock()
	if last {
		l.network.forget(l)
	}
	return nil
}

// CloseWrite sends what TCP calls a FIN: the peer reads what was written and
// then io.EOF, and can still write.
func (c *Conn) CloseWrite() error {
	return c.shutdown(func() {
		c.out.finished = true
		c.out.wakeAll()
	})
}

// CloseRead makes reads at this end return io.EOF when nothing has arrived
// instead of waiting. The peer does not notice.
func (c *Conn) CloseRead() error {
	return c.shutdown(func() {
		c.in.shut = true
		c.in.wakeAll()
	})
}

func (c *Conn) shutdown(act func()) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	switch {
	case c.closed:
		return c.opError("close", net.ErrClosed)
	case c.link.reset:
		return c.opError("close", os.NewSyscallError("shutdown", syscall.ENOTCONN))
	}
	act()
	return nil
}

// SetLinger decides what Close does: with 0 it resets the connection: the
// peer still reads what had arrived, then its reads and writes fail with
// ECONNRESET. Any other number of seconds is an ordinary close. Default: -1.
func (c *Conn) SetLinger(sec int) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	c.linger = sec
	return nil
}

// Reset breaks the connection as a box in the middle of the network would:
// reads and writes at both ends fail with ECONNRESET at once, and what was not
// read is lost. Both ends must still be closed.
func (c *Conn) Reset() { c.link.abort() }

// PeerGone returns a channel that is closed once the peer has closed its end
// or the connection was reset. A half-close of the peer does not count, nor
// does closing this end.
func (c *Conn) PeerGone() <-chan struct{} {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.gone == nil {
		c.gone = make(chan struct{})
		if c.left {
			close(c.gone)
		}
	}
	return c.gone
}

// PeerLeft is the instant at which PeerGone's channel was closed, and false
// before that.
func (c *Conn) PeerLeft() (at time.Time, left bool) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	return c.leftAt, c.left
}

// announceGone tells this end that its peer has left, once. The caller holds
// the mutex.
func (c *Conn) announceGone() {
	if c.left {
		return
	}
	c.left, c.leftAt = true, time.Now()
	if c.gone != nil {
		close(c.gone)
	}
}
