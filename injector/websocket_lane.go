package injector

import (
	"net"
	"os"
	"time"
)

// maxQueued is how many bytes of one direction are held back at most. More wait
// where they come from. Where messages are late it is roomUnderWay: else a delay
// would be a limit of bandwidth too.
const maxQueued = 64 << 10

// maxLost is how many bytes of one direction are thrown away once it is over.
// Then the connection takes no more, as any other whose far end does not read.
const maxLost = 4 << 20

// A socketLane is one direction of a socket: the frames that it finds, what was
// decided for them, and what is still to leave. What comes in is looked at by
// one goroutine at a time, and so is what goes out.
type socketLane struct {
	s        *socket
	up       bool            // from the client
	stop     <-chan struct{} // ends the waits of whoever takes from it
	pace     pace            // of what leaves
	deadline *deadline       // of the near end's calls
	changed  chan struct{}   // room for one: there may be something to take
	roomy    chan struct{}   // room for one: there may be room

	calls turnstile // the near end's, one at a time
	// For the goroutine that looks at what comes in.
	answer *answerHead // what comes before the frames; nil: nothing, or it is over
	frames frameScanner
	shape  messageShaper
	now    time.Time // of the turn
	told   []told    // in the turn
	ahead  fate      // of the message that begins next, by its operation
	quiet  bool      // nothing is drawn: it is not in the order of what is decided

	// Guarded by the socket's mutex.
	queue   []*parcel // in order
	urgent  []*parcel // control frames that do not wait for late messages
	taken   *parcel   // part of it may have left
	tail    *parcel   // the last of queue, if it has not been taken
	late    int       // parcels of queue that have a delay
	size    int       // bytes in all of them
	given   int       // bytes of answers that chaos gives, and that have not left
	open    bool      // what came last is in the middle of a frame
	broken  bool      // what left last is
	last    []byte    // a close frame that waits for the end of a frame
	parting bool      // a close frame has come
	over    bool      // nothing more is taken in
	err     error     // after everything
	failed  error     // why nothing can leave
	lost    int       // bytes that came after that
	half    bool      // only this direction ends
	busy    bool      // a goroutine looks after it
	raw     []byte    // in virtual time: came, and was not looked at
	rawErr  error
}

// A parcel is bytes that leave together.
type parcel struct {
	b     []byte
	start time.Time // of the delay
	due   time.Time // zero: no delay
	until time.Time // when it ends, once somebody waits
	cut   *bell     // of the delay
	holds []hold    // of the network, after the delay
	piece int       // bytes that passed the bandwidth limits
	whole bool      // it ends where a frame does
	slot  Slot      // in which it leaves; nil: in the lane's

	answer int // bytes of it that are an answer of chaos
}

func newSocketLane(s *socket, up bool, stop <-chan struct{}) *socketLane {
	l := &socketLane{s: s, up: up, stop: stop, deadline: newDeadline(), calls: make(turnstile, 1),
		changed: make(chan struct{}, 1), roomy: make(chan struct{}, 1)}
	l.frames.to = l
	return l
}

// A turnstile is a mutex that virtual time can wait at.
type turnstile chan struct{}

func (t turnstile) lock()   { t <- struct{}{} }
func (t turnstile) unlock() { <-t }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is signalled already
	}
}

// room waits until something can be taken in, and returns how much.
func (l *socketLane) room(stop <-chan struct{}, d *deadline) (int, error) {
	for {
		l.s.mu.Lock()
		room := maxQueued
		if l.late > 0 {
			room = roomUnderWay
		}
		room -= l.size
		if l.other().given > maxQueued {
			room = 0 // whoever asks has to take the answers first
		}
		if l.over {
			room = maxLost - l.lost
		}
		room -= len(l.raw)
		l.s.mu.Unlock()
		if room > 0 {
			return min(room, maxQueued), nil
		}
		var passed <-chan struct{}
		if d != nil {
			passed = d.done()
		}
		select {
		case <-l.roomy:
		case <-passed:
			return 0, opError("write", os.ErrDeadlineExceeded)
		case <-stop:
			return 0, opError("write", net.ErrClosed)
		case <-l.s.gone:
			return 0, errBroken()
		}
	}
}

