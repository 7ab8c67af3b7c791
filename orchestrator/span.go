package orchestrator

import (
	"math"
	"time"

	"github.com/mockforge-go/mockforge/assert"
)

// A Span is when a step is in force: [Start, End), counted from the start of
// the iteration. The delay before the step lies before Start.
type Span struct{ Start, End time.Duration }

// Duration is the length of the span.
func (s Span) Duration() time.Duration { return s.End - s.Start }

// Timetable returns the span of every step, in the order of Steps, for one
// iteration in which every step runs.
func (o *Orchestration) Timetable() []Span {
	spans := make([]Span, len(o.Steps))
	var previous time.Duration
	for i, step := range o.Steps {
		start := step.DelayBefore
		if !o.Parallel {
			start = addDurations(previous, step.DelayBefore)
		}
		spans[i] = Span{Start: start, End: addDurations(start, o.StepDuration(i))}
		previous = spans[i].End
	}
	return spans
}

// IterationDuration is the length of one iteration, delays included.
func (o *Orchestration) IterationDuration() time.Duration {
	var end time.Duration
	for _, span := range o.Timetable() {
		end = max(end, span.End)
	}
	return end
}

// TotalDuration is the length of the whole run: that of all iterations. For an
// endless loop it is the length of one iteration, and endless is true.
// It never overflows: a run longer than 292 years counts as 292 years.
func (o *Orchestration) TotalDuration() (total time.Duration, endless bool) {
	one := o.IterationDuration()
	n := o.Iterations()
	if n == 0 {
		return one, true
	}
	if one != 0 && int64(n) > math.MaxInt64/int64(one) {
		return math.MaxInt64, false
	}
	return one * time.Duration(n), false
}

// addDurations adds two durations that are not negative, without overflow.
func addDurations(a, b time.Duration) time.Duration {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}

// FormatDuration writes d the way that a person would: 800ms, 30s, 2m, 1h30m.
func FormatDuration(d time.Duration) string { return assert.FormatDuration(d) }
