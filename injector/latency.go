package injector

import (
	"math"
	"time"
)

// maxDelay bounds what a distribution or a jitter may come to. It keeps sums of
// delays far from overflow.
const maxDelay = 365 * 24 * time.Hour

// A latencyRule decides which requests of a layer are delayed, and by how much.
type latencyRule struct {
	Latency
	count  counter    // of the requests in the schedule
	times  *timetable // nil: always
	hits   *sampler
	base   uint64 // keys of the draws
	jitter uint64
	second uint64
}

func newLatencyRule(l *Latency, times *timetable, key func(kind string) uint64) *latencyRule {
	r := &latencyRule{
		Latency: *l, times: times,
		hits: newSampler(key(KindLatency), or(l.Probability, 1), l.Sampling),
		base: key("base"), jitter: key("jitter"), second: key("base2"),
	}
	if l.Distribution != nil {
		r.Distribution = new(*l.Distribution)
	}
	return r
}

// draw takes the next request's ordinal, and reports whether it is delayed.
func (r *latencyRule) draw(now time.Time) (ordinal uint64, hit bool) {
	share, in := r.times.admit(now)
	if !in {
		return 0, false
	}
	ordinal = r.count.next()
	return ordinal, r.hits.thin(ordinal, share)
}

// delay is how long the request with that ordinal is delayed when it is hit,
// and by how much of it jitter made the delay longer or, negative, shorter.
func (r *latencyRule) delay(ordinal uint64) (total, jitter time.Duration) {
	base := r.Latency.base(Mix(r.base, ordinal), Mix(r.second, ordinal))
	j := clamp(r.JitterPercent, 0, 100) / 100
	if j == 0 {
		return rounded(float64(base)), 0
	}
	total = rounded(float64(base) * (1 + j*(2*fraction(Mix(r.jitter, ordinal))-1)))
	return total, total - base
}

// acts reports whether any delay can be longer than nothing.
func (l *Latency) acts() bool {
	if l.FixedDelay > 0 || l.RandomDelayRange[0] > 0 || l.RandomDelayRange[1] > 0 {
		return true
	}
	d := l.Distribution
	return d != nil && (d.Median > 0 || d.Mean > 0 || d.StdDev > 0 || d.Min > 0 || d.Type == "uniform" && d.Max > 0)
}

// base is the delay before jitter, from 128 random bits.
func (l *Latency) base(x, y uint64) time.Duration {
	switch {
	case l.FixedDelay > 0:
		return min(l.FixedDelay, maxDelay)
	case l.RandomDelayRange[0] > 0 || l.RandomDelayRange[1] > 0:
		return between(l.RandomDelayRange[0], l.RandomDelayRange[1], x)
	case l.Distribution != nil:
		return l.Distribution.sample(x, y)
	}
	return 0
}

// sample draws from the distribution. An unknown type gives no delay.
func (d *Distribution) sample(x, y uint64) time.Duration {
	var v float64
	switch d.Type {
	case "lognormal":
		v = float64(d.Median) * math.Exp(clamp(positive(d.Sigma, 0.5), 0, 100)*gauss(x, y))
	case "normal":
		v = float64(d.Mean) + float64(d.StdDev)*gauss(x, y)
	case "exponential":
		v = -float64(d.Mean) * math.Log(1-fraction(x))
	case "uniform":
		return between(d.Min, d.Max, x)
	default:
		return 0
	}
	out := max(rounded(v), min(d.Min, maxDelay))
	if d.Max > 0 {
		out = min(out, d.Max)
	}
	return out
}

// gauss is a normal deviate (Box and Muller's), from 128 random bits.
func gauss(x, y uint64) float64 {
	return math.Sqrt(-2*math.Log(1-fraction(x))) * math.Cos(2*math.Pi*fraction(y))
}

// between is uniform over lo–hi, both included, whichever way round they are.
func between(lo, hi time.Duration, x uint64) time.Duration {
	lo, hi = min(max(lo, 0), maxDelay), min(max(hi, 0), maxDelay)
	if hi < lo {
		lo, hi = hi, lo
	}
	return lo + time.Duration(below(x, int64(hi-lo)+1))
}

// rounded is v nanoseconds to the nearest one, within 0–maxDelay.
func rounded(v float64) time.Duration {
	return time.Duration(math.Round(clamp(v, 0, float64(maxDelay))))
}
