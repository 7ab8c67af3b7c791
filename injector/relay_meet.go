package injector

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// enroll makes the engine tell the relay of layers.
func (e *engine) enroll(r *relay) {
	e.relayMu.Lock()
	defer e.relayMu.Unlock()
	e.relayed++
	r.number = e.relayed
	e.relays[r] = struct{}{}
}

func (e *engine) forget(r *relay) {
	e.relayMu.Lock()
	defer e.relayMu.Unlock()
	delete(e.relays, r)
}

// reach lets the layers that went on act on the connections that are open, in
// the order in which they were admitted.
func (e *engine) reach() {
	e.relayMu.Lock()
	all := make([]*relay, 0, len(e.relays))
	for r := range e.relays {
		all = append(all, r)
	}
	e.relayMu.Unlock()
	slices.SortFunc(all, func(a, b *relay) int { return cmp.Compare(a.number, b.number) })
	for _, r := range all {
		r.meet()
	}
}

// strike ends the connections whose end was due before a layer goes off: their
// watchers may be late.
func (e *engine) strike(now time.Time) {
	e.relayMu.Lock()
	defer e.relayMu.Unlock()
	for r := range e.relays {
		r.strike(now.Add(-1))
	}
}

// meet decides about the connection in the layers that it has not met.
func (r *relay) meet() {
	if set := r.target.set.Load(); r.news(set) {
		p := r.part("")
		p.steps = func(p *passage) {
			for _, b := range p.set.bindings {
				p.stays = append(p.stays, stay{binding: b})
				r.draw(p, &p.stays[len(p.stays)-1], true)
			}
			p.quiet()
		}
		r.engine.alone(func(now time.Time) {
			p.stamp = now
			p.take(true)
		})
		p.finish(outcome{})
	}
	r.mu.Lock()
	r.stale = true
	running := r.running
	if running {
		r.up.catch()
		r.down.catch()
	}
	r.mu.Unlock()
	ring(r.wake)
	if running {
		ring(r.up.wake)
		ring(r.down.wake)
	}
}

// news reports whether there are toxics that did not decide yet.
func (r *relay) news(set *layerSet) bool {
	if set == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(set.bindings, func(b *binding) bool {
		_, met := r.met[b.spell()]
		return !met && len(b.toxics) > 0
	})
}

// part is a passage of something that happens to the connection.
func (r *relay) part(stream Stream) *passage {
	p := newPassage(context.Background(), r.engine, r.target, nil)
	p.conn, p.protocol, p.slotless = r.address+" "+string(stream), ProtocolTCP, true
	p.message = true
	return p
}

// quiet leaves a passage in which nothing was injected untold.
func (p *passage) quiet() {
	p.reported = len(p.decisions) == 0
	p.finished = p.reported
	if p.reported && p.timed {
		p.tellDrawn() // while the instant is known
	}
}

// decide draws for something that happens in a stream, in turn where there is
// an order.
func (r *relay) decide(b *binding, stream Stream, draw func(p *passage, s *stay)) {
	p := r.part(stream)
	p.steps = func(p *passage) {
		p.stays = append(p.stays, stay{binding: b})
		draw(p, &p.stays[0])
		p.quiet()
	}
	p.turn(true)
	p.finish(outcome{})
}

// draw decides which toxics of a layer hit the connection. It may refuse one
// that is not open yet.
func (r *relay) draw(p *passage, s *stay, open bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := s.binding.spell()
	if _, met := r.met[now]; met {
		return
	}
	r.stale = true
	var stations []*station
	for i, rule := range s.toxics {
		if rule.refuses() {
			if !open && !r.dialed.entered(s.binding) && p.refused(s, rule) {
				return
			}
			if !open || rule.Type != ToxicDown {
				continue
			}
			if _, hit := rule.drawn(p, s); hit {
				r.alarms = append(r.alarms, &alarm{at: p.now(), how: howClose, kind: rule.kind, spell: now})
			}
			continue
		}
		if station := r.fit(p, s, now, i); station != nil {
			stations = append(stations, station)
		}
	}
	r.met[now] = stations
}

// drawn takes the rule's next ordinal, and reports whether it is hit.
func (r *toxicRule) drawn(p *passage, s *stay) (ordinal uint64, hit bool) {
	ordinal = r.count.next()
	p.noteAsked(s, r.name)
	if hit = r.hits.hit(ordinal); hit && r.loss == nil { // a loss is told when something is lost
		p.hit(s, r.hits, Decision{Kind: r.kind, Ordinal: ordinal, Delay: r.delay(ordinal)})
	}
	return ordinal, hit
}

