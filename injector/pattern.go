package injector

import (
	"sync"
	"time"
)

// The types of an ErrorPattern.
const (
	patternBurst      = "burst"
	patternRandom     = "random"
	patternSequential = "sequential"
)

// A pattern decides about HTTP errors without sampling.
type pattern struct {
	codes []int // sequential: every request fails, with these in turn

	count    int // burst: how many fail at the start of an interval
	interval time.Duration

	mu    sync.Mutex
	start time.Time
	seen  int // requests of the interval
}

// newPattern returns nil where the pattern samples, or is none.
func newPattern(p *ErrorPattern) *pattern {
	if p == nil {
		return nil
	}
	switch p.Type {
	case patternSequential:
		return &pattern{codes: validStatuses(p.Sequence)}
	case patternBurst:
		return &pattern{count: p.Count, interval: p.Interval}
	}
	return nil
}

// hit reports whether a request that came now fails. An interval starts with
// the first request after the last one ended.
func (p *pattern) hit(now time.Time) bool {
	if p.codes != nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == 0 || now.Sub(p.start) >= p.interval {
		p.start, p.seen = now, 0
	}
	p.seen++
	return p.seen <= p.count
}
