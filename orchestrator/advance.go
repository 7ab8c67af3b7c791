package orchestrator

import "time"

// Now is the instant of the run's timetable: that of package time, ahead of it
// by what was advanced.
func (s *ActiveStep) Now() time.Time { return s.run.schedule.now() }

// Elapsed is how long the step has been in force, advanced time included.
func (s *ActiveStep) Elapsed() time.Duration { return s.Now().Sub(s.start) }

// Remaining is how long the step will still be in force: 0 after its end, and
// for a step without a planned length.
func (s *ActiveStep) Remaining() time.Duration { return max(0, s.due.Sub(s.Now())) }

// Advance moves the run's timetable on by d at once, in real time: d counts as
// time that has passed, though nothing happened in it. It stops at the step's
// end, and returns when the step is over; in sequence, what is left of d then
// shortens the delay before the next step. Steps in parallel start and end on
// the way as the timetable says.
//
// Injected delays, breakers' time-outs and whatever else waits by package time
// are not touched. Advance does nothing once the step is over, where d is not
// positive, and in virtual time, where letting time pass costs nothing.
func (s *ActiveStep) Advance(d time.Duration) {
	if d <= 0 || s.run.opts.Virtual || s.over() {
		return
	}
	clock := s.run.schedule
	if s.duration == 0 {
		clock.advance(s.ctx, s.Now().Add(d))
		return
	}
	left := s.due.Sub(s.Now())
	if d < left {
		clock.advance(s.ctx, s.Now().Add(d))
		return
	}
	if !s.run.o.Parallel {
		clock.keep(d - left)
	}
	clock.advance(s.ctx, s.due)
	<-s.ctx.Done()
}
