package injector

import (
	"context"
	"time"
)

// acts reports whether the Dribble delays anything.
func (d *Dribble) acts() bool { return d.NumberOfChunks > 0 && d.TotalDuration > 0 }

// A dribble sends a body in pieces: the k-th of n at k/n of the duration after
// the header, the last one at its end. Where the body's size is known, the
// pieces are of equal size, or differ by a byte; else each write of the
// upstream is one, and those beyond n go on at once. It is for one goroutine.
//
// A handler rarely says how long its body is. net/http finds out for one that
// is over before its buffer is full; so does the writer, see maxHeld.
type dribble struct {
	pieces  int64
	took    time.Duration
	cut     *bell
	start   time.Time
	size    int64 // of the body; -1: unknown
	at      int64 // bytes that went on
	current int64 // of unknown size: the piece
}

func newDribble(s *stay) *dribble {
	d := s.faults.pieces
	return &dribble{pieces: int64(d.NumberOfChunks), took: min(d.TotalDuration, maxDelay), cut: s.cut}
}

// begin starts at the header.
func (d *dribble) begin(now time.Time, size int64) {
	d.start, d.size = now, size
	if size > 0 {
		d.pieces = min(d.pieces, size)
	}
}

// room is how many of n bytes belong to the present piece.
func (d *dribble) room(n int) int {
	if d.size <= 0 {
		return n
	}
	_, left := d.piece()
	return int(min(left, int64(n)))
}

// piece is the number of the present piece, from 0, and how many of its bytes
// are left. The size is known.
func (d *dribble) piece() (k, left int64) {
	short := d.size / d.pieces
	long := d.size % d.pieces // so many pieces are a byte longer, and come first
	if at := d.at; at < long*(short+1) {
		return at / (short + 1), short + 1 - at%(short+1)
	}
	rest := d.at - long*(short+1)
	return long + rest/short, short - rest%short
}

// wait waits until n bytes of the present piece may go on, and counts them. It
// reports false when the client left.
func (d *dribble) wait(ctx context.Context, a *pace, n int) bool {
	k := d.current
	if d.size > 0 {
		k, _ = d.piece()
	} else {
		d.current++
	}
	d.at += int64(n)
	if k >= d.pieces {
		return true
	}
	return a.rest(ctx, d.start.Add(portion(d.took, k+1, d.pieces)), nil, d.cut)
}

// ends reports whether a piece ends here.
func (d *dribble) ends() bool {
	if d.size <= 0 || d.at >= d.size {
		return true
	}
	k, left := d.piece()
	short := d.size / d.pieces
	if k < d.size%d.pieces {
		short++
	}
	return left == short
}

// portion is k of n parts of a duration, without overflow. k is at most n.
func portion(d time.Duration, k, n int64) time.Duration {
	whole, rest := int64(d)/n, int64(d)%n
	return time.Duration(whole*k) + time.Duration(float64(rest)*(float64(k)/float64(n)))
}
