package injector

import "time"

// messages is what a toxic that acts on single messages does. Each message is
// drawn for when its first byte comes.
type messages struct {
	relay   *relay
	station *station
	framer  framer
	chunk   bool // the framing is lost: each chunk is a message

	release time.Time // of the message that is going on
	close   time.Time // of the connection, in front of it; zero: never
}

// messages makes the action of a station.
func (r *relay) messages(s *station) action {
	return &messages{relay: r, station: s, framer: newFramer(s.Protocol, s.Stream, !r.begun(s.Stream))}
}

func (m *messages) next(b []byte, at, last time.Time) (int, time.Time) {
	n, starts := m.split(b)
	if starts {
		m.start(at)
	}
	return n, later(later(at, m.release), last)
}

// split finds the part of one message at the beginning of the bytes. Where they
// cannot be told apart, it is all of them.
func (m *messages) split(b []byte) (n int, starts bool) {
	if !m.chunk {
		if n, starts, ok := m.framer.next(b); ok {
			return n, starts
		}
		m.chunk = true
	}
	return len(b), true
}

// start draws for a message that came at an instant.
func (m *messages) start(at time.Time) {
	rule := m.station.toxicRule
	m.release = time.Time{}
	m.relay.decide(m.station.binding, rule.Stream, func(p *passage, s *stay) {
		if ordinal, hit := rule.drawn(p, s); hit {
			m.strike(at, rule.delay(ordinal))
		}
	})
}

// strike does to a message what the toxic does.
func (m *messages) strike(at time.Time, d time.Duration) {
	if m.station.Type == ToxicLatency {
		m.release = at.Add(d)
		return
	}
	m.release = never
	switch {
	case m.station.Type == ToxicClose:
		m.close = at.Add(d)
		m.relay.alarmed(&alarm{at: m.close, how: howClose, kind: m.station.kind, spell: m.station.spell, after: m.station.Stream, station: m.station})
	case m.station.Type == ToxicReset:
		m.arm(at.Add(d), howReset)
	case d > 0:
		m.arm(at.Add(d), howClose)
	}
}

func (m *messages) arm(at time.Time, how how) {
	m.relay.alarmed(&alarm{at: at, how: how, kind: m.station.kind, spell: m.station.spell})
}

// fin is when nothing is held any more.
func (m *messages) fin(at, last time.Time) time.Time { return later(at, last) }

func (m *messages) cut(bool) time.Time {
	if m.close.IsZero() {
		return never
	}
	return m.close
}

func (m *messages) room() int {
	if m.station.Type == ToxicLatency {
		return roomUnderWay
	}
	return roomWaiting
}

// alarmed adds an alarm.
func (r *relay) alarmed(a *alarm) {
	r.mu.Lock()
	r.alarms = append(r.alarms, a)
	r.mu.Unlock()
	ring(r.wake)
}

// begun reports whether bytes of a stream may have passed already. r.mu is held.
func (r *relay) begun(stream Stream) bool {
	if !r.running {
		return false
	}
	l := r.down
	if stream == Upstream {
		l = r.up
	}
	return l.begun.Load() || l.loose != nil // what the kernel carries is not known yet
}
