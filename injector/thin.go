package injector

import "math/bits"

// golden is 2^64 divided by the golden ratio: multiples of it, modulo 2^64,
// spread more evenly than any random numbers.
const golden = 0x9e3779b97f4a7c15

// thin reports whether the fault hits the request with that ordinal when only a
// share of its probability holds: it takes that share of what hit would hit.
//
// In exact sampling the k-th hit stays where the fractional part of a seeded
// start and k golden ratios is below the share. Whatever the share does
// meanwhile, the number of hits stays within a few of the sum of the shares.
func (s *sampler) thin(ordinal uint64, share float64) bool {
	switch {
	case !s.hit(ordinal):
		return false
	case share >= 1:
		return true
	case !s.exact:
		return fraction(Mix(s.key+golden, ordinal)) < share
	}
	return fraction(Mix(s.key, golden)+s.rank(ordinal)*golden) < share
}

// rank is how many requests before that ordinal were hit, in exact sampling.
func (s *sampler) rank(ordinal uint64) uint64 {
	if s.always {
		return ordinal
	}
	block := ordinal / blockSize
	hi, lo := bits.Mul64(block, s.step)
	lo, carry := bits.Add64(lo, s.phase, 0)
	before, _ := bits.Div64((hi+carry)%ppb, lo, ppb)
	inside := s.hits(block) & (1<<(ordinal%blockSize) - 1)
	return before + uint64(bits.OnesCount32(inside))
}
