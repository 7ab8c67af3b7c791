package injector

import (
	"net"
	"os"
	"syscall"
	"time"
)

// next waits until something may leave, and returns up to limit bytes of it:
// valid until the next call. What is left when a deadline passes is there the
// next time. Of what is dropped nothing is left: the near end waits on, and to
// the far end nothing leaves, which may have been all.
func (l *socketLane) next(limit int) ([]byte, error) {
	for {
		p, err := l.pick()
		if err != nil {
			return nil, err
		}
		if err := l.carry(p); err != nil {
			return nil, err
		}
		l.sync(p)
		l.s.mu.Lock()
		if l.taken != p { // given up meanwhile
			l.s.mu.Unlock()
			continue
		}
		b := l.hand(p, limit)
		l.s.mu.Unlock()
		if len(b) > 0 || l == l.s.out {
			return b, nil
		}
	}
}

// pick waits for a parcel whose delay is over.
func (l *socketLane) pick() (*parcel, error) {
	for {
		l.s.mu.Lock()
		if l == l.s.in && l.s.closed {
			l.s.mu.Unlock()
			return nil, opError("read", net.ErrClosed)
		}
		p, waits := l.take(time.Now())
		err := l.err
		var until time.Time
		if p != nil {
			until = p.until
		}
		l.s.mu.Unlock()
		switch {
		case !waits:
			return p, nil
		case p == nil && err != nil:
			l.pace.sync()
			return nil, err
		}
		var cut *bell
		if p != nil {
			cut = p.cut
		}
		switch why, err := l.await(until, l.changed, nil, cut); {
		case err != nil:
			return nil, err
		case why == wokeHealed:
			l.s.mu.Lock()
			p.until = time.Now()
			l.s.mu.Unlock()
		}
	}
}

// carry serves what the network does to a parcel, or to its next piece.
func (l *socketLane) carry(p *parcel) error {
	for {
		for len(p.holds) > 0 {
			h := &p.holds[0]
			start := time.Now()
			err := l.serve(h)
			h.held.since(start)
			if err != nil {
				return err
			}
			p.holds = p.holds[1:]
		}
		if p.piece > 0 || len(p.b) == 0 {
			return nil
		}
		set := l.s.target.set.Load()
		p.piece = set.chunk(len(p.b), l.up)
		if set == nil {
			return nil
		}
		for _, b := range set.bindings {
			limit := b.down
			if l.up {
				limit = b.up
			}
			if limit == nil || b.off.Load() {
				continue
			}
			l.pace.sync()
			h := hold{layer: b.layer, until: limit.reserve(time.Now(), p.piece), stalled: true}
			if l.s.passage != nil {
				h.held = l.s.passage.held.of(l.up)
			}
			p.holds = append(p.holds, h)
		}
	}
}

// serve waits a hold of the network out.
func (l *socketLane) serve(h *hold) error {
	if h.until.IsZero() && !h.forever {
		now := time.Now()
		h.until = l.pace.early(now, now.Add(h.length))
	}
	until := h.until
	if h.forever {
		until = time.Time{}
	}
	var gone *bell
	if h.stalled {
		gone = &h.gone
	}
	why, err := l.await(until, nil, gone, h.cut)
	if why == wokeTime && h.reset && err == nil {
		l.s.reset()
		return opError("read", os.NewSyscallError("read", syscall.ECONNRESET))
	}
	return err
}

// await waits until an instant (the zero one never comes), until there is news,
// or until a bell rings. The end of the connection and the deadline of the near
// end are errors.
func (l *socketLane) await(until time.Time, news <-chan struct{}, gone, cut *bell) (woke, error) {
	var t timer
	var fired <-chan time.Time
	if !until.IsZero() {
		if time.Until(until) <= 0 {
			return wokeTime, nil
		}
		t = l.s.engine.timer(until)
		defer t.Stop()
		fired = t.C
	}
	heard, stop, quiet := listenAll(gone, cut)
	if !quiet {
		return wokeHealed, nil
	}
	defer stop()
	var passed <-chan struct{}
	if l == l.s.in {
		passed = l.deadline.done()
	}
	select {
	case <-fired:
		t.rest()
		l.pace.reached(until)
		return wokeTime, nil
	case <-heard:
		return wokeHealed, nil
	case <-news:
		return wokeSignal, nil
	case <-passed:
		return wokeLeft, opError("read", os.ErrDeadlineExceeded)
	case <-l.stop:
		return wokeLeft, opError("read", net.ErrClosed)
	}
}
