package injector

import (
	"math"
	"sync/atomic"
)

// blockSize is how many requests share one quota in exact sampling.
const blockSize = 20

// ppb is the resolution of a probability in exact sampling: decimal, so that
// the percentages that people write are exact.
const ppb = 1_000_000_000

// A sampler decides which ordinals of a rule a fault hits. hit is a pure
// function of the key, the probability and the ordinal; the cached word only
// saves work. It is safe for concurrent use.
type sampler struct {
	probability float64
	sampling    Sampling
	key         uint64
	always      bool
	exact       bool
	threshold   uint64 // Bernoulli: hit when 53 random bits are below it
	step        uint64 // exact: hits in a block, in ppb
	phase       uint64 // exact: where error diffusion starts, in ppb

	block    atomic.Uint64 // (block number + 1) << blockSize | hits of that block
	injected atomic.Uint64
	masked   atomic.Uint64
}

// newSampler makes a sampler. p is clamped to 0–1; NaN is 0.
func newSampler(key uint64, p float64, s Sampling) *sampler {
	p = clamp(p, 0, 1)
	out := &sampler{probability: p, sampling: Exact, key: key, always: p == 1, exact: s != Bernoulli}
	if !out.exact {
		out.sampling = Bernoulli
		out.threshold = uint64(p * (1 << 53))
		return out
	}
	parts := uint64(math.Round(p * ppb))
	if p > 0 {
		parts = max(parts, 1)
	}
	if p < 1 {
		parts = min(parts, ppb-1)
	}
	out.step = blockSize * parts
	out.phase = Mix(key, math.MaxUint64) % ppb
	return out
}

// hit reports whether the fault hits the request with that ordinal.
func (s *sampler) hit(ordinal uint64) bool {
	if s.always {
		return true
	}
	if !s.exact {
		return Mix(s.key, ordinal)>>11 < s.threshold
	}
	if s.step == 0 {
		return false
	}
	block := ordinal / blockSize
	word := s.block.Load()
	if word>>blockSize != block+1 {
		word = (block+1)<<blockSize | uint64(s.hits(block))
		s.block.Store(word)
	}
	return word>>(ordinal%blockSize)&1 == 1
}

// hits chooses the places of one block that are hit, as a set of bits. The
// number of places follows the ideal count of all blocks so far, never off by
// one or more; which ones they are is a seeded shuffle.
func (s *sampler) hits(block uint64) uint32 {
	before := (block%ppb*(s.step%ppb) + s.phase) % ppb
	quota := int((before + s.step) / ppb)
	var places [blockSize]uint8
	for i := range places {
		places[i] = uint8(i)
	}
	var set uint32
	key := Mix(s.key, block)
	for i := range quota {
		j := i + below(Mix(key, uint64(i)), blockSize-i)
		places[i], places[j] = places[j], places[i]
		set |= 1 << places[i]
	}
	return set
}

// clamp limits v to lo–hi. NaN is lo.
func clamp(v, lo, hi float64) float64 {
	if !(v > lo) {
		return lo
	}
	return min(v, hi)
}
