package orchestrator

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A schedule is the clock of a run's timetable: that of package time, ahead of
// it by what was advanced by hand. Instants that a run keeps are the schedule's,
// so that advanced time counts as time that passed; latencies, graces and the
// pace of load are real. It is safe for concurrent use.
//
// Marks are the instants at which steps start or end. The clock is not advanced
// beyond a mark before what is due there was done.
type schedule struct {
	ahead atomic.Int64 // nanoseconds

	mu      sync.Mutex
	marks   []time.Time
	rest    time.Duration // advanced beyond the end of a step
	changed chan struct{} // closed by the next change; nil: nobody waits. Who waits makes it: it belongs to their virtual time.
}

func (s *schedule) now() time.Time { return s.at(time.Now()) }

// at is the schedule's instant of a recent one of package time.
func (s *schedule) at(t time.Time) time.Time { return t.Add(time.Duration(s.ahead.Load())) }

// plain is the instant of package time at which the schedule reaches t, unless
// it is advanced before.
func (s *schedule) plain(t time.Time) time.Time { return t.Add(-time.Duration(s.ahead.Load())) }

// sleepUntil reports whether t was reached before ctx ended.
func (s *schedule) sleepUntil(ctx context.Context, t time.Time) bool {
	for {
		changed := s.nextChange()
		left := t.Sub(s.now())
		if left <= 0 {
			return ctx.Err() == nil
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
			return true
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-changed:
			timer.Stop()
		}
	}
}

func (s *schedule) nextChange() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

// tell wakes who waits for a change. s.mu is held.
func (s *schedule) tell() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

func (s *schedule) mark(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marks = append(s.marks, t)
}

// unmark says that what was due at t was done. A t that is no mark is ignored.
func (s *schedule) unmark(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.marks, t); i >= 0 {
		s.marks = slices.Delete(s.marks, i, i+1)
		s.tell()
	}
}

// advance moves the clock to t, mark by mark, unless ctx ends before.
func (s *schedule) advance(ctx context.Context, t time.Time) {
	for {
		changed := s.nextChange()
		if arrived, blocked := s.hop(t); arrived {
			return
		} else if !blocked {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// hop moves the clock to t or to the next mark. It is blocked while something
// is still to be done at a mark.
func (s *schedule) hop(t time.Time) (arrived, blocked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	left := t.Sub(now)
	by := left
	if len(s.marks) > 0 {
		by = min(by, slices.MinFunc(s.marks, time.Time.Compare).Sub(now))
	}
	s.move(by)
	return left <= 0 || by == left, by <= 0
}

// keep lets d shorten the next delay.
func (s *schedule) keep(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = d
}

// spend moves the clock on by what was kept, at most to t.
func (s *schedule) spend(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.move(min(s.rest, t.Sub(s.now())))
	s.rest = 0
}

// move is where the clock jumps. s.mu is held.
func (s *schedule) move(by time.Duration) {
	if by > 0 {
		s.ahead.Add(int64(by))
		s.tell()
	}
}
