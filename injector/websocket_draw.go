package injector

// A told is a message in which something was injected.
type told struct {
	passage *passage
	outcome outcome
}

// passage is the way of one message through the layers.
func (l *socketLane) passage(set *layerSet) *passage {
	p := newPassage(l.s.ctx, l.s.engine, l.s.target, nil)
	p.set, p.socket, p.stamp, p.arrived = set, l.s, l.now, l.now
	return p
}

// meet notes that a message or a connection enters a layer.
func (p *passage) meet(b *binding) *stay {
	p.stays = append(p.stays, stay{binding: b})
	return &p.stays[len(p.stays)-1]
}

// tell reports a message, to which something was done. s.mu is held.
func (l *socketLane) tell(p *passage, o outcome) {
	p.n = l.s.engine.admitted.Add(1)
	p.report(false)
	l.told = append(l.told, told{p, o})
}

// draw decides about a message, or about a control frame. s.mu is held.
func (l *socketLane) draw(h frameHead) (f fate) {
	if !l.ruled() {
		return fate{}
	}
	set := l.s.target.set.Load()
	p := l.passage(set)
	if p.length = h.length; !h.fin {
		p.length = -1
	}
	fault, fired := "", false
	for _, b := range set.bindings {
		if b.off.Load() || f.drop {
			continue
		}
		r := b.websocket
		if r != nil && !r.concerns(l.s.path) {
			r = nil
		}
		if b.loss == nil && r == nil {
			continue
		}
		s := p.meet(b)
		if b.loss != nil && l.lose(p, s, &f) {
			fired = true
		}
		if r == nil {
			continue
		}
		if kind, hit := p.strike(s, r.of(l.up), h, &f); hit {
			fired = true
			if fault == "" {
				fault = kind
			}
		}
	}
	if fired {
		l.tell(p, outcome{fault: fault})
	}
	return f
}

// lose draws for the packets of a message. A loss holds up everything behind
// it, as it does on a stream.
func (l *socketLane) lose(p *passage, s *stay, f *fate) bool {
	h, hit := p.loseBytes(s, l.up)
	if hit {
		f.holds = append(f.holds, h)
		p.delay += h.length
	}
	return hit
}

// strike draws for a message in one layer. Every kind draws; drop, corruption
// and truncation hide those after them, and a drop hides a delay. It returns
// the first that fired of those three.
func (p *passage) strike(s *stay, m *messageRule, h frameHead, f *fate) (fault string, fired bool) {
	if m == nil {
		return "", false
	}
	t := &m.messages
	if h.control() {
		if h.op == opClose || m.controls.drop == nil && m.controls.delay == nil {
			return "", false
		}
		t = &m.controls
	}
	ordinal := t.count.next()
	p.noteAsked(s, t.name)
	empty := h.fin && h.length == 0
	for _, c := range [...]struct {
		kind   string
		rule   *sampler
		hidden bool
	}{
		{KindMessageDrop, t.drop, false},
		{KindMessageCorruption, t.corruption, empty},
		{KindMessageTruncation, t.truncation, empty},
		{KindMessageDelay, t.delay, false},
	} {
		if c.rule == nil || !c.rule.hit(ordinal) {
			continue
		}
		fired = true
		d := Decision{Kind: c.kind, Ordinal: ordinal}
		altered := c.kind != KindMessageDelay && c.kind != KindMessageDrop && (f.corrupt || f.cut)
		if c.kind == KindMessageDelay {
			d.Delay = s.websocket.delay
		}
		if f.drop || c.hidden || altered {
			p.hide(s, c.rule, d)
			continue
		}
		p.hit(s, c.rule, d)
		if fault == "" && c.kind != KindMessageDelay {
			fault = c.kind
		}
		switch c.kind {
		case KindMessageDrop:
			f.drop = true
		case KindMessageCorruption:
			f.corrupt, f.noise = true, Mix(m.noise, ordinal)
		case KindMessageTruncation:
			f.cut, f.place = true, Mix(m.place, ordinal)
		case KindMessageDelay:
			f.delay += d.Delay
			p.delay += d.Delay
			if f.cutShort == nil {
				f.cutShort = s.cut
			}
		}
	}
	return fault, fired
}
