package memnet

import "sync"

// stream is one direction of a connection. Its fields are guarded by the
// connection's mutex, which is also the lock of both conds.
type stream struct {
	buf      buffer
	finished bool // the writer sent FIN: EOF after what is buffered
	shut     bool // the reader shut its side: EOF when nothing is buffered
	busy     bool // a Write waits for room: others wait, so that bytes of two writes do not mix

	readable sync.Cond
	writable sync.Cond

	readBy  deadline
	writeBy deadline
}

func (s *stream) init(mu *sync.Mutex) {
	s.readable.L, s.writable.L = mu, mu
	s.readBy.waiters, s.writeBy.waiters = &s.readable, &s.writable
}

// take reads what is buffered into p. A waiting writer is woken only once half
// of the buffer is free, lest a reader of small pieces wake it for each.
func (s *stream) take(p []byte) int {
	n := s.buf.read(p)
	if s.buf.size <= bufferMax/2 {
		s.writable.Broadcast()
	}
	return n
}

// put buffers as much of p as there is room for.
func (s *stream) put(p []byte) int {
	n := s.buf.write(p)
	if n > 0 {
		s.readable.Broadcast()
	}
	return n
}

func (s *stream) wakeAll() {
	s.readable.Broadcast()
	s.writable.Broadcast()
}
