package assert

import (
	"fmt"
	"time"
)

// A Recovery is the instant from which the error rate is back at the reference
// until the step ends. The reference is what the caller gave to the Collector.
//
// With a reference of 0 it is the end of the last failed operation. Otherwise
// it is the earliest edge of a timeline bin after which no run of bins, of any
// length, is above the reference, and which no failing bin follows directly. A
// run is above when so many failures had a chance of less than one in a million
// at the reference (exact binomial): bins hold few operations, and one unlucky
// failure must not undo a recovery. Either way an operation must have succeeded
// after it.
type Recovery struct{}

// Recovers is about when the error rate returned to the reference.
func Recovers() Recovery { return Recovery{} }

// Within claims a recovery at d from the step's start or before. It panics
// when d is negative.
func (Recovery) Within(d time.Duration) Expectation {
	if d < 0 {
		panic(fmt.Sprintf("assert: recovers within %v", d))
	}
	return recoveryClaim{d}
}

// RecoveredAt is the instant from which the error rate stayed at the Reference,
// see [Recovery]; false when it did not return to it, or nothing was operated.
func (r Results) RecoveredAt() (time.Duration, bool) {
	t := r.tally()
	switch {
	case t.operations == t.failed:
		return 0, false
	case t.failed == 0:
		return 0, true
	case r.Reference() > 0:
		return r.recoveredTo(r.Reference())
	}
	proven := t.lastSuccess > t.lastFailure || t.lastStart >= t.lastFailure
	return t.lastFailure, proven
}

const aboveReference = 1e-6

func (r Results) recoveredTo(reference float64) (time.Duration, bool) {
	bins := r.t.timeline.bins
	edge := len(bins)
	for edge > 0 && !runAbove(bins[edge-1:], reference) {
		edge--
	}
	// The last failures of an outage are too few to be a run of their own.
	for i := edge; i < len(bins) && exceeds(bins[i], reference); i++ {
		if bins[i].operations > 0 {
			edge = i + 1
		}
	}
	succeeded := 0
	for _, b := range bins[edge:] {
		succeeded += b.operations - b.failed
	}
	return time.Duration(edge) * r.t.timeline.width, succeeded > 0
}

// exceeds reports whether a bin's own rate is above the reference; one without
// operations does not speak against it.
func exceeds(b timelineBin, reference float64) bool {
	return b.operations == 0 || float64(b.failed) > reference*float64(b.operations)
}

// runAbove reports whether the bins begin with a run that is above the
// reference.
func runAbove(bins []timelineBin, reference float64) bool {
	failed, n := 0, 0
	for _, b := range bins {
		failed, n = failed+b.failed, n+b.operations
		if b.failed > 0 && float64(failed) > reference*float64(n) && binomialAtLeast(failed, n, reference) < aboveReference {
			return true
		}
	}
	return false
}

type recoveryClaim struct{ within time.Duration }

func (c recoveryClaim) String() string { return "recovers within " + FormatDuration(c.within) }

func (c recoveryClaim) Check(r Results) Verdict {
	v := Verdict{Subject: "recovery", Want: "within " + FormatDuration(c.within)}
	if r.Operations() == 0 {
		return v.unknown("operation", noOperations)
	}
	at, recovered := r.RecoveredAt()
	switch {
	case !recovered:
		v.Status, v.Got = Fail, "not by the end, "+offset(gridded(tidy(r, r.end)))
	case at > c.within+allowance(r):
		v.Status, v.Got = Fail, fmt.Sprintf("at %s (%s late)", offset(gridded(tidy(r, at, c.within))), FormatDuration(gridded(tidy(r, at-c.within))))
	default:
		v.Got = "at " + offset(gridded(tidy(r, at, c.within)))
	}
	if r.Reference() > 0 {
		v.Want += " to " + percentNear(r.Reference())
	}
	if v.Status == Fail {
		v.Detail = c.evidence(r)
	}
	return v
}

func (c recoveryClaim) evidence(r Results) []string {
	return evidence(whenErrors(r), statesLine(r), firstLine(r), injectedLine(r))
}

func (c recoveryClaim) on(side Side) (Expectation, error) { return clientOnly(c, "recovers", side) }

func (c recoveryClaim) describe() []Subject { return []Subject{{Text: "recovers", NeedsLoad: true}} }
