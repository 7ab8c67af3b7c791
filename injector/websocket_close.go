package injector

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// closeWait is how long an end may take to answer a close frame, and to accept
// the last bytes.
const closeWait = 5 * time.Second

// A farewell is a connection that chaos closes, from the decision on.
type farewell struct {
	timer   *time.Timer // nil: the far end has not been told yet
	expired bool
}

// wait gives the far end time for its close frame. s.mu is held.
func (f *farewell) wait(s *socket) {
	if f.timer == nil {
		f.timer = time.AfterFunc(closeWait, s.expire)
	}
}

// counted counts a message that came to its end, for the layers that close
// connections. s.mu is held.
func (l *socketLane) counted() {
	s := l.s
	set := s.target.set.Load()
	if set == nil || s.closing != nil || s.in.unfit() || s.out.unfit() {
		return
	}
	for _, b := range set.bindings {
		r := b.websocket
		if r == nil || r.closes == nil || b.off.Load() || !r.concerns(s.path) {
			continue
		}
		c := r.closes
		left, known := s.plans[c]
		if !known {
			left = c.messagesFor(c.seen.next())
		}
		left = max(left-1, -1)
		s.plans[c] = left
		if left != 0 {
			continue
		}
		if ordinal := c.count.next(); c.hits.hit(ordinal) {
			l.close(set, b, ordinal)
			return
		}
	}
}

// close ends the connection for a layer. s.mu is held.
func (l *socketLane) close(set *layerSet, b *binding, ordinal uint64) {
	s, c := l.s, b.websocket.closes
	code := c.codes[below(Mix(c.choice, ordinal), len(c.codes))]
	p := l.passage(set)
	p.hit(p.meet(b), c.hits, Decision{Kind: KindWebSocketClose, Ordinal: ordinal, Status: code})
	l.tell(p, outcome{fault: KindWebSocketClose, failed: true})
	p.connects()
	s.closing = &farewell{}
	s.hurry()
	for _, each := range []*socketLane{s.in, s.out} {
		frame := closeFrame(code, c.reason, each.up, Mix(c.mask, ordinal))
		if each.open {
			each.last = frame
			s.closing.wait(s) // for the end of the frame, too
			continue
		}
		each.goodbye(frame)
	}
}

// unfit reports whether a close frame has no place in the lane: it ends already,
// or it is not WebSocket. s.mu is held.
func (l *socketLane) unfit() bool {
	return l.over || l.parting || l.failed != nil || l.answer != nil || l.frames.alien
}

// goodbye sends a close frame after what is queued, and nothing else. s.mu is
// held.
func (l *socketLane) goodbye(frame []byte) {
	if l.over {
		return
	}
	l.last = nil
	l.put(&parcel{b: frame, whole: true})
	l.finish(io.EOF)
}

// expire ends a connection whose far end does not answer.
func (s *socket) expire() {
	s.mu.Lock()
	s.closing.expired = true
	s.in.finish(io.EOF)
	s.out.discard(io.EOF)
	s.mu.Unlock()
	_ = s.settle() // nobody waits for it
}

// reset breaks the connection, as the network would.
func (s *socket) reset() {
	s.mu.Lock()
	end := !s.ended
	s.ended = true
	s.in.fail(opError("read", os.NewSyscallError("read", syscall.ECONNRESET)))
	s.out.fail(opError("write", os.NewSyscallError("write", syscall.ECONNRESET)))
	s.mu.Unlock()
	if end {
		if c, ok := s.inner.(net.Conn); ok {
			reset(c)
		}
		_ = s.end() // it is gone either way
	}
}
