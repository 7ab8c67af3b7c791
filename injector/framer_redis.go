package injector

import "strconv"

// Bounds of Redis's protocol.
const (
	maxRedisLine     = 64 << 10 // of a line that is not a value of its own
	maxRedisString   = 512 << 20
	maxRedisElements = 1 << 20
)

// redisFramer is for RESP, versions 2 and 3, and for commands that are plain
// lines. A message is a whole value, whatever it contains.
type redisFramer struct {
	elements int64  // of the message that are still to come
	line     []byte // the beginning of one, as far as it is a number
	length   int    // of the line
	kind     byte   // of the line; 0: none has begun
	left     int64  // of a string, with the line break behind it
}

func (f *redisFramer) next(b []byte) (n int, starts, ok bool) {
	if starts = f.elements == 0; starts {
		f.elements = 1
	}
	for n < len(b) && f.elements > 0 {
		if f.left > 0 {
			n += skip(b[n:], &f.left)
			if f.left == 0 {
				f.elements--
			}
			continue
		}
		c := b[n]
		n++
		switch {
		case f.kind == 0:
			f.kind, f.length, f.line = c, 0, f.line[:0]
			if f.kind == '\n' { // an empty line
				f.kind = 0
				f.elements--
			}
		case c != '\n':
			if f.length++; len(f.line) < 24 {
				f.line = append(f.line, c)
			}
			if f.length > f.limit() {
				return 0, false, false
			}
		default:
			if !f.value() {
				return 0, false, false
			}
			f.kind = 0
		}
	}
	return n, starts, true
}

// limit is how long the line may be.
func (f *redisFramer) limit() int {
	switch f.kind {
	case '$', '=', '!', '*', '~', '>', '%', '|':
		return 23 // a number and a carriage return
	}
	return maxRedisLine
}

// value deals with a line that has come to its end. It reports false where it is
// none of the protocol's.
func (f *redisFramer) value() bool {
	switch f.kind {
	case '$', '=', '!':
		size, ok := f.number(maxRedisString)
		if size >= 0 {
			f.left = size + 2
		} else {
			f.elements--
		}
		return ok
	case '*', '~', '>', '%', '|':
		count, ok := f.number(maxRedisElements)
		if f.kind == '%' || f.kind == '|' {
			count *= 2
		}
		f.elements += max(count, 0)
		if f.kind != '|' { // attributes stand in front of a value
			f.elements--
		}
		return ok && f.elements <= maxRedisElements
	}
	f.elements--
	return true
}

// number is what the line says: a count, or -1 for nothing at all.
func (f *redisFramer) number(limit int64) (int64, bool) {
	line := f.line
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	v, err := strconv.ParseInt(string(line), 10, 64)
	return v, err == nil && v >= -1 && v <= limit
}
