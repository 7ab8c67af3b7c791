package injector

import (
	"context"
	"time"
)

// ConnContextKey is the context key under which a server may give requests a
// value with a method PeerGone() <-chan struct{}, see http.Server.ConnContext.
// net/http notices that a client has left only once the request's body was
// read; with such a value a wait ends at once for large and streamed bodies
// too, unless more of a body is on its way than the connection has room for: the
// kernel then hears of the client's end behind it.
type ConnContextKey struct{}

// woke is why a wait ended.
type woke int

const (
	wokeTime   woke = iota // it came to its end
	wokeSignal             // what it waited for happened
	wokeHealed             // the layer was removed, or everything was released
	wokeLeft               // the client left
)

// await waits until an instant (the zero one never comes), until a signal, or
// until one of two bells rings; nil ones never do.
func (p *passage) await(until time.Time, signal <-chan struct{}, gone, cut *bell) woke {
	var t timer
	var fired <-chan time.Time
	if !until.IsZero() {
		if time.Until(until) <= 0 {
			return wokeTime
		}
		t = p.engine.timer(until)
		defer t.Stop()
		fired = t.C
	}
	heard, stop, quiet := listenAll(gone, cut)
	if !quiet {
		return wokeHealed
	}
	defer stop()
	late, forget := p.late()
	defer forget()
	select {
	case <-fired:
		t.rest()
		p.pace.reached(until)
		return wokeTime
	case <-late:
		p.expired = true
		return wokeLeft
	case <-signal:
		return wokeSignal
	case <-heard:
		return wokeHealed
	case <-p.ctx.Done():
		return wokeLeft
	case <-peerGone(p.ctx):
		return wokeLeft
	}
}

func peerGone(ctx context.Context) <-chan struct{} {
	if conn, ok := ctx.Value(ConnContextKey{}).(interface{ PeerGone() <-chan struct{} }); ok {
		return conn.PeerGone()
	}
	return nil
}

// leaving is the error of a wait that ended because the client left: the context's,
// which may come to know it a moment after the connection does.
func leaving(err error) error {
	if err == nil {
		return context.Canceled
	}
	return err
}

// waiting is a wait in the middle of the walk, with no computed end.
type waiting interface {
	// sit waits. It reports false when the client left; otherwise the walk
	// goes on, or a terminal fault was set and reported.
	sit(p *passage) bool
	// over ends the wait. It may set a terminal fault.
	over(p *passage, why woke, now time.Time)
}

// wakes ends the request's wait, and reports what it ended with.
func (p *passage) wakes(why woke) bool {
	p.engine.alone(func(now time.Time) {
		p.restamp(now)
		p.wait.over(p, why, now)
		p.resumes(now, why)
		if p.end.kind != "" {
			p.report(false)
		}
	})
	return why != wokeLeft
}

// reportNow reports a request that will not come further, if it was not
// reported yet.
func (p *passage) reportNow() {
	if p.reported {
		return
	}
	p.engine.alone(func(now time.Time) {
		p.restamp(now)
		p.report(false)
	})
}

// queued waits in the queue of the bulkhead of the last layer entered.
type queued struct {
	place *place
	until time.Time
}

func (q *queued) sit(p *passage) bool {
	s := &p.stays[len(p.stays)-1]
	why := p.await(q.until, q.place.granted, &s.gone, s.cut)
	p.pace.syncIf(why == wokeLeft || why == wokeTime)
	return p.wakes(why)
}

func (q *queued) over(p *passage, why woke, now time.Time) {
	s := &p.stays[len(p.stays)-1]
	s.inBulkhead = s.bulkhead.quit(now, q.place)
	switch {
	case why == wokeLeft:
	case why == wokeTime && !s.inBulkhead:
		p.refuseAtBulkhead(s, "bulkhead_timeout", "waited too long for "+p.target.name)
	default:
		s.reached.bulkhead.Add(1)
	}
}

// partitioned waits in a link on which nothing arrives. Where until is set, the
// connection is reset then.
type partitioned struct {
	layer *layer
	until time.Time
}

func (w *partitioned) sit(p *passage) bool {
	return p.wakes(p.await(w.until, nil, &w.layer.gone, w.layer.cut))
}

func (w *partitioned) over(p *passage, why woke, _ time.Time) {
	if why == wokeTime {
		p.stop(KindPacketLoss, nil, abortReset)
	}
}

// pause serves the delays that were decided: first the stalls, each of which
// ends with its layer, then the computed delay. It reports false when the
// client left.
func (p *passage) pause() bool {
	if len(p.stalls) == 0 && p.delay <= 0 {
		return true
	}
	p.readAhead()
	from := p.now()
	for i, s := range p.stalls {
		end := from.Add(s.length)
		if i == len(p.stalls)-1 && p.delay <= 0 {
			end = p.pace.early(p.stamp, end)
		}
		switch p.await(end, nil, &s.gone, s.cut) {
		case wokeLeft:
			return false
		case wokeHealed:
			if !p.turn(false) {
				return false
			}
			from = p.now()
		default:
			from = from.Add(s.length)
		}
	}
	if p.delay <= 0 {
		return true
	}
	switch p.await(p.pace.early(p.stamp, from.Add(p.delay)), nil, nil, p.stays[0].cut) {
	case wokeLeft:
		return false
	case wokeHealed:
		return p.turn(false)
	}
	return true
}

// stallDown serves the stalls of the response, before its first byte.
func (p *passage) stallDown() (reset, left bool) {
	if p.end.abort != 0 {
		return false, false // there is no response
	}
	p.until = time.Time{} // the answer is on its way
	for _, s := range p.downs {
		now := time.Now()
		switch p.await(p.pace.further(now, now.Add(s.length)), nil, &s.gone, s.cut) {
		case wokeLeft:
			return false, true
		case wokeTime:
			if s.reset {
				return true, false
			}
		}
	}
	p.downs = nil
	return false, false
}
