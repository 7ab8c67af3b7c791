package chaostest

import (
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// A Clock says where a step stands on the timetable. In virtual time package
// time tells the same time. With RealTime it is ahead of package time by what
// was advanced. It is safe for concurrent use.
type Clock struct {
	step *orchestrator.ActiveStep
	hand bool // the timetable is moved on by hand
}

// Now is the instant of the timetable.
func (c Clock) Now() time.Time { return c.step.Now() }

// Elapsed is how long the step has been in force, advanced time included.
func (c Clock) Elapsed() time.Duration { return c.step.Elapsed() }

// Remaining is how long the step will still be in force; 0 after its end, and
// for a step without a planned length.
func (c Clock) Remaining() time.Duration { return c.step.Remaining() }

// Advance lets d pass, or less where the step ends before. A d that is not
// positive does nothing.
//
// With RealTime it does not wait. The timetable moves on by d at once: d counts
// as elapsed for the step, for the operations that follow and for expectations,
// though nothing happened in it. In sequence, what is left of d at the step's
// end shortens the delay before the next step. Timers of the code under test,
// injected delays and the pace of Load and Every stay real.
func (c Clock) Advance(d time.Duration) {
	if d <= 0 {
		return
	}
	if c.hand {
		c.step.Advance(d)
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.step.Context().Done():
	}
}
