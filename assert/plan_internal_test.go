package assert

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPlannedCountsAgainstEnumeration tries phases and the two extreme places
// of the last block's quota.
func TestPlannedCountsAgainstEnumeration(t *testing.T) {
	t.Parallel()
	for _, p := range []float64{0, 0.001, 0.01, 0.05, 0.1, 0.125, 1.0 / 3, 0.5, 0.77, 0.95, 0.999, 1} {
		for _, n := range []int{0, 1, 7, 19, 20, 21, 39, 40, 113, 1000, 1013} {
			least, most := math.MaxInt, 0
			for step := range 997 {
				phase := float64(step) / 997
				cumulative := func(blocks int) int { return int(math.Floor(20*float64(blocks)*p + phase + 1e-9)) }
				whole, rest := n/20, n%20
				done, quota := cumulative(whole), cumulative(whole+1)-cumulative(whole)
				least = min(least, done+max(0, quota-(20-rest)))
				most = max(most, done+min(quota, rest))
			}
			gotLeast, gotMost := plannedCounts(n, p)
			at := fmt.Sprintf("n=%d p=%v", n, p)
			require.Equal(t, least, gotLeast, at)
			require.Equal(t, most, gotMost, at)
		}
	}
}

func TestPlannedOverSeveralRules(t *testing.T) {
	t.Parallel()
	least, most := plannedOver(Draws{Requests: 24 * 7, Rules: 24}, 0.1)
	require.Zero(t, least, "24 partial blocks of 7 may all have missed their quota")
	require.GreaterOrEqual(t, most, 24*2, "or hit all of it")
	least, most = plannedOver(Draws{Requests: 100, Rules: 5}, 0)
	require.Equal(t, [2]int{0, 0}, [2]int{least, most})
	least, most = plannedOver(Draws{Requests: 100, Rules: 5}, 1)
	require.Equal(t, [2]int{100, 100}, [2]int{least, most})
}
