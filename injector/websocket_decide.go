package injector

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"
)

// arrive takes what was read from the far end. err ended the reading.
func (l *socketLane) arrive(b []byte, err error) {
	s := l.s
	if s.engine.sequencer == nil {
		if len(b) > 0 {
			l.decide(b)
		}
		s.mu.Lock()
		l.ends(err)
		s.mu.Unlock()
		_ = s.settle() // nobody waits for it
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.raw, l.rawErr = append(l.raw, b...), err
	if !l.busy {
		l.busy = true
		s.users++
		go l.takeTurns()
	}
}

// ends notes that nothing more comes from the far end. s.mu is held.
func (l *socketLane) ends(err error) {
	if err != nil {
		l.s.farOver = true
		l.leftOver()
		l.finish(err)
	}
}

// leftOver lets go on what was kept until it would be whole: nothing more comes.
// s.mu is held.
func (l *socketLane) leftOver() {
	if l.shut() || l.answer != nil {
		return
	}
	if m, ok := l.frames.to.(*graphqlMessages); ok {
		m.release()
	}
	if rest := l.frames.rest(); len(rest) > 0 {
		l.aliens(rest)
	}
}

// takeTurns looks at what has come, in turn: by then everything of one instant
// has, however it was cut up.
func (l *socketLane) takeTurns() {
	s := l.s
	defer s.leave()
	for {
		l.inTurn(true, func(now time.Time) {
			s.mu.Lock()
			defer s.mu.Unlock()
			b := l.raw
			l.raw = nil
			l.look(b, now)
		})
		s.mu.Lock()
		rest := len(l.raw) == 0
		if rest {
			l.busy = false
			l.ends(l.rawErr)
			signal(l.roomy)
		}
		s.mu.Unlock()
		if rest {
			_ = s.settle() // nobody waits for it
			return
		}
	}
}

// decide looks at the next bytes, in turn where something is drawn for them.
func (l *socketLane) decide(b []byte) {
	l.quiet = false
	l.inTurn((l.kept() || !l.frames.deep(len(b))) && l.ruled(), func(now time.Time) {
		l.s.mu.Lock()
		defer l.s.mu.Unlock()
		l.look(b, now)
	})
}

// kept reports whether messages are kept until they are whole: what is decided
// then belongs to their last byte.
func (l *socketLane) kept() bool {
	_, ok := l.frames.to.(*graphqlMessages)
	return ok
}

// ruled reports whether a layer in force draws for messages.
func (l *socketLane) ruled() bool {
	set := l.s.target.set.Load()
	if set == nil || l.quiet {
		return false
	}
	for _, b := range set.bindings {
		if b.loss != nil || b.websocket != nil || b.graphql != nil {
			return true
		}
	}
	return false
}

// inTurn calls f, where asked in the order of everything that is decided, and
// then tells the observer what ended.
func (l *socketLane) inTurn(asked bool, f func(now time.Time)) {
	e := l.s.engine
	l.quiet = !asked && e.order != nil
	switch {
	case asked && e.order != nil:
		e.order.do(f)
	case asked && e.sequencer != nil:
		// The background context never ends, so Turn cannot fail.
		_ = e.sequencer.Turn(context.Background(), l.key, f)
	default:
		f(time.Now())
	}
	for _, t := range l.told {
		t.passage.finish(t.outcome)
	}
	l.told = nil
}

// key orders what arrives at the same instant.
func (l *socketLane) key() string {
	direction := "down"
	if l.up {
		direction = "up"
	}
	return l.s.target.name + "\x00" + ProtocolWebSocket + "\x00" + strconv.FormatInt(1<<62+l.s.number, 10) + "\x00" + direction
}

// look finds the frames in bytes that came. s.mu is held.
func (l *socketLane) look(b []byte, now time.Time) {
	l.now = now
	if l.over {
		l.lost += len(b)
	}
	if l.answer != nil {
		b = l.answer.take(l, b)
	}
	l.frames.alien = l.frames.alien || l.s.alien
	l.frames.feed(b)
}

// begin implements framed: it decides about a message.
func (l *socketLane) begin(h frameHead) {
	if l.shut() {
		l.shape.begin(fate{drop: true}, h)
		return
	}
	f := l.draw(h)
	if !f.drop {
		f.delay += l.ahead.delay
		f.cutShort = cmp.Or(f.cutShort, l.ahead.cutShort)
	}
	l.ahead = fate{}
	if f.delay > 0 || len(f.holds) > 0 {
		l.put(l.parcel(f, nil))
	}
	l.shape.begin(f, h)
}

// frameHead implements framed.
func (l *socketLane) frameHead(h frameHead, raw []byte) {
	if l.shut() {
		return
	}
	p := l.rear()
	before := len(p.b)
	p.b = l.shape.head(p.b, h, raw)
	l.open = l.shape.passes() && h.length > 0
	l.grown(p, before)
}

// payload implements framed.
func (l *socketLane) payload(h frameHead, b []byte, offset int64) {
	if l.over {
		return
	}
	p := l.rear()
	before := len(p.b)
	p.b = l.shape.payload(p.b, h, b, offset)
	l.open = l.shape.passes() && offset+int64(len(b)) < h.length
	l.grown(p, before)
	if l.last != nil && !l.open {
		l.goodbye(l.last)
	}
}

// messageEnd implements framed.
func (l *socketLane) messageEnd() { l.counted() }

// controlFrame implements framed. A close never overtakes a message.
func (l *socketLane) controlFrame(h frameHead, raw []byte) {
	if h.op == opClose {
		l.parting = true
		l.s.farOver = l.s.farOver || l.s.closing != nil && l == l.s.in
	}
	if l.shut() {
		return
	}
	f := l.draw(h)
	switch {
	case f.drop:
		if len(f.holds) > 0 {
			l.put(l.parcel(f, nil))
		}
	case f.delay == 0 && l.late > 0 && h.op != opClose:
		l.overtake(l.parcel(f, raw))
	case f.delay == 0 && len(f.holds) == 0:
		p := l.rear()
		before := len(p.b)
		p.b = append(p.b, raw...)
		l.grown(p, before)
	default:
		l.put(l.parcel(f, raw))
	}
}

// aliens implements framed.
func (l *socketLane) aliens(b []byte) {
	if l.over {
		return
	}
	l.open = true // nothing can be put between these bytes
	p := l.rear()
	before := len(p.b)
	p.b = append(p.b, b...)
	l.grown(p, before)
}

// shut reports whether no further frame is let in.
func (l *socketLane) shut() bool { return l.over || l.last != nil }

// parcel makes a parcel of whole frames with that fate.
func (l *socketLane) parcel(f fate, frames []byte) *parcel {
	p := &parcel{b: slices.Clone(frames), holds: f.holds, whole: true}
	if f.delay > 0 {
		p.start, p.due, p.cut = l.now, l.now.Add(f.delay), f.cutShort
	}
	return p
}
