package injector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A timer that is late costs a pipe nothing; an idle pipe gives nothing back.
func TestAPipeForgivesLateTimers(t *testing.T) {
	t.Parallel()
	p := &pipe{rate: 100_000_000}
	start := time.Now()
	require.Equal(t, start.Add(time.Millisecond), p.reserve(start, 100_000))
	require.Equal(t, start.Add(2*time.Millisecond), p.reserve(start.Add(15*time.Millisecond), 100_000))
	require.Equal(t, start.Add(time.Minute+time.Millisecond), p.reserve(start.Add(time.Minute), 100_000))
}
