package injector

import (
	"errors"
	"net"
	"os"
	"time"
)

// plain lets the kernel carry the bytes while no layer is in force, where it
// can. It returns when one goes on, and true where the lane is over.
func (l *lane) plain() (over bool) {
	from, ok := l.relay.inside(l.from).(*net.TCPConn)
	to, ok2 := l.relay.inside(l.to).(*net.TCPConn)
	if !ok || !ok2 || l.unplain || !l.free(from) {
		return false
	}
	read, written := l.splice(from, to)
	l.caught()
	switch {
	case written != nil:
		l.relay.broke(written)
		l.leave()
	case read == errors.ErrUnsupported:
		l.unplain = true
		return false
	case errors.Is(read, os.ErrDeadlineExceeded):
		return l.relay.isOver()
	default:
		l.hand(piece{end: endOf(read), at: time.Now()})
	}
	return true
}

// inside is a connection without what the relay has put around it.
func (r *relay) inside(c net.Conn) net.Conn {
	if c == r.client {
		return r.client.Conn
	}
	return c
}

// free notes that the lane reads without the layers, where there are none.
func (l *lane) free(from *net.TCPConn) bool {
	r := l.relay
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.target.set.Load() != nil || r.over || l.held.Load() > 0 {
		return false
	}
	l.loose = from
	return true
}

// caught notes that it reads as others do again.
func (l *lane) caught() {
	r := l.relay
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		_ = l.loose.SetReadDeadline(time.Time{}) // a connection that broke says so when it is read
	}
	l.loose = nil
}

// catch ends a read without the layers. Once it returns, the lane takes nothing
// more without them, and nothing of what it took before is lost. r.mu is held.
func (l *lane) catch() {
	if l.loose != nil && l.relay.target.set.Load() != nil {
		_ = l.loose.SetReadDeadline(time.Unix(1, 0)) // a connection that broke ends it too
		l.grip.Lock()
		defer l.grip.Unlock()
	}
}

func (r *relay) isOver() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}
