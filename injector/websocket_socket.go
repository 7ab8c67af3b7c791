package injector

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

// A socket is a WebSocket connection behind the layers. Its near end is who
// calls it: the upstream's handler, or on the client's side the client. The far
// end is behind the connection inside.
//
// It owns up to three goroutines: one reads from the far end for as long as the
// connection inside is open, one writes to it while there is something to
// write, and in virtual time one takes the turns of what was read.
type socket struct {
	inner   io.ReadWriteCloser
	engine  *engine
	target  *target
	passage *passage // of the handshake; nil: nobody watches it
	ctx     context.Context

	path     string // of the handshake
	endpoint string
	request  string // its X-Request-Id
	number   int64  // it orders connections in virtual time

	in, out *socketLane // from and to the far end

	done chan struct{} // closed by Close
	gone chan struct{} // closed with the connection inside

	mu      sync.Mutex
	alien   bool               // the handshake's answer was another
	plans   map[*closeRule]int // messages until the connection takes part; 0: it did
	closing *farewell          // nil: chaos does not close it
	closed  bool               // by the near end
	ended   bool               // the connection inside is closed, or about to be
	farOver bool               // nothing more comes from the far end, or nothing that matters
	writing bool               // to the far end
	writes  int                // that ended
	users   int                // of the slots
}

// newSocket puts a connection whose handshake was made behind the layers. first
// was read from the far end already. Its caller starts it.
func newSocket(e *engine, t *target, p *passage, r *http.Request, inner io.ReadWriteCloser, up bool) *socket {
	s := &socket{
		inner: inner, engine: e, target: t, passage: p, ctx: r.Context(),
		path: r.URL.Path, endpoint: endpoint(r), request: r.Header.Get("X-Request-Id"),
		done: make(chan struct{}), gone: make(chan struct{}), plans: map[*closeRule]int{},
	}
	s.in = newSocketLane(s, up, s.done)
	s.out = newSocketLane(s, !up, s.gone)
	if speaksGraphQL(r) {
		subs := map[string]operation{}
		for _, l := range []*socketLane{s.in, s.out} {
			l.frames.to = &graphqlMessages{lane: l, subs: subs}
		}
	}
	if p == nil {
		return s
	}
	s.number = p.n
	if p.slot != nil {
		// This is an instant of the request's own: nobody else takes slots now.
		s.in.pace.slot, s.out.pace.slot = e.sequencer.Slot(), e.sequencer.Slot()
	}
	return s
}

// start begins to read from the far end, after what was read before.
func (s *socket) start(first []byte) {
	s.enter()
	go s.read(first)
}

// read takes what comes from the far end. It ends with the connection inside.
func (s *socket) read(first []byte) {
	defer s.leave()
	b := make([]byte, maxQueued)
	for {
		room, err := s.in.room(s.gone, nil)
		if err != nil {
			return
		}
		n := copy(b[:room], first)
		first = first[n:]
		if n == 0 {
			n, err = s.inner.Read(b[:room])
		}
		s.in.arrive(b[:n], err)
		if err != nil {
			return
		}
	}
}

// Read is for the near end.
func (s *socket) Read(b []byte) (int, error) {
	s.in.calls.lock()
	defer s.in.calls.unlock()
	if len(b) == 0 {
		return 0, nil
	}
	s.enter()
	defer s.leave()
	out, err := s.in.next(len(b))
	return copy(b, out), err
}

// Write is for the near end. It returns once everything is on its way.
func (s *socket) Write(b []byte) (int, error) {
	s.out.calls.lock()
	defer s.out.calls.unlock()
	for written := 0; ; {
		if err := s.refuses(); err != nil || written == len(b) {
			return written, err
		}
		room, err := s.out.room(s.done, s.out.deadline)
		if err != nil {
			return written, err
		}
		n := min(room, len(b)-written)
		s.out.decide(b[written : written+n])
		written += n
	}
}

// refuses is why nothing can be written any more. Where chaos closes the
// connection, what is written is lost instead.
func (s *socket) refuses() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return opError("write", net.ErrClosed)
	case s.out.failed != nil:
		return s.out.failed
	case s.ended, s.out.over && s.closing == nil:
		return errBroken()
	}
	return nil
}

// errBroken is what writing to a connection that is over gets.
func errBroken() error { return opError("write", os.NewSyscallError("write", syscall.EPIPE)) }

// opError has no addresses: a client's port depends on who came first.
func opError(op string, err error) error { return &net.OpError{Op: op, Net: "tcp", Err: err} }

// Close is for the near end. What is on its way to the far end still gets
// there, and the connection inside is closed then.
func (s *socket) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return opError("close", net.ErrClosed)
	}
	s.closed = true
	close(s.done)
	s.in.discard(io.EOF)
	s.out.leftOver()
	s.out.finish(io.EOF)
	s.hurry()
	s.mu.Unlock()
	s.in.deadline.set(time.Time{})
	s.out.deadline.set(time.Time{})
	return s.settle()
}

// settle closes the connection inside once nobody needs it any more.
func (s *socket) settle() error {
	s.mu.Lock()
	end := !s.ended && s.settled()
	s.ended = s.ended || end
	s.mu.Unlock()
	if !end {
		return nil
	}
	return s.end()
}

// settled reports whether everything is said. s.mu is held.
func (s *socket) settled() bool {
	switch {
	case s.closing == nil && !s.closed:
		return false
	case s.out.failed != nil, s.closing != nil && s.closing.expired:
		return true
	case s.out.busy || s.out.size > 0 || !s.out.over:
		return false
	case s.closing != nil:
		return s.farOver
	}
	return true
}

// end closes the connection inside. Its caller has set s.ended.
func (s *socket) end() error {
	err := s.inner.Close()
	close(s.gone)
	s.mu.Lock()
	if s.closing != nil && s.closing.timer != nil {
		s.closing.timer.Stop()
	}
	s.release()
	s.mu.Unlock()
	return err
}

// enter and leave stand around what uses the slots.
func (s *socket) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users++
}

func (s *socket) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users--
	s.release()
}

// release gives the slots back after the last use. s.mu is held.
func (s *socket) release() {
	if s.users > 0 || !s.ended || !s.closed {
		return
	}
	for _, l := range []*socketLane{s.in, s.out} {
		if l.pace.slot != nil {
			l.pace.slot.Release()
			l.pace.slot = nil
		}
	}
}
