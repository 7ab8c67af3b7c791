package assert

import (
	"math"
	"strings"
	"time"
)

// FormatDuration writes d the way that a person would: 800ms, 1.5s, 30s, 2m,
// 1m30s, 1h, 24h. It leaves out units that are zero and keeps nanoseconds, so
// that [time.ParseDuration] gives d back.
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if before, after, found := strings.Cut(s, "h0m"); found {
		s = before + "h" + after
	}
	return s
}

// offset writes an instant of the step: 0s, +3.51s.
func offset(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	return "+" + FormatDuration(d)
}

// readable rounds a real-time measurement to four digits, but never so far
// that it meets or crosses one of the values that it is compared with.
func readable(d time.Duration, others ...time.Duration) time.Duration {
	unit := time.Duration(1)
	for unit < math.MaxInt64/100000 && d/unit >= 10000 {
		unit *= 10
	}
	rounded := d.Round(unit)
	for _, o := range others {
		if (d < o) != (rounded < o) || (d > o) != (rounded > o) {
			return d
		}
	}
	return rounded
}

// gridded rounds an instant or a duration of virtual time to the 20 µs by which
// departures are moved there: what is below says nothing about the program.
func gridded(d time.Duration) time.Duration { return d.Round(requestAllowance) }

// tidy leaves out of a real-time instant or duration what says nothing, so as
// not to meet or cross the values that it is compared with. Virtual time is
// exact.
func tidy(r Results, d time.Duration, others ...time.Duration) time.Duration {
	if r.Virtual() {
		return d
	}
	return readable(d, others...)
}
