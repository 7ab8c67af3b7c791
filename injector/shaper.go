package injector

// A shaper changes the bytes of one response: it cuts them off, shortens them
// or corrupts them. The zero shaper changes nothing. Which bytes are hit
// depends on their place in the body only, not on how it was written.
type shaper struct {
	noises []noise
	cutKey uint64 // of the place where the response breaks off
	cuts   bool
	endKey uint64 // of the place where the body ends early
	ends   bool
	calls  bool // messages of gRPC: noise leaves their prefixes alone

	started bool
	cutAt   int64 // -1: half-way through what comes first
	endAt   int64
	at      int64
	scratch []byte
	changed bool
	broke   bool
	frames  frames
	payload int64 // bytes of it so far
}

// cut makes the response partial.
func (s *shaper) cut(r *faultRule, ordinal uint64) { s.cuts, s.cutKey = true, Mix(r.cut, ordinal) }

// corrupt changes the body's bytes, or ends it early.
func (s *shaper) corrupt(r *faultRule, ordinal uint64) {
	key := Mix(r.noise, ordinal)
	if r.corruptionType == Truncate {
		s.ends, s.endKey = true, key
		return
	}
	s.noises = append(s.noises, noise{key: key, flip: r.corruptionType == BitFlip})
}

func (s *shaper) active() bool { return s.cuts || s.ends || len(s.noises) > 0 }

// part is a place between a quarter and three quarters of n.
func part(key uint64, n int64) int64 { return int64(float64(n) * (0.25 + fraction(key)/2)) }

// begin is told the announced size of the body, -1 where it is unknown, and
// returns the size to announce instead.
func (s *shaper) begin(size int64) int64 {
	s.cutAt, s.endAt = -1, -1
	for i := range s.noises {
		if s.noises[i].size = size; s.calls {
			s.noises[i].size = -1
		}
	}
	if size <= 0 {
		if s.cuts {
			return -1 // announced bytes that never come, without inventing a number
		}
		return size
	}
	if s.ends {
		size = part(s.endKey, size)
		s.endAt, s.changed = size, true
	}
	if s.cuts {
		s.cutAt = part(s.cutKey, size)
	}
	return size
}

// shape returns what is left of a piece of the body, and whether the response
// breaks off behind it. The result is valid until the next call.
func (s *shaper) shape(b []byte) (out []byte, breaks bool) {
	if !s.active() {
		return b, false
	}
	if !s.started && len(b) > 0 {
		s.started = true
		if s.ends && s.endAt < 0 {
			s.endAt, s.changed = part(s.endKey, int64(len(b))), true
		}
		if s.cuts && s.cutAt < 0 {
			s.cutAt = part(s.cutKey, int64(len(b)))
		}
	}
	from := s.at
	s.at += int64(len(b))
	if s.ends && s.endAt >= 0 {
		b = b[:min(max(s.endAt-from, 0), int64(len(b)))]
	}
	if s.cuts && s.cutAt >= 0 && from+int64(len(b)) >= s.cutAt {
		b, breaks = b[:max(s.cutAt-from, 0)], true
		s.broke = true
	}
	if len(s.noises) > 0 && len(b) > 0 {
		s.scratch = append(s.scratch[:0], b...)
		b = s.scratch
		if s.calls {
			s.frames.payloads(b, &s.payload, s.disturb)
		} else {
			s.disturb(b, from)
		}
	}
	return b, breaks
}

// disturb applies every noise to b, which stands at that offset.
func (s *shaper) disturb(b []byte, offset int64) {
	for _, n := range s.noises {
		n.apply(b, offset)
	}
	s.changed = true
}

// pending reports whether the response has still to break off.
func (s *shaper) pending() bool { return s.cuts && !s.broke }

// over reports whether nothing of the body is left to come.
func (s *shaper) over() bool { return s.ends && s.endAt >= 0 && s.at >= s.endAt && s.started }

// fault is the kind that made the outcome, where the body was changed.
func (s *shaper) fault() string {
	if s.changed {
		return KindPayloadCorruption
	}
	return ""
}

// noiseSpan is how many bytes there are for each that noise changes.
const noiseSpan = 10

// noise changes one byte in every span of ten, at a keyed place.
type noise struct {
	key  uint64
	flip bool  // one bit of it; else all of it
	size int64 // of the body; -1: unknown
}

// apply changes b, which stands at that offset of the body.
func (n noise) apply(b []byte, offset int64) {
	for span := offset / noiseSpan; span*noiseSpan < offset+int64(len(b)); span++ {
		x := Mix(n.key, uint64(span))
		place := span*noiseSpan + int64(below(x, noiseSpan))
		if span == 0 {
			// Even the shortest body is changed.
			place = 0
			if n.size > 0 {
				place = below(x, min(n.size, noiseSpan))
			}
		}
		if i := place - offset; i >= 0 && i < int64(len(b)) {
			if n.flip {
				b[i] ^= 1 << (x & 7)
			} else {
				b[i] ^= byte(1 + x%255)
			}
		}
	}
}
