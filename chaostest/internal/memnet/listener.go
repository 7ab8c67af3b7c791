package memnet

import (
	"net"
	"net/netip"
	"sync"
)

var _ net.Listener = (*Listener)(nil)

// backlog is how many connections wait at a listener to be accepted: Linux's
// default limit.
const backlog = 4096

// Listener accepts the connections that are dialled to its address. It is safe
// for concurrent use.
type Listener struct {
	network *Network
	at      netip.AddrPort
	addr    *net.TCPAddr

	// Guarded by the network's mutex.
	closed  bool
	queue   []*Conn
	waiting sync.Cond     // goroutines in Accept
	room    chan struct{} // closed when the queue is no longer full; nil if nobody waits
}

// Accept returns the next connection, in the order of dialling, and waits for
// it. Once the listener is closed it returns [net.ErrClosed].
func (l *Listener) Accept() (net.Conn, error) {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	for !l.closed && len(l.queue) == 0 {
		l.waiting.Wait()
	}
	if l.closed {
		return nil, l.opError("accept", net.ErrClosed)
	}
	c := l.queue[0]
	l.queue[0] = nil
	l.queue = l.queue[1:]
	l.makeRoom()
	return c, nil
}

// Close frees the address. Accept returns, connections that were not accepted
// are reset, and dials that wait for room are refused. Accepted connections go
// on. A second Close returns [net.ErrClosed].
func (l *Listener) Close() error {
	l.network.mu.Lock()
	if l.closed {
		l.network.mu.Unlock()
		return l.opError("close", net.ErrClosed)
	}
	l.closed = true
	delete(l.network.listeners, l.at)
	orphans := l.queue
	l.queue = nil
	l.waiting.Broadcast()
	l.makeRoom()
	l.network.mu.Unlock()

	for _, c := range orphans {
		_ = c.SetLinger(0)
		_ = c.Close() // nobody else has it, so it cannot be closed yet
	}
	return nil
}

// Addr returns the address that dials reach, a [*net.TCPAddr].
func (l *Listener) Addr() net.Addr { return l.addr }

// full returns nil if the queue has room, else a channel that is closed when
// that may have changed. The caller holds the network's mutex.
func (l *Listener) full() <-chan struct{} {
	if len(l.queue) < backlog {
		return nil
	}
	if l.room == nil {
		l.room = make(chan struct{})
	}
	return l.room
}

func (l *Listener) enqueue(c *Conn) {
	l.queue = append(l.queue, c)
	l.waiting.Signal()
}

func (l *Listener) makeRoom() {
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
}

func (l *Listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: l.addr, Err: err}
}
