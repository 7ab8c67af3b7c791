package injector

import "math/bits"

// Mix scrambles a key and a number into 64 bits that look random. The same
// arguments give the same result in every version of this module, on every
// machine: seeds and recordings depend on it.
func Mix(key, n uint64) uint64 {
	x := key ^ bits.RotateLeft64((n+0x9e3779b97f4a7c15)*0xd6e8feb86659fd93, 32)
	x = (x ^ x>>29) * 0xa0761d6478bd642f
	x = (x ^ x>>32) * 0xe7037ed1a0b428db
	return x ^ x>>30
}

// keyOf derives the key of one draw from the seed and from what is drawn. Parts
// are separated, so that ("ab", "c") and ("a", "bc") differ.
func keyOf(seed uint64, parts ...string) uint64 {
	key := Mix(seed, uint64(len(parts)))
	for _, part := range parts {
		for i := range len(part) {
			key = Mix(key, uint64(part[i]))
		}
		key = Mix(key, 1<<8+uint64(len(part)))
	}
	return key
}

// fraction turns 64 random bits into a number in [0,1).
func fraction(x uint64) float64 { return float64(x>>11) / (1 << 53) }

// below turns 64 random bits into a whole number in [0,n). n is positive.
func below[T int | int64](x uint64, n T) T {
	hi, _ := bits.Mul64(x, uint64(n))
	return T(hi)
}
