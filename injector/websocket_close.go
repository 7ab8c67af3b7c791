package injector

import (
	"io"
	"maps"
	"net"
	"os"
	"slices"
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
	if set == nil || l.quiet || s.closing != nil || s.in.unfit() || s.out.unfit() {
		return
	}
	s.forget(set)
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
		p := l.passage(set)
		if ordinal, code, hit := p.closes(p.meet(b)); hit {
			l.close(p, c, ordinal, code)
			return
		}
	}
}

// forget drops the plans of layers that are gone: those do not come back, however
// long the connection lasts. One that rests does. s.mu is held.
func (s *socket) forget(set *layerSet) {
	if len(s.plans) <= len(set.bindings) || len(set.bindings) == 0 {
		return
	}
	maps.DeleteFunc(s.plans, func(c *closeRule, _ int) bool {
		return !slices.ContainsFunc(set.bindings, func(b *binding) bool { return b.websocket != nil && b.websocket.closes == c })
	})
}

// closes draws for a connection that takes part, and tells with which code it is
// closed.
func (p *passage) closes(s *stay) (ordinal uint64, code int, hit bool) {
	c := s.websocket.closes
	ordinal = c.count.next()
	p.noteAsked(s, ruleClose)
	if !c.hits.hit(ordinal) {
		return ordinal, 0, false
	}
	code = c.codes[below(Mix(c.choice, ordinal), len(c.codes))]
	p.hit(s, c.hits, Decision{Kind: KindWebSocketClose, Ordinal: ordinal, Status: code})
	return ordinal, code, true
}

// close ends the connection for a layer. s.mu is held.
func (l *socketLane) close(p *passage, c *closeRule, ordinal uint64, code int) {
	s := l.s
	l.tell(p, outcome{fault: KindWebSocketClose, failed: true})
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
