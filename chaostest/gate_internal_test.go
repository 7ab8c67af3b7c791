package chaostest

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Arrivals one nanosecond apart are admitted in that order in every run, on
// whatever nanosecond they come: the gate admits only what came strictly
// before it fires.
func TestGateAdmitsByInstantThenKey(t *testing.T) {
	tests := []struct {
		name     string
		arrivals map[string]time.Duration
		want     string
	}{
		{"instants decide", map[string]time.Duration{"b": 1000, "a": 1001}, "b a"},
		{"odd and even", map[string]time.Duration{"d": 999, "c": 1000, "b": 1001, "a": 1002}, "d c b a"},
		{"keys decide at one instant", map[string]time.Duration{"c": 1000, "a": 1000, "b": 1000}, "a b c"},
		{"instants come first", map[string]time.Duration{"c": 1000, "a": 1002, "b": 1000}, "b c a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 100 {
				synctest.Test(t, func(t *testing.T) {
					var fired atomic.Uint64
					g := newGate(1, &fired)
					start := time.Now()
					var order []string // appended to by decide only, which never overlaps
					var wg sync.WaitGroup
					for key, at := range tt.arrivals {
						wg.Go(func() {
							time.Sleep(at)
							err := g.Turn(t.Context(), func() string { return key }, func(stamp time.Time) {
								order = append(order, key)
								require.Equal(t, at, stamp.Sub(start))
								require.EqualValues(t, 1, time.Now().UnixNano()&1, "admissions are at odd nanoseconds")
							})
							require.NoError(t, err)
						})
					}
					wg.Wait()
					require.Equal(t, tt.want, strings.Join(order, " "))
				})
			}
		})
	}
}

func TestGateGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fired atomic.Uint64
		g := newGate(1, &fired)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := g.Turn(ctx, func() string { return "" }, func(time.Time) { t.Error("decided after its context ended") })
		require.ErrorIs(t, err, context.Canceled)
		time.Sleep(time.Second)
	})
}

func TestSlotInstantsNeverMeet(t *testing.T) {
	t.Parallel()
	s := newSlots(7)
	base := time.Date(2026, 1, 1, 0, 0, 0, 12345, time.UTC)
	seen := map[int64]int{}
	for i := range slotCount {
		sl := s.take()
		after, before := sl.After(base), sl.Before(base)
		require.False(t, after.Before(base))
		require.Less(t, after.Sub(base), grid)
		require.True(t, before.Before(base))
		require.LessOrEqual(t, base.Sub(before), grid)
		require.EqualValues(t, 0, after.UnixNano()&1, "departures are at even nanoseconds")
		require.Equal(t, after, sl.After(after), "an instant of the slot is its own next one")
		if other, ok := seen[after.UnixNano()]; ok {
			t.Fatalf("slots %d and %d share an instant", other, i)
		}
		seen[after.UnixNano()] = i
	}
}

func TestSlotsBeyondTheGridStillDiffer(t *testing.T) {
	t.Parallel()
	s := newSlots(7)
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var held []interface{ After(time.Time) time.Time }
	for range slotCount + 500 {
		held = append(held, s.take())
	}
	seen := map[int64]bool{}
	for _, sl := range held {
		at := sl.After(base).UnixNano()
		require.False(t, seen[at], "two departures at one instant")
		seen[at] = true
	}
}

func TestSlotsAreUsedAgainInAnotherOrder(t *testing.T) {
	t.Parallel()
	s := newSlots(7)
	order := func() (out []int) {
		for range slotCount {
			sl := s.take()
			out = append(out, sl.index)
			sl.Release()
		}
		return out
	}
	first, second := order(), order()
	require.ElementsMatch(t, first, second)
	require.NotEqual(t, first, second)
}
