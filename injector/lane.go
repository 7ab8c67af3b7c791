package injector

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// maxPiece is the most that is read at once.
const maxPiece = 32 << 10

// A lane is one direction of a relay. Its reader writes what it reads itself,
// where no toxic acts, and else hands it to the lane's pump.
type lane struct {
	relay    *relay
	stream   Stream
	from, to net.Conn
	pace     *pace // of who writes without a pump
	pumpPace *pace // of the pump; belongs to the lane's only writer

	held     atomic.Int64 // bytes that were read and not written, and the end
	begun    atomic.Bool  // something was read
	wake     chan struct{}
	room     chan struct{}
	stations []*station // the pump's

	loose   *net.TCPConn // what is read without the layers; guarded by the relay's mutex
	grip    sync.Mutex   // while bytes are taken without the layers
	afloat  atomic.Bool  // the kernel has some of them
	unplain bool         // the kernel cannot carry the bytes; the reader's

	mu     sync.Mutex
	piped  bool   // there is a pump
	inbox  *piece // on its way to the pump
	direct bool   // the reader writes
	over   bool   // the end has passed, or writing failed
}

func newLane(r *relay, stream Stream, from, to net.Conn, own, pump *pace) *lane {
	return &lane{
		relay: r, stream: stream, from: from, to: to, pace: own, pumpPace: pump,
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1),
	}
}

// ring wakes somebody who waits for it, now or next time.
func ring(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it rings already
	}
}

// read carries what comes until it ends.
func (l *lane) read() {
	var b []byte
	for {
		if l.plain() {
			return
		}
		if len(b) < maxPiece/2 {
			b = make([]byte, maxPiece)
		}
		n, err := l.from.Read(b)
		now := time.Now()
		if n > 0 {
			l.begun.Store(true)
			if !l.hand(piece{data: b[:n:n], at: now}) {
				return
			}
			if l.shared() {
				b = b[n:]
			}
		}
		if err != nil {
			l.hand(piece{end: endOf(err), at: now})
			return
		}
	}
}

// shared reports whether bytes that were handed on may be in use still.
func (l *lane) shared() bool { return l.held.Load() > 0 }

func endOf(err error) end {
	switch {
	case err == io.EOF:
		return endFIN
	case errors.Is(err, syscall.ECONNRESET):
		return endReset
	}
	return endBroke
}

// hand passes a piece on. It reports false where nothing more is wanted.
func (l *lane) hand(p piece) bool {
	l.held.Add(p.size())
	l.mu.Lock()
	l.begin() // a layer may just have gone on
	for l.piped && l.inbox != nil && !l.over {
		l.mu.Unlock()
		select {
		case <-l.room:
		case <-l.relay.ended:
			return false
		}
		l.mu.Lock()
	}
	if l.over {
		l.mu.Unlock()
		return false
	}
	if l.piped {
		l.inbox = &p
		l.mu.Unlock()
		ring(l.wake)
		return true
	}
	l.direct = true
	l.mu.Unlock()
	ok := l.deliver(p, l.pace)
	l.mu.Lock()
	l.direct = false
	l.mu.Unlock()
	ring(l.wake)
	return ok
}

// deliver writes a piece. It reports false where nothing more can be.
func (l *lane) deliver(p piece, a *pace) bool {
	a.sync()
	defer l.held.Add(-p.size())
	if l.relay.due(p.at) {
		l.leave()
		return false
	}
	switch p.end {
	case 0:
		_, err := l.to.Write(p.data)
		if err == nil {
			return true
		}
		l.relay.broke(err)
	case endFIN:
		switch err := closeWrite(l.to); {
		case err == nil:
			l.relay.passed()
		case errors.Is(err, errors.ErrUnsupported):
			l.relay.finish(howClose, "")
		default:
			l.relay.broke(err)
		}
	case endReset:
		l.relay.finish(howReset, "")
	case endCut:
		l.relay.finish(howClose, p.kind)
	default:
		l.relay.finish(howClose, "")
	}
	l.leave()
	return false
}

// leave is the lane's end. What it means for the relay was said before.
func (l *lane) leave() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	ring(l.room)
	ring(l.relay.wake)
}

func (l *lane) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// size is what a piece counts for: its end too is on its way.
func (p piece) size() int64 {
	if p.end != 0 && p.end != endCut {
		return 1
	}
	return int64(len(p.data))
}
