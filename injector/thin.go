package injector

import "math/bits"

// thin reports whether the fault hits the request with that ordinal when only a
// share of its probability holds: it takes that share of what hit would hit.
//
// In exact sampling the hits draw their lots in blocks: of 20 hits one each has
// a lot in the first twentieth of 0–1, in the second, and so on, in a seeded
// order. Whatever the share does meanwhile, the number of hits stays within a
// few of the sum of the shares.
func (s *sampler) thin(ordinal uint64, share float64) bool {
	switch {
	case !s.hit(ordinal):
		return false
	case share >= 1:
		return true
	case !s.exact:
		return fraction(Mix(s.key+1, ordinal)) < share
	}
	return s.lot(s.rank(ordinal)) < share
}

// lot is that of the k-th hit.
func (s *sampler) lot(k uint64) float64 {
	key := Mix(s.key+1, k/blockSize)
	var places [blockSize]uint8
	for i := range places {
		j := below(Mix(key, uint64(i)), i+1)
		places[i] = places[j]
		places[j] = uint8(i)
	}
	return (float64(places[k%blockSize]) + fraction(Mix(key, blockSize))) / blockSize
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
