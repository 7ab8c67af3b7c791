package matrix_test

import (
	"fmt"
	"slices"
	"sort"
	"testing"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
)

// alpha is the chance at which "~" fails, both sides together.
const alpha = 1e-9

// Which counts "~" accepts is decided by package assert's own arithmetic. It
// has to fail those, and only those, of which a tail by gonum has a chance of
// alpha/2 or less, and to decide nothing where there are none.
func TestNearFailsWhatTheBinomialExcludes(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 9, 20, 50, 100, 333, 1000, 10_000} {
		for _, p := range []float64{0.001, 0.01, 0.05, 0.1, 0.25, 1.0 / 3, 0.5, 0.9, 0.99} {
			t.Run(fmt.Sprintf("%d at %.3g", n, p), func(t *testing.T) {
				t.Parallel()
				lo, hi := acceptance(n, p)
				for _, k := range around(n, 0, lo, int(float64(n)*p), hi, n) {
					want := assert.Pass
					switch {
					case k < lo || k > hi:
						want = assert.Fail
					case lo == 0 && hi == n:
						want = assert.Inconclusive
					}
					verdict := assert.ErrorRate().Near(p).Check(results(n, k))
					require.Equal(t, want, verdict.Status, "%d of %d, where %d to %d are accepted: %s", k, n, lo, hi, verdict.Got)
				}
			})
		}
	}
}

// acceptance is the range of counts out of n that are no surprise if the
// probability is p.
func acceptance(n int, p float64) (lo, hi int) {
	hits := distuv.Binomial{N: float64(n), P: p}
	misses := distuv.Binomial{N: float64(n), P: 1 - p} // its lower tail is the upper one of hits, without cancellation
	lo = sort.Search(n, func(k int) bool { return hits.CDF(float64(k)) > alpha/2 })
	hi = n - sort.Search(n, func(m int) bool { return misses.CDF(float64(m)) > alpha/2 })
	return lo, hi
}

// around is each of the counts with its two neighbours on either side, as far
// as they are counts out of n.
func around(n int, counts ...int) []int {
	var all []int
	for _, c := range counts {
		for k := max(0, c-2); k <= min(n, c+2); k++ {
			all = append(all, k)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// results are those of n operations in real time, k of which failed.
func results(n, k int) assert.Results {
	c := assert.NewCollector(assert.CollectorOptions{})
	for i := range n {
		c.Operation(assert.Operation{N: i + 1, Failed: i < k})
	}
	return c.Snapshot(0)
}
