package injector

import "time"

// The types of a Schedule.
const (
	scheduleFirst  = "first"
	scheduleEvery  = "every"
	scheduleWindow = "window"
	scheduleRamp   = "ramp"
)

// A timetable is a Schedule in force. A nil timetable lets everything in.
type timetable struct {
	Schedule
	start    time.Time     // of the layer
	duration time.Duration // of the step; 0: unknown
	seen     counter       // requests of the rule, in the schedule or not
}

// newTimetable returns nil where there is no schedule, or one that makes no
// sense.
func newTimetable(s *Schedule, start time.Time, duration time.Duration) *timetable {
	if s == nil {
		return nil
	}
	switch s.Type {
	case scheduleFirst, scheduleEvery:
		if s.Count < 1 {
			return nil
		}
	case scheduleWindow:
		if s.From < 0 || s.Period < 0 || s.To != 0 && s.To <= s.From || s.Period > 0 && max(s.From+1, s.To) > s.Period {
			return nil
		}
	case scheduleRamp:
	default:
		return nil
	}
	return &timetable{Schedule: *s, start: start, duration: duration}
}

// admit reports whether the next request is in the schedule, and then which
// share of each probability holds for it. It is called once a request.
func (t *timetable) admit(now time.Time) (share float64, in bool) {
	if t == nil {
		return 1, true
	}
	switch t.Type {
	case scheduleFirst:
		return 1, t.seen.next() < uint64(t.Count)
	case scheduleEvery:
		return 1, t.seen.next()%uint64(t.Count) == 0
	case scheduleWindow:
		return 1, t.open(max(now.Sub(t.start), 0))
	}
	return t.share(max(now.Sub(t.start), 0)), true
}

// open reports whether the window is open so long after the layer's start.
func (t *timetable) open(since time.Duration) bool {
	if t.Period > 0 {
		since %= t.Period
	}
	return since >= t.From && (t.To == 0 || since < t.To)
}

// share is that of a ramp, so long after the layer's start.
func (t *timetable) share(since time.Duration) float64 {
	from, to := clamp(or(t.Start, 0), 0, 1), clamp(or(t.End, 1), 0, 1)
	if t.duration <= 0 || since >= t.duration {
		return to
	}
	// The conversion keeps machines that fuse the two operations from rounding
	// differently.
	return from + float64((to-from)*(float64(since)/float64(t.duration)))
}

// clocked reports whether the instant of a request counts.
func (t *timetable) clocked() bool {
	return t != nil && (t.Type == scheduleWindow || t.Type == scheduleRamp)
}

// ramps reports whether probabilities are scaled.
func (t *timetable) ramps() bool { return t != nil && t.Type == scheduleRamp }
