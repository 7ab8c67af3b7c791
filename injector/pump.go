package injector

import (
	"slices"
	"time"
)

// start gives the lane a pump, if toxics want one and it has none.
func (l *lane) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begin()
}

// begin is start where l.mu is held.
func (l *lane) begin() {
	if l.piped || l.over || len(l.relay.plan(l.stream)) == 0 {
		return
	}
	l.piped = true
	l.relay.pumps.Go(l.pump)
}

// pump moves what the reader hands over through the stations, until no toxic acts
// any more and nothing is left in them.
func (l *lane) pump() {
	var now time.Time // nominal: computed instants, not those of timers
	for l.takeOver() {
		now = later(time.Now(), now)
		l.refit()
		l.accept()
		if slices.ContainsFunc(l.stations, (*station).shared) {
			l.pumpPace.sync() // what is shared is met at an instant of one's own
			now = later(time.Now(), now)
		}
		next, ok := l.advance(now)
		if !ok || l.retire() {
			return
		}
		if !next.After(now) || l.waits() {
			continue
		}
		if now, ok = l.rest(now, next); !ok {
			return
		}
	}
}

// takeOver waits until neither the reader nor the kernel has anything to write
// that came before the toxics.
func (l *lane) takeOver() bool {
	for {
		l.mu.Lock()
		direct := l.direct
		l.mu.Unlock()
		l.grip.Lock() // what is taken just now is known then
		afloat := l.afloat.Load()
		l.grip.Unlock()
		if !direct && !afloat {
			return true
		}
		select {
		case <-l.wake:
		case <-l.relay.ended:
			return false
		}
	}
}

// rest waits until an instant, or until something happens. It returns the
// nominal instant that it is then.
func (l *lane) rest(now, next time.Time) (time.Time, bool) {
	var t timer
	var fired <-chan time.Time
	if next.Before(never) {
		t = l.relay.engine.timer(l.pumpPace.early(time.Now(), next))
		defer t.Stop()
		fired = t.C
	}
	select {
	case <-fired:
		t.rest()
		l.pumpPace.reached(t.at)
		return next, true
	case <-l.wake:
		return now, true
	case <-l.relay.ended:
		return now, false
	}
}

// accept takes what the reader hands over, where there is room.
func (l *lane) accept() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.comes() {
		return
	}
	p := *l.inbox
	l.inbox = nil
	if len(l.stations) == 0 {
		// The last station has just gone: this passes it by.
		l.stations = append(l.stations, passing())
	}
	l.stations[0].push(p)
	ring(l.room)
}

// waits reports whether something can be accepted: what moved made room.
func (l *lane) waits() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.comes()
}

// comes is waits where l.mu is held.
func (l *lane) comes() bool {
	return l.inbox != nil && (len(l.stations) == 0 || !l.stations[0].full())
}

// advance moves everything that is ready. It returns when something will be,
// and false at the end.
func (l *lane) advance(now time.Time) (next time.Time, ok bool) {
	next = never
	for i := len(l.stations) - 1; i >= 0; {
		s, last := l.stations[i], i == len(l.stations)-1
		due := s.ready(now)
		if due.After(now) {
			next = sooner(next, due)
			i--
			continue
		}
		if !last && l.stations[i+1].full() {
			s.late = true
			i--
			continue
		}
		p := s.pop(now)
		if !last {
			l.stations[i+1].push(p)
			i++
			continue
		}
		if !l.deliver(p, l.pumpPace) {
			return never, false
		}
		now = later(now, time.Now())
	}
	return next, true
}

// refit makes the stations those of the toxics that act now. A station whose toxic
// has gone stays until it is empty.
func (l *lane) refit() {
	want := l.relay.plan(l.stream)
	if slices.Equal(l.stations, want) {
		return
	}
	var out []*station
	old := l.stations
	for _, s := range want {
		for i, o := range old {
			if o == s {
				out = append(out, remaining(old[:i])...)
				old = old[i+1:]
				break
			}
		}
		out = append(out, s)
	}
	l.stations = append(out, remaining(old)...)
}

// remaining are the stations that are not empty.
func remaining(all []*station) []*station {
	var out []*station
	for _, s := range all {
		if len(s.queue) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// retire ends the pump where the reader can do without it.
func (l *lane) retire() bool {
	if len(l.stations) > 0 && (len(l.relay.plan(l.stream)) > 0 || len(remaining(l.stations)) > 0) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inbox != nil || len(l.relay.plan(l.stream)) > 0 {
		return false
	}
	l.stations, l.piped = nil, false
	return true
}

// passing is a station of a toxic that has gone.
func passing() *station {
	gone := &layer{}
	gone.off.Store(true)
	return &station{toxicRule: &toxicRule{}, spell: spell{binding: &binding{layer: gone}}, action: steady{}}
}
