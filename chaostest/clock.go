package chaostest

import (
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// A Clock is the virtual time of a step. Package time tells the same time;
// Clock adds where the step stands. It is safe for concurrent use.
type Clock struct{ step *orchestrator.ActiveStep }

// Now is the virtual time.
func (c Clock) Now() time.Time { return time.Now() }

// Elapsed is how long the step has been in force.
func (c Clock) Elapsed() time.Duration { return time.Since(c.step.Start()) }

// Remaining is how long the step will still be in force; 0 after its end, and
// for a step without a planned length.
func (c Clock) Remaining() time.Duration {
	return max(0, time.Until(c.step.Start().Add(c.step.Duration())))
}

// Advance lets d pass, or less where the step ends before. A d that is not
// positive does nothing.
func (c Clock) Advance(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.step.Context().Done():
	}
}
