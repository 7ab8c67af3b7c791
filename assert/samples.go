package assert

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"
)

// exactSamples is how many latencies are kept one by one.
const exactSamples = 1 << 16

// A sample is one operation's latency, and its requests for the allowance.
type sample struct {
	latency  time.Duration
	attempts int32
}

// samples keeps latencies: one by one up to exactSamples, then as a histogram
// of at most 0.4 % relative error. The mean and the extremes stay exact.
type samples struct {
	n            int
	sum          time.Duration
	most, least  time.Duration
	mostAttempts int32 // of the slowest
	attempts     int   // of all, each at least 1
	kept         []sample
	histogram    []bucket // nil while exact
}

// A bucket of the log-linear histogram: 128 buckets for each power of two.
type bucket struct {
	n        int64
	attempts int32 // the most of any sample in it
}

const (
	subBits    = 7
	subBuckets = 1 << subBits
)

func (s *samples) add(latency time.Duration, attempts int) {
	a := int32(min(max(attempts, 1), math.MaxInt32))
	if s.n == 0 || latency > s.most {
		s.most, s.mostAttempts = latency, a
	}
	if s.n == 0 || latency < s.least {
		s.least = latency
	}
	s.n++
	s.sum += latency
	s.attempts += int(a)
	if s.histogram != nil {
		s.count(sample{latency, a})
		return
	}
	s.kept = append(s.kept, sample{latency, a})
	if len(s.kept) > exactSamples {
		s.histogram = make([]bucket, bucketOf(math.MaxInt64)+1)
		for _, k := range s.kept {
			s.count(k)
		}
		s.kept = nil
	}
}

func (s *samples) count(k sample) {
	b := &s.histogram[bucketOf(k.latency)]
	b.n++
	b.attempts = max(b.attempts, k.attempts)
}

// bucketOf is the index of v's bucket: v itself below 2·subBuckets, then
// subBuckets of equal width for each doubling.
func bucketOf(v time.Duration) int {
	shift := max(bits.Len64(uint64(v))-subBits-1, 0)
	return shift*subBuckets + int(v>>shift)
}

// middleOf is the value that stands for a bucket.
func middleOf(index int) time.Duration {
	if index < 2*subBuckets {
		return time.Duration(index)
	}
	shift := index/subBuckets - 1
	lowest := time.Duration(index-shift*subBuckets) << shift
	return lowest + (time.Duration(1)<<shift)/2
}

func (s *samples) clone() samples {
	c := *s
	c.histogram, c.kept = slices.Clone(s.histogram), slices.Clone(s.kept)
	return c
}

// sort prepares for quantile.
func (s *samples) sort() {
	slices.SortFunc(s.kept, func(a, b sample) int {
		if a.latency != b.latency {
			return cmp.Compare(a.latency, b.latency)
		}
		return cmp.Compare(a.attempts, b.attempts)
	})
}

// quantile is the smallest latency with at least ceil(q·n) samples at or below
// it (nearest rank). s must be sorted and not empty.
func (s *samples) quantile(q float64) sample {
	r := rank(q, s.n)
	switch {
	case r == s.n:
		return sample{s.most, s.mostAttempts}
	case s.histogram == nil:
		return s.kept[r-1]
	}
	seen := int64(0)
	for i, b := range s.histogram {
		if seen += b.n; seen >= int64(r) {
			return sample{min(max(middleOf(i), s.least), s.most), b.attempts}
		}
	}
	return sample{s.most, s.mostAttempts}
}

func (s *samples) mean() time.Duration {
	if s.n == 0 {
		return 0
	}
	return s.sum / time.Duration(s.n)
}

// billion is the resolution of a quantile's arithmetic, which is in whole
// numbers so that 0.07·100 is 7.
const billion = 1_000_000_000

// rank is ceil(q·n), at least 1 and at most n.
func rank(q float64, n int) int {
	hi, lo := bits.Mul64(parts(q), uint64(n))
	whole, rest := bits.Div64(hi, lo, billion)
	if rest > 0 {
		whole++
	}
	return min(max(int(whole), 1), n)
}

// samplesNeeded is how many samples a quantile needs so that at least one can
// be expected above it: 100 for p99.
func samplesNeeded(q float64) int {
	above := billion - min(parts(q), billion-1)
	return int((billion + above - 1) / above)
}

func parts(q float64) uint64 { return uint64(math.Round(min(max(q, 0), 1) * billion)) }
