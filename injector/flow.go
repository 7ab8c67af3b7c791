package injector

import (
	"context"
	"net"
	"os"
	"slices"
	"syscall"
	"time"
)

// A flow is one direction of an accepted connection: what holds up its bytes.
// It is for one goroutine at a time.
type flow struct {
	conn     *conn
	up       bool // from the client
	deadline *deadline
	pace     pace
	holds    []hold    // still to be served, in order
	came     time.Time // when the bytes that they are for did
}

// A hold is a wait before bytes go on.
type hold struct {
	*layer
	length  time.Duration // from the end of the hold before
	until   time.Time     // instead of length, once it began
	forever bool          // until the layer goes
	stalled bool          // ends with the layer
	reset   bool          // at the end the connection is reset
	held    *tally        // of a bandwidth limit; nil: nobody asks
}

// decide draws for n bytes of this direction, in turn where there is an order.
// starts says that they are the first of an exchange, or of a Write.
func (f *flow) decide(n int, starts bool) {
	f.came = time.Now()
	l := f.conn.listener
	if !f.meets(l.target.set.Load()) {
		return
	}
	p := newPassage(context.Background(), l.engine, l.target, nil)
	p.conn, p.protocol = f.conn.RemoteAddr().String()+" "+f.op(), ProtocolTCP
	p.steps = func(p *passage) { f.draw(p, starts) }
	p.slotless, p.message = true, true
	p.turn(true)
	p.finish(outcome{})
	for _, b := range p.set.bindings {
		limit := b.down
		if f.up {
			limit = b.up
		}
		if limit != nil && n > 0 && !b.off.Load() {
			f.pace.sync()
			h := hold{layer: b.layer, until: limit.reserve(time.Now(), n), stalled: true}
			if whole := f.conn.passage; whole != nil {
				h.held = whole.held.of(f.up)
			}
			f.holds = append(f.holds, h)
		}
	}
}

// meets reports whether anything can hold up the bytes of this direction.
func (f *flow) meets(set *layerSet) bool {
	return set != nil && slices.ContainsFunc(set.bindings, func(b *binding) bool {
		return b.loss != nil || b.down != nil || f.up && b.layer.latency != nil
	})
}

func (f *flow) draw(p *passage, starts bool) {
	for _, b := range p.set.bindings {
		p.stays = append(p.stays, stay{binding: b})
		s := &p.stays[len(p.stays)-1]
		if b.loss != nil && (starts || f.up) {
			if h, hit := p.loseBytes(s, f.up); hit {
				f.holds = append(f.holds, h)
			}
		}
		if b.layer.latency != nil && f.up && starts {
			if d, hit := p.delayBytes(s); hit {
				f.holds = append(f.holds, hold{layer: b.layer, length: d})
			}
		}
	}
	p.quiet()
}

// loseBytes draws for a packet of a connection, and tells how it is held up.
func (p *passage) loseBytes(s *stay, up bool) (h hold, hit bool) {
	r := s.loss
	rule, ordinals, name := r.down, &r.downs, ruleLossDown
	if up {
		rule, ordinals, name = r.up, &r.ups, ruleLossUp
	}
	ordinal := ordinals.next()
	p.noteAsked(s, name)
	if !rule.hit(ordinal) {
		return hold{}, false
	}
	h = hold{layer: s.layer, stalled: true, forever: r.partition}
	if !r.partition {
		h.length, h.reset = r.stall(rule, ordinal)
	}
	p.hit(s, rule, Decision{Kind: KindPacketLoss, Ordinal: ordinal, Delay: h.length})
	return h, true
}

// delayBytes draws for the first bytes of an exchange.
func (p *passage) delayBytes(s *stay) (d time.Duration, hit bool) {
	r := s.layer.latency
	share, in := p.admits(s, r.times, ruleLatency)
	if !in {
		return 0, false
	}
	ordinal := r.count.next()
	if !r.hits.thin(ordinal, share) {
		return 0, false
	}
	d, jitter := r.delay(ordinal)
	p.delay += d
	p.jitter += jitter
	p.hit(s, r.hits, Decision{Kind: KindLatency, Ordinal: ordinal, Delay: d})
	return d, true
}

// wait serves the holds. What is left when a deadline passes is served by the
// next call.
func (f *flow) wait() error {
	for len(f.holds) > 0 {
		h := &f.holds[0]
		if h.until.IsZero() && !h.forever {
			now := f.begin()
			h.until = f.pace.early(now, now.Add(h.length))
		}
		start := time.Now()
		err := f.serve(h)
		h.held.since(start)
		if err != nil {
			return err
		}
		f.holds, f.came = f.holds[1:], time.Time{}
	}
	f.holds = nil
	f.pace.sync()
	return nil
}

// begin is when the next hold begins: the first one as the bytes came, for in
// real time it takes some to decide about them.
func (f *flow) begin() time.Time {
	if f.came.IsZero() || f.pace.slot != nil {
		return time.Now()
	}
	return f.came
}

func (f *flow) serve(h *hold) error {
	var t timer
	var fired <-chan time.Time
	if !h.forever {
		t = f.conn.listener.engine.timer(h.until)
		defer t.Stop()
		fired = t.C
	}
	var gone *bell
	if h.stalled {
		gone = &h.gone
	}
	heard, stop, quiet := listenAll(gone, h.cut)
	if !quiet {
		return nil
	}
	defer stop()
	select {
	case <-fired:
		t.rest()
		f.pace.reached(h.until)
		if h.reset {
			f.conn.lost()
			return f.fail(os.NewSyscallError(f.op(), syscall.ECONNRESET))
		}
	case <-heard:
	case <-f.deadline.done():
		return f.fail(os.ErrDeadlineExceeded)
	case <-f.conn.closed:
		return f.fail(net.ErrClosed)
	}
	return nil
}

func (f *flow) op() string {
	if f.up {
		return "read"
	}
	return "write"
}

func (f *flow) fail(err error) error {
	c := f.conn
	return &net.OpError{Op: f.op(), Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
