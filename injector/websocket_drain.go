package injector

import "time"

// drain writes to the far end what may leave, until there is nothing.
func (s *socket) drain() {
	defer s.leave()
	for {
		if s.rests() {
			_ = s.settle() // nobody waits for it
			return
		}
		b, err := s.out.next(maxQueued)
		if err == nil && len(b) > 0 {
			err = s.write(b)
		}
		if err != nil {
			s.mu.Lock()
			s.out.fail(err)
			s.mu.Unlock()
			_ = s.settle() // nobody waits for it
			return
		}
	}
}

// rests reports whether there is nothing left to write. Then the goroutine that
// does it ends.
func (s *socket) rests() bool {
	l := s.out
	s.mu.Lock()
	if len(l.queue) > 0 || len(l.urgent) > 0 || l.taken != nil {
		s.mu.Unlock()
		return false
	}
	l.busy = false
	if l.over && s.closing != nil {
		s.closing.wait(s)
	}
	half := l.half && !s.closed
	l.half = false
	s.mu.Unlock()
	if half {
		_ = s.closeWrite() // whoever asked for it was told that it can be done
	}
	return true
}

// write writes to the far end.
func (s *socket) write(b []byte) error {
	s.mu.Lock()
	s.writing = true
	s.hurry()
	s.mu.Unlock()
	_, err := s.inner.Write(b)
	s.mu.Lock()
	s.writing = false
	s.writes++
	s.mu.Unlock()
	return err
}

// hurry bounds how long the far end may take to accept the bytes that are being
// written, where the connection is to end. s.mu is held.
func (s *socket) hurry() {
	if !s.writing || !s.closed && s.closing == nil {
		return
	}
	if c, ok := s.inner.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = c.SetWriteDeadline(time.Now().Add(closeWait)) // a connection that is closed already needs none
		return
	}
	n := s.writes
	time.AfterFunc(closeWait, func() {
		s.mu.Lock()
		stuck := s.writing && s.writes == n
		s.mu.Unlock()
		if stuck {
			_ = s.inner.Close() // it is over: the write ends with an error
		}
	})
}
