package assert

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

// exactAtMost sums the distribution in rational arithmetic: nothing in common
// with the code under test. p is num/den.
func exactAtMost(k, n int, num, den int64) float64 {
	p, q := big.NewRat(num, den), big.NewRat(den-num, den)
	sum := new(big.Rat)
	for j := 0; j <= k; j++ {
		term := new(big.Rat).SetInt(new(big.Int).Binomial(int64(n), int64(j)))
		for range j {
			term.Mul(term, p)
		}
		for range n - j {
			term.Mul(term, q)
		}
		sum.Add(sum, term)
	}
	f, _ := sum.Float64()
	return f
}

func TestBinomialAgainstRationals(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 7, 20, 40} {
		for _, p := range [][2]int64{{1, 1000}, {1, 10}, {1, 3}, {1, 2}, {93, 100}} {
			for k := 0; k < n; k += max(1, n/7) {
				want := exactAtMost(k, n, p[0], p[1])
				ratio := float64(p[0]) / float64(p[1])
				at := fmt.Sprintf("k=%d n=%d p=%v", k, n, p)
				require.InDelta(t, want, binomialAtMost(k, n, ratio), 1e-12, at)
				require.InDelta(t, 1-want, binomialAtLeast(k+1, n, ratio), 1e-12, at)
				if want > 1e-300 && want < 0.4 {
					require.InEpsilon(t, want, binomialAtMost(k, n, ratio), 1e-9, at)
				}
			}
		}
	}
}

func TestBinomialEdges(t *testing.T) {
	t.Parallel()
	require.Zero(t, binomialAtMost(-1, 5, 0.5))
	require.Equal(t, 1.0, binomialAtMost(5, 5, 0.5))
	require.Equal(t, 1.0, binomialAtMost(0, 5, 0))
	require.Zero(t, binomialAtMost(4, 5, 1))
	require.Equal(t, 1.0, binomialAtLeast(0, 5, 0.5))
	require.Zero(t, binomialAtLeast(6, 5, 0.5))
	require.Zero(t, binomialAtLeast(1, 5, 0))
	require.Equal(t, 1.0, binomialAtLeast(5, 5, 1))
}

func TestBinomialAcceptance(t *testing.T) {
	t.Parallel()
	tests := []struct {
		n           int
		p, alpha    float64
		least, most int
	}{
		{100, 0.1, 1e-9, 0, 32},
		{1000, 0.1, 1e-6, 57, 149},
		{1000, 0.1, 1e-9, 47, 162},
		{10000, 0.1, 1e-9, 822, 1188},
	}
	for _, tt := range tests {
		require.Greater(t, binomialTwoSided(tt.least, tt.n, tt.p), tt.alpha)
		require.Greater(t, binomialTwoSided(tt.most, tt.n, tt.p), tt.alpha)
		require.LessOrEqual(t, binomialTwoSided(tt.most+1, tt.n, tt.p), tt.alpha)
		if tt.least > 0 {
			require.LessOrEqual(t, binomialTwoSided(tt.least-1, tt.n, tt.p), tt.alpha)
		}
	}
}

func TestClopperPearson(t *testing.T) {
	t.Parallel()
	tests := []struct {
		k, n   int
		alpha  float64
		lo, hi float64
		why    string
	}{
		{0, 10, 0.05, 0, 0.3084971, "1 - 0.025^(1/10)"},
		{10, 10, 0.05, 0.6915029, 1, "mirror"},
		{5, 10, 0.05, 0.1870860, 0.8129140, "published table"},
		{1, 20, 0.05, 0.0012651, 0.2487328, "published table"},
		{10, 100, 0.05, 0.0490047, 0.1762226, "published table"},
	}
	for _, tt := range tests {
		lo, hi := clopperPearson(tt.k, tt.n, tt.alpha)
		require.InDelta(t, tt.lo, lo, 1e-6, tt.why)
		require.InDelta(t, tt.hi, hi, 1e-6, tt.why)
	}
}
