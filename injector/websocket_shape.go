package injector

import (
	"time"
	"unicode/utf8"
)

// A fate is what was decided for a message.
type fate struct {
	drop    bool
	corrupt bool
	noise   uint64 // key of what is corrupted
	cut     bool
	place   uint64 // 64 random bits: where it ends early

	delay    time.Duration
	cutShort *bell  // ends the delay
	holds    []hold // of the network
}

// maxCut bounds what is kept of a message that ends early: as much is held
// until its length is known.
const maxCut = 4 << 10

// A messageShaper does to a message what was decided for it, frame by frame.
// What comes out are valid frames; those of a text that is not compressed hold
// valid UTF-8 where they did before.
type messageShaper struct {
	fate    fate
	text    bool  // not compressed
	at      int64 // in the message
	changed bool
	need    int    // how many bytes of the character are still to come
	kept    []byte // of a message that is cut: what it will be, without its mask
	keep    int
	over    bool // nothing more of the message leaves
}

// begin starts a message with the head of its first frame.
func (s *messageShaper) begin(f fate, h frameHead) {
	*s = messageShaper{fate: f, text: h.op == opText && h.rsv&bitCompressed == 0, kept: s.kept[:0], over: f.drop}
	if f.cut && h.length > 0 {
		s.keep = int(below(f.place, min(h.length, maxCut)))
	}
}

// passes reports whether the frames that come leave as they are, but for their
// payload.
func (s *messageShaper) passes() bool { return !s.over && !s.fate.cut }

// head appends what becomes of a frame's head.
func (s *messageShaper) head(out []byte, h frameHead, raw []byte) []byte {
	switch {
	case s.passes():
		return append(out, raw...)
	case !s.over && s.keep == 0:
		return s.finish(out, h)
	}
	return out
}

// payload appends what becomes of b, which stands at that offset of the frame.
func (s *messageShaper) payload(out []byte, h frameHead, b []byte, offset int64) []byte {
	switch {
	case s.over:
		return out
	case s.fate.cut:
		n := min(len(b), s.keep-len(s.kept))
		from := len(s.kept)
		s.kept = append(s.kept, b[:n]...)
		h.mask(s.kept[from:], offset)
		if len(s.kept) == s.keep {
			return s.finish(out, h)
		}
		return out
	}
	from := len(out)
	out = append(out, b...)
	if s.fate.corrupt {
		s.spoil(h, out[from:], offset)
	}
	s.at += int64(len(b))
	return out
}

// finish appends the one frame that a message becomes which ends early. A text
// does not end in the middle of a character.
func (s *messageShaper) finish(out []byte, h frameHead) []byte {
	s.over = true
	if s.text {
		s.kept = s.kept[:len(s.kept)-cutShort(s.kept)]
	}
	h.fin, h.length = true, int64(len(s.kept))
	out = h.append(out)
	from := len(out)
	out = append(out, s.kept...)
	h.mask(out[from:], 0)
	return out
}

// cutShort is how many bytes at the end of a text begin a character and do
// not end it.
func cutShort(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if last := b[len(b)-n:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}

// spoil changes one byte in every ten or so, and in any case the first that can
// be changed.
func (s *messageShaper) spoil(h frameHead, b []byte, offset int64) {
	if !s.text {
		noise{key: s.fate.noise, size: -1}.apply(b, s.at) // the mask does not matter
		return
	}
	for i := range b {
		plain := b[i]
		if h.masked {
			plain ^= h.key[(offset+int64(i))&3]
		}
		if !s.replaceable(plain) {
			continue
		}
		at := uint64(s.at) + uint64(i)
		place := below(Mix(s.fate.noise, at/noiseSpan), int64(noiseSpan))
		if s.changed && int64(at%noiseSpan) != place {
			continue
		}
		s.changed = true
		b[i] ^= plain ^ another(plain, Mix(^s.fate.noise, at))
	}
}

// replaceable reports whether another byte can stand in for the next one of a
// text: a whole character of one byte, or the end of a longer one, where every
// continuation is allowed.
func (s *messageShaper) replaceable(b byte) bool {
	switch {
	case s.need > 0 && b&0xc0 == 0x80:
		s.need--
		return s.need == 0
	case b < utf8.RuneSelf:
		s.need = 0
		return true
	case b >= 0xf0:
		s.need = 3
	case b >= 0xe0:
		s.need = 2
	case b >= 0xc0:
		s.need = 1
	default:
		s.need = 0 // no text at all
	}
	return false
}

// another is a byte of the same kind: a printable one, or a continuation.
func another(b byte, random uint64) byte {
	if b >= utf8.RuneSelf {
		return 0x80 | (b+1+byte(random%63))&0x3f
	}
	const first, count = ' ', '~' - ' ' + 1
	out := first + byte(random%count)
	if out == b {
		return first + (out-first+1)%count
	}
	return out
}
