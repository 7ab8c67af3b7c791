package injector

import (
	"math"
	"sync/atomic"
	"time"
)

// A piece is what moves through a stream: bytes, or its end.
type piece struct {
	data []byte
	end  end
	kind string    // of the toxic that closes, for endCut
	at   time.Time // when it came
}

// end is how a stream ends. The zero end is none.
type end int

const (
	endFIN   end = iota + 1 // the sender has no more to say
	endReset                // the sender reset the connection
	endBroke                // reading failed otherwise
	endCut                  // a toxic closes the connection, once what was before is through
)

// never is an instant that does not come.
var never = time.Unix(math.MaxInt32<<8, 0)

// pieceCost is what a piece costs of a station's room besides its bytes.
const pieceCost = 128

// An action is what a toxic does to one stream of a connection.
type action interface {
	// next says how many of the bytes go on together, from 1, and when. They
	// came at an instant; those before them went on at last.
	next(b []byte, at, last time.Time) (n int, due time.Time)
	// fin says when the end of the stream goes on, after the bytes before it.
	fin(at, last time.Time) time.Time
	// cut says when the connection is closed in front of what has not gone on;
	// never for most. waiting says that there are bytes.
	cut(waiting bool) time.Time
	// room is how many bytes may wait before the sender has to.
	room() int
}

// A station is a toxic that acts on one stream of one connection: bytes wait in
// it until they go on to the next station, in order. It belongs to the pump of
// its stream.
type station struct {
	*toxicRule
	spell
	action action

	queue []piece
	held  int // what they cost
	known bool
	n     int       // of the head, once it is known
	due   time.Time // of the head
	last  time.Time // when the piece before it went on
	late  bool      // the head had to wait for room
	spent bool      // it has cut the stream: nothing goes on any more

	struck atomic.Bool // its time to cut came while its layer acted
}

// over reports whether the toxic has gone. One that was to close the connection
// has not: what was on its way had not arrived.
func (s *station) over() bool { return !s.struck.Load() && s.spell.over() }

// shared reports whether other connections meet what the station does.
func (s *station) shared() bool { return s.Type == ToxicBandwidth }

// full reports whether the sender has to wait.
func (s *station) full() bool { return !s.spent && s.held >= s.action.room() }

// waiting reports whether bytes come next, and not an end.
func (s *station) waiting() bool { return len(s.queue) > 0 && s.queue[0].end == 0 }

func (s *station) push(p piece) {
	if s.spent {
		return
	}
	s.queue = append(s.queue, p)
	s.held += len(p.data) + pieceCost
}

// ready says when something goes on, never where nothing is there.
func (s *station) ready(now time.Time) time.Time {
	if s.spent {
		return never
	}
	if s.over() {
		if len(s.queue) == 0 {
			return never
		}
		return now
	}
	cut := s.action.cut(s.waiting())
	if len(s.queue) == 0 || !s.known && !cut.After(s.queue[0].at) {
		return cut
	}
	if !s.known {
		head := &s.queue[0]
		s.known = true
		switch head.end {
		case 0:
			s.n, s.due = s.action.next(head.data, head.at, s.last)
			cut = s.action.cut(true)
		case endCut:
			s.due = later(head.at, s.last)
		default:
			s.due = s.action.fin(head.at, s.last)
		}
	}
	if !s.due.After(cut) {
		return s.due
	}
	return cut
}

// pop takes what is ready at an instant.
func (s *station) pop(now time.Time) piece {
	gone := s.over()
	if !gone {
		if cut := s.action.cut(s.waiting()); !cut.After(now) && (!s.known || s.due.After(cut)) {
			s.spent, s.queue, s.held = true, nil, 0
			return piece{end: endCut, kind: s.kind, at: later(cut, s.last)}
		}
	}
	out := s.queue[0]
	if gone {
		s.n, s.due = len(out.data), now
	}
	if s.late {
		s.due = later(s.due, now)
	}
	s.known, s.late = false, false
	if s.n < len(out.data) {
		s.queue[0].data = out.data[s.n:]
		s.held -= s.n
		out.data = out.data[:s.n:s.n]
	} else {
		s.queue[0] = piece{}
		s.queue = s.queue[1:]
		s.held -= len(out.data) + pieceCost
	}
	if len(s.queue) == 0 {
		s.queue = nil
	}
	out.at, s.last = s.due, s.due
	return out
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
