package injector

import (
	"context"
	"net/http"
	"time"
)

// newPassage starts a request's way. It is not admitted yet.
func newPassage(ctx context.Context, e *engine, t *target, r *http.Request) *passage {
	p := &passage{engine: e, target: t, request: r, ctx: ctx}
	p.stays = p.stays1[:0]
	return p
}

// admit walks the request through the layers and serves the delays that they
// decided. It reports false when the client left first.
func (p *passage) admit() bool {
	p.expect()
	if p.engine.sequencer != nil {
		p.readAhead()
	}
	for {
		if !p.turn(true) {
			return false
		}
		if p.set == nil {
			p.look()
			continue
		}
		if p.wait == nil {
			return p.pause()
		}
		p.readAhead()
		if !p.wait.sit(p) {
			return false
		}
		if p.end.kind != "" {
			return true
		}
	}
}

// turn takes the request's turn where there is an order, and walks on if asked.
// It reports false when the client left first.
func (p *passage) turn(walk bool) bool {
	switch {
	case p.engine.order != nil:
		p.engine.order.do(func(now time.Time) {
			p.stamp = now
			p.take(walk)
		})
		return true
	case p.engine.sequencer == nil:
		p.stamp = time.Time{}
		p.take(walk)
		return true
	}
	return p.engine.sequencer.Turn(p.ctx, p.key, func(stamp time.Time) {
		p.stamp = stamp
		p.take(walk)
	}) == nil
}

func (p *passage) take(walk bool) {
	if p.set == nil {
		if p.looks() {
			return // and comes again
		}
		p.enroll()
	}
	if !walk {
		return
	}
	switch {
	case p.steps != nil:
		p.steps(p)
	case p.pinned(): // what there was to wait for is among its delays
	default:
		p.wait = p.walk()
	}
	if p.wait == nil {
		p.report(p.end.kind == "")
		return
	}
	p.waits()
}

// enroll numbers the request and takes the layers in force.
func (p *passage) enroll() {
	p.n = p.engine.admitted.Add(1)
	if p.set = p.target.set.Load(); p.set == nil {
		p.set = &layerSet{watched: true}
	}
	if p.engine.sequencer != nil && !p.slotless {
		p.slot = p.engine.sequencer.Slot()
		p.pace.slot = p.slot
	}
	if p.engine.observer != nil {
		p.arrived = p.now()
	}
}

// An outcome is how a request ended.
type outcome struct {
	status   int
	fault    string
	failed   bool
	canceled bool
}

// finish gives back what the request held in its layers, the innermost first,
// and tells the observer. It does so once, and at the instant of departure:
// the caller has waited for it.
func (p *passage) finish(o outcome) {
	if p.finished {
		return
	}
	p.finished = true
	if p.cut != nil {
		p.cut.end()
	}
	if p.set == nil {
		return // never admitted
	}
	spared := p.spare()
	if p.engine.observer == nil && p.engine.order == nil {
		p.leaveAll(o, time.Time{})
		return
	}
	p.engine.alone(func(now time.Time) {
		p.leaveAll(o, now)
		if p.engine.observer != nil {
			p.toldDone = Outcome{
				N: p.n, At: now, Target: p.target.name, Endpoint: p.endpoint, Layers: p.refs(),
				Status: o.status, Fault: o.fault, Failed: o.failed, Canceled: o.canceled,
				HeldUp: p.held.up.total(), HeldDown: p.held.down.total(), Decisions: p.decisions, Spared: spared, Context: p.ctx,
			}
			p.engine.observer.Done(&p.toldDone)
		}
	})
}

// leaveAll gives back what the request holds. now is the instant to use, or
// zero: the clock is read where it is needed.
func (p *passage) leaveAll(o outcome, now time.Time) {
	for i := len(p.stays) - 1; i >= 0; i-- {
		p.stays[i].leave(p.verdict(i, o), now)
	}
}

// verdict is what the breaker of one layer learns. A rejection by the bulkhead
// of the same layer says nothing about the upstream.
func (p *passage) verdict(i int, o outcome) result {
	switch {
	case o.canceled && !o.failed, p.end.kind == KindBulkhead && p.end.stay == i:
		return resultNone
	case o.failed:
		return resultFailure
	}
	return resultSuccess
}

func (s *stay) leave(r result, now time.Time) {
	if now.IsZero() && (s.inBulkhead || s.generation != 0) {
		now = time.Now()
	}
	if s.conn != "" {
		s.conns.leave(s.conn)
	}
	if s.inBulkhead {
		s.bulkhead.release(now)
	}
	if s.faulty {
		s.busy.giveBack()
	}
	if s.generation != 0 {
		s.breaker.record(now, s.generation, r)
	}
}

// abandon ends a request whose client left while it waited. A fault that was
// decided for it counts all the same: most clients do not wait a time-out out.
func (p *passage) abandon() {
	if p.set == nil {
		return
	}
	p.pace.sync()
	p.reportNow()
	p.finish(outcome{fault: p.end.kind, failed: p.fails(), canceled: true})
	p.depart()
}

// depart gives the slot back after the last departure.
func (p *passage) depart() {
	if p.slot != nil {
		p.slot.Release()
		p.slot = nil
	}
	for _, s := range p.slots {
		s.Release()
	}
	p.slots = nil
}

// extra is a slot of a relay's; nil without a Sequencer.
func (p *passage) extra(i int) Slot {
	if p == nil || i >= len(p.slots) {
		return nil
	}
	return p.slots[i]
}
