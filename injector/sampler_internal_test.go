package injector

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestExactSamplingCounts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		p        float64
		n        int
		min, max int
		why      string
	}{
		{0, 10_000, 0, 0, "never"},
		{1, 10_000, 10_000, 10_000, "always"},
		{0.1, 1000, 100, 100, "whole quotas are exact"},
		{0.1, 20, 2, 2, "in every block"},
		{0.05, 1000, 50, 50, ""},
		{0.5, 1000, 500, 500, ""},
		{0.333, 1000, 332, 334, "a fraction of a hit carries over to the next block"},
		{0.001, 20_000, 19, 21, "rarer than one in a block"},
		{-3, 1000, 0, 0, "clamped"},
		{7, 1000, 1000, 1000, "clamped"},
	}
	for _, tt := range tests {
		for seed := range uint64(50) {
			s := newSampler(keyOf(seed, "x"), tt.p, Exact)
			hits := 0
			for i := range tt.n {
				if s.hit(uint64(i)) {
					hits++
				}
			}
			require.GreaterOrEqual(t, hits, tt.min, "p %v, seed %d: %s", tt.p, seed, tt.why)
			require.LessOrEqual(t, hits, tt.max, "p %v, seed %d: %s", tt.p, seed, tt.why)
		}
	}
}

func TestEveryBlockHasItsQuota(t *testing.T) {
	t.Parallel()
	s := newSampler(42, 0.15, Exact)
	for block := range uint64(1000) {
		hits := 0
		for i := range uint64(blockSize) {
			if s.hit(block*blockSize + i) {
				hits++
			}
		}
		require.Equal(t, 3, hits, "block %d", block)
	}
}

// A client that retries at once must still meet failures: sampling that is too
// regular would hide them all.
func TestRetryMeetsIndependentFaults(t *testing.T) {
	t.Parallel()
	for _, sampling := range []Sampling{Exact, Bernoulli} {
		failed, operations := 0, 0
		for seed := range uint64(100) {
			s := newSampler(keyOf(seed, "retry"), 0.5, sampling)
			for k := uint64(0); k < 998; k++ {
				operations++
				if s.hit(k) {
					if k++; s.hit(k) {
						failed++
					}
				}
			}
		}
		require.InDelta(t, 0.25, float64(failed)/float64(operations), 0.01, string(sampling))
	}
}

func TestSamplerIsAPureFunction(t *testing.T) {
	t.Parallel()
	for _, sampling := range []Sampling{Exact, Bernoulli} {
		forward, backward := newSampler(7, 0.3, sampling), newSampler(7, 0.3, sampling)
		var want [500]bool
		for i := range want {
			want[i] = forward.hit(uint64(i))
		}
		for i := len(want) - 1; i >= 0; i-- {
			require.Equal(t, want[i], backward.hit(uint64(i)), "ordinal %d", i)
		}
	}
}

func TestBernoulliRate(t *testing.T) {
	t.Parallel()
	s := newSampler(1, 0.1, Bernoulli)
	hits := 0
	for i := range uint64(100_000) {
		if s.hit(i) {
			hits++
		}
	}
	require.InDelta(t, 10_000, hits, 400)
}

// The values below are what every version of this module must give: recordings
// and seeds in bug reports depend on them.
func TestGoldenDecisions(t *testing.T) {
	t.Parallel()
	require.Equal(t, "708832e6ef9a09ec 9721c9dae53513b0 fd26fb001abf0189",
		fmt.Sprintf("%x %x %x", Mix(0, 0), Mix(1, 2), Mix(1<<63, 1<<40)), "Mix")
	require.Equal(t, "a5e4e67a609a8037", fmt.Sprintf("%x", keyOf(1, "step", "fault_injection", KindHTTPError)), "keyOf")
	pattern := func(s *sampler) string {
		out := make([]byte, 60)
		for i := range out {
			out[i] = '.'
			if s.hit(uint64(i)) {
				out[i] = 'x'
			}
		}
		return string(out)
	}
	require.Equal(t, ".....x.x..xxx...........xx.....x...x.x...x....xx...x.x......", pattern(newSampler(1, 0.25, Exact)))
	require.Equal(t, ".....x.....x..x.x....x..xxx.x........x....x.xx..x.xx..xx.xx.", pattern(newSampler(1, 0.25, Bernoulli)))
	l := newLayer(Layer{Name: "slow", Config: Config{Latency: &Latency{
		FixedDelay: 100_000_000, JitterPercent: 50,
	}}}, 9, nil, time.Time{})
	delay := func(ordinal uint64) time.Duration {
		d, jitter := l.latency.delay(ordinal)
		require.Equal(t, 100*time.Millisecond+jitter, d)
		return d
	}
	require.Equal(t, "79.708836ms 60.466439ms 109.737089ms", fmt.Sprint(delay(0), delay(1), delay(2)))
}