// loses draws how long a chunk is held up.
func (r *toxicRule) loses(p *passage, s *stay) (d time.Duration) {
	loss := r.loss
	ordinal := loss.ups.next()
	p.noteAsked(s, r.name+ruleChunks)
	if !loss.up.hit(ordinal) {
		return 0
	}
	if !loss.partition {
		d, _ = loss.stall(loss.up, ordinal)
	}
	p.hit(s, loss.up, Decision{Kind: r.kind, Ordinal: ordinal, Delay: d})
	return d
}

// refused draws whether a new connection is refused.
func (p *passage) refused(s *stay, rule *toxicRule) bool {
	if _, hit := rule.drawn(p, s); !hit {
		return false
	}
	p.stop(rule.kind, nil, abortRefuse)
	return true
}

// fit draws for a toxic, and makes what it does to the connection. It returns
// nil where it does nothing to a stream. r.mu is held.
func (r *relay) fit(p *passage, s *stay, now spell, i int) *station {
	rule := s.toxics[i]
	a := rule.Attributes
	out := &station{toxicRule: rule, spell: now}
	if rule.Per == PerMessage {
		out.action = r.messages(out)
		return out
	}
	ordinal, hit := rule.drawn(p, s)
	if !hit {
		return nil
	}
	key := Mix(rule.key, ordinal)
	end := p.now().Add(a.Timeout)
	switch rule.Type {
	case ToxicLatency:
		out.action = &delayed{latency: a.Latency, jitter: a.Jitter, key: key}
	case ToxicBandwidth:
		out.action = narrow{pipe: s.pipes[i]}
	case ToxicLoss:
		out.action = lossy{partition: rule.loss.partition, lost: func() time.Duration { return r.lose(s.binding, rule) }}
	case ToxicSlowClose:
		out.action = lingering{delay: a.Delay}
	case ToxicTimeout:
		out.action = silent{}
		if a.Timeout > 0 {
			r.alarms = append(r.alarms, &alarm{at: end, how: howClose, kind: rule.kind, spell: now})
		}
	case ToxicReset:
		r.alarms = append(r.alarms, &alarm{at: end, how: howReset, kind: rule.kind, spell: now})
		return nil
	case ToxicClose:
		out.action = closing{when: end}
		r.alarms = append(r.alarms, &alarm{at: end, how: howClose, kind: rule.kind, spell: now, after: rule.Stream, station: out})
	case ToxicSlicer:
		out.action = &sliced{average: a.AverageSize, variation: a.SizeVariation, delay: a.Delay, key: key}
	case ToxicLimitData:
		out.action = &limited{left: a.Bytes}
	}
	return out
}

// lose draws how long a chunk is held up.
func (r *relay) lose(b *binding, rule *toxicRule) (d time.Duration) {
	r.decide(b, rule.Stream, func(p *passage, s *stay) { d = rule.loses(p, s) })
	return d
}

// plan are the stations that act on a stream, in order. A layer that is gone does
// not come back: it is forgotten, however long the connection lasts.
func (r *relay) plan(stream Stream) []*station {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.planned()[stream]
}

// planned are the plans of both streams. r.mu is held.
func (r *relay) planned() map[Stream][]*station {
	if set := r.target.set.Load(); r.stale || set != r.set {
		was := r.plans
		r.set, r.stale = set, false
		r.plans = map[Stream][]*station{}
		maps.DeleteFunc(r.met, func(s spell, _ []*station) bool { return s.over() })
		r.alarms = slices.DeleteFunc(r.alarms, func(a *alarm) bool { return a.over() })
		if set != nil {
			for _, b := range set.bindings {
				for _, s := range r.met[b.spell()] {
					r.plans[s.Stream] = append(r.plans[s.Stream], s)
				}
			}
		}
		for stream, stations := range was {
			r.plans[stream] = withStruck(r.plans[stream], stations)
		}
	}
	return r.plans
}

// withStruck is a plan with those stations of the one before that are struck, in
// their places.
func withStruck(plan, was []*station) []*station {
	for i, s := range slices.Backward(was) {
		if !s.struck.Load() || slices.Contains(plan, s) {
			continue
		}
		at := len(plan)
		for _, next := range was[i+1:] {
			if j := slices.Index(plan, next); j >= 0 {
				at = j
				break
			}
		}
		plan = slices.Insert(plan, at, s)
	}
	return plan
}