// put appends a parcel of its own. s.mu is held.
func (l *socketLane) put(p *parcel) {
	l.queue, l.tail = append(l.queue, p), p
	l.size += len(p.b)
	if !p.due.IsZero() {
		l.late++
	}
	l.wake()
}

// rear is the parcel to which the next bytes belong. s.mu is held.
func (l *socketLane) rear() *parcel {
	if l.tail == nil {
		l.put(&parcel{whole: !l.open})
	}
	return l.tail
}

// grown notes that a parcel has n bytes more than before. s.mu is held.
func (l *socketLane) grown(p *parcel, before int) {
	l.size += len(p.b) - before
	p.whole = !l.open
	l.wake()
}

// overtake lets a whole frame leave before what is late. s.mu is held.
func (l *socketLane) overtake(p *parcel) {
	l.urgent = append(l.urgent, p)
	l.size += len(p.b)
	l.wake()
}

// wake tells whoever takes from the lane. s.mu is held.
func (l *socketLane) wake() {
	if l == l.s.in {
		signal(l.changed)
		return
	}
	signal(l.changed)
	if !l.busy && l.failed == nil {
		l.busy = true
		l.s.users++
		go l.s.drain()
	}
}

// finish takes nothing more in. err comes after what is queued. s.mu is held.
func (l *socketLane) finish(err error) {
	if l.over {
		return
	}
	l.over, l.err = true, err
	signal(l.roomy)
	if l == l.s.in {
		signal(l.changed)
	}
}

// discard takes nothing more in and forgets what is queued. What waits for its
// turn is still looked at: a close may be in it. s.mu is held.
func (l *socketLane) discard(err error) {
	l.finish(err)
	l.queue, l.urgent, l.tail, l.late = nil, nil, nil, 0
	l.size, l.given = 0, 0
	signal(l.other().roomy)
	if l.taken != nil {
		l.size, l.given = len(l.taken.b), l.taken.answer
	}
	signal(l.roomy)
}

// fail gives up what is queued: nothing can leave. s.mu is held.
func (l *socketLane) fail(err error) {
	if l.failed == nil {
		l.failed = err
	}
	l.discard(err)
	l.taken, l.size = nil, 0
}

// sync waits for the instant at which a parcel leaves.
func (l *socketLane) sync(p *parcel) {
	if p.slot != nil {
		(&pace{slot: p.slot}).sync()
		return
	}
	l.pace.sync()
}

// take makes the first parcel the one that is on its way, unless its delay has
// not ended. It returns nil where there is none. s.mu is held.
func (l *socketLane) take(now time.Time) (p *parcel, waits bool) {
	switch {
	case l.taken != nil:
		return l.taken, false
	case len(l.urgent) > 0 && !l.broken:
		p, l.urgent = l.urgent[0], l.urgent[1:]
	case len(l.queue) > 0:
		p = l.queue[0]
		if !p.due.IsZero() {
			if p.until.IsZero() {
				p.until = l.pace.early(p.start, p.due)
			}
			if now.Before(p.until) {
				return p, true
			}
			l.pace.reached(p.until)
			l.late--
		}
		l.queue[0], l.queue = nil, l.queue[1:]
		if l.tail == p {
			l.tail = nil
		}
	default:
		return nil, true
	}
	l.taken = p
	return p, false
}

// hand takes up to limit bytes of the parcel that is on its way, which may
// leave now. s.mu is held.
func (l *socketLane) hand(p *parcel, limit int) []byte {
	n := min(limit, p.piece)
	b := p.b[:n]
	p.b, p.piece = p.b[n:], p.piece-n
	l.size -= n
	if len(p.b) == 0 {
		l.taken, l.broken = nil, !p.whole
		if p.answer > 0 {
			l.given -= p.answer
			signal(l.other().roomy)
		}
	}
	signal(l.roomy)
	return b
}
