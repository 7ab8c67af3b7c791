package injector

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A conn is an accepted connection behind the layers.
type conn struct {
	net.Conn
	listener *listener
	passage  *passage // of the connection; nil: nobody watches it
	closed   chan struct{}
	once     sync.Once
	answered atomic.Bool // a Write since the last Read: the next bytes start an exchange

	readMu  sync.Mutex
	in      flow
	pending []byte // read, but held back
	err     error  // what came with it

	writeMu sync.Mutex
	out     flow
}

func newConn(l *listener, c net.Conn, p *passage) *conn {
	out := &conn{Conn: c, listener: l, passage: p, closed: make(chan struct{})}
	out.in = flow{conn: out, up: true, deadline: newDeadline()}
	out.out = flow{conn: out, deadline: newDeadline()}
	out.in.pace.slot, out.out.pace.slot = p.extra(slotIn), p.extra(slotOut)
	out.answered.Store(true)
	return out
}

func (c *conn) Read(b []byte) (int, error) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	if len(b) == 0 {
		return c.Conn.Read(b)
	}
	if len(c.pending) == 0 {
		if c.err != nil {
			err := c.err
			c.err = nil
			return 0, err
		}
		set := c.listener.target.set.Load()
		n, err := c.Conn.Read(b[:set.chunk(len(b), true)])
		if n == 0 || c.listener.target.set.Load() == nil {
			return n, err
		}
		c.in.decide(n, c.answered.Swap(false))
		if len(c.in.holds) == 0 {
			return n, err
		}
		c.pending, c.err = append(c.pending[:0], b[:n]...), err
	}
	// What was read is kept: a deadline may pass now and be moved later.
	if err := c.in.wait(); err != nil {
		return 0, err
	}
	n := copy(b, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

func (c *conn) Write(b []byte) (int, error) {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	c.answered.Store(true)
	written := 0
	for {
		set := c.listener.target.set.Load()
		piece := b[written:]
		piece = piece[:set.chunk(len(piece), false)]
		if set != nil {
			c.out.decide(len(piece), written == 0)
			if err := c.out.wait(); err != nil {
				return written, err
			}
		}
		n, err := c.Conn.Write(piece)
		written += n
		if err != nil || written == len(b) {
			return written, err
		}
	}
}

// chunk is how many of n bytes may move at once.
func (s *layerSet) chunk(n int, up bool) int {
	if s == nil {
		return n
	}
	for _, b := range s.bindings {
		limit := b.down
		if up {
			limit = b.up
		}
		if limit != nil {
			n = min(n, limit.chunk())
		}
	}
	return n
}

func (c *conn) Close() error {
	err := c.Conn.Close()
	c.end(outcome{})
	return err
}

// end ends what waits, and tells how the connection ended; a relay tells of its
// own.
func (c *conn) end(o outcome) {
	c.once.Do(func() {
		close(c.closed)
		c.in.deadline.set(time.Time{})
		c.out.deadline.set(time.Time{})
		if p := c.passage; p != nil && c.listener.relay == nil {
			p.pace.sync()
			p.finish(o)
			p.depart()
		}
	})
}

// lost ends the connection as the network does that has lost too much.
func (c *conn) lost() {
	if r := c.listener.relay; r != nil {
		r.finish(howReset, KindPacketLoss)
		return
	}
	reset(c.Conn)
	_ = c.Conn.Close() // it is gone either way
	c.end(outcome{fault: KindPacketLoss, failed: true})
}

func (c *conn) SetDeadline(t time.Time) error {
	c.in.deadline.set(t)
	c.out.deadline.set(t)
	return c.Conn.SetDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.deadline.set(t)
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.deadline.set(t)
	return c.Conn.SetWriteDeadline(t)
}

// NetConn returns the connection inside, as tls.Conn does.
func (c *conn) NetConn() net.Conn { return c.Conn }

// CloseWrite ends the sending side where the connection inside can.
func (c *conn) CloseWrite() error {
	if inner, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return inner.CloseWrite()
	}
	return errors.ErrUnsupported
}

// CloseRead ends the receiving side where the connection inside can.
func (c *conn) CloseRead() error {
	if inner, ok := c.Conn.(interface{ CloseRead() error }); ok {
		return inner.CloseRead()
	}
	return errors.ErrUnsupported
}

// SetLinger is what net.TCPConn has.
func (c *conn) SetLinger(seconds int) error {
	if inner, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return inner.SetLinger(seconds)
	}
	return errors.ErrUnsupported
}

// PeerGone passes on what the connection inside knows, see ConnContextKey.
func (c *conn) PeerGone() <-chan struct{} {
	if inner, ok := c.Conn.(interface{ PeerGone() <-chan struct{} }); ok {
		return inner.PeerGone()
	}
	return nil
}
