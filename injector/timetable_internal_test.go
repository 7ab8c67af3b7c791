package injector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A ramp is at its beginning before it has begun, and at its end from then on: a
// request may be stamped a moment before the layer that it meets.
func TestShareOfARamp(t *testing.T) {
	t.Parallel()
	start := time.Unix(0, 0)
	ramp := newTimetable(&Schedule{Type: scheduleRamp, Start: new(0.5)}, start, 10*time.Second)
	for since, want := range map[time.Duration]float64{
		-time.Second: 0.5, 0: 0.5, 5 * time.Second: 0.75, 10*time.Second - 1: 0.99999999995, 10 * time.Second: 1, time.Hour: 1,
	} {
		share, in := ramp.admit(start.Add(since))
		require.True(t, in)
		require.InDelta(t, want, share, 1e-12, "%v", since)
	}
	window := newTimetable(&Schedule{Type: scheduleWindow, To: time.Second, Period: 2 * time.Second}, start, 0)
	for since, want := range map[time.Duration]bool{-1: true, 0: true, time.Second - 1: true, time.Second: false, 2*time.Second - 1: false, 2 * time.Second: true} {
		_, in := window.admit(start.Add(since))
		require.Equal(t, want, in, "%v", since)
	}
}
