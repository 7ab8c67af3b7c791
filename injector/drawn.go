package injector

import (
	"maps"
	"sync"
	"time"
)

// A Drew says how often rules of a layer were asked about connections and
// messages since the last Drew of that layer. Nothing was decided, but for what the
// call right after it tells of a connection or message that entered the layer: it
// asked last.
type Drew struct {
	At    time.Time
	Layer LayerRef
	Rules map[string]int // by the name of the rule: what it is about, and for which of several
	Quiet bool           // nothing was decided the last time either
}

// Names of rules that connections and messages ask.
const (
	ruleFaults     = "fault_injection"
	ruleLatency    = "latency"
	ruleLossUp     = "packet_loss up"
	ruleLossDown   = "packet_loss down"
	ruleBandwidth  = "bandwidth"
	ruleChunks     = " chunks" // of a toxic's name
	ruleClose      = "websocket close"
	ruleOperations = "graphql operations"
	ruleResults    = "graphql results"
)

// notes count what a journal is to be told.
type notes struct {
	mu    sync.Mutex
	rules map[string]int
}

func (n *notes) add(rule string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rules == nil {
		n.rules = map[string]int{}
	}
	n.rules[rule]++
}

// take returns the counts since the last time; nil: there are none.
func (n *notes) take() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.rules) == 0 {
		return nil
	}
	out := maps.Clone(n.rules)
	clear(n.rules)
	return out
}

// drew notes that a rule was asked about something that is no request.
func (p *passage) noteAsked(s *stay, rule string) {
	if p.engine.journal != nil {
		s.layer.drawn.add(rule)
	}
}

// tellDrawn tells the journal what rules of the passage's layers were asked.
func (p *passage) tellDrawn() {
	if p.engine.journal == nil {
		return
	}
	for i := range p.stays {
		p.engine.tellDrawn(p.stays[i].layer, p.now(), p.request != nil || len(p.decisions) == 0)
	}
}

func (e *engine) tellDrawn(l *layer, now time.Time, quiet bool) {
	if rules := l.drawn.take(); rules != nil {
		e.journal.Drew(&Drew{At: now, Layer: l.ref, Rules: rules, Quiet: quiet})
	}
}

// admits is admit for what is no request. What only the clock leaves out of a
// schedule is not noted, since a note has no instant: then what is noted was in.
func (p *passage) admits(s *stay, t *timetable, rule string) (share float64, in bool) {
	switch {
	case p.remade && t.ramps():
		return t.share(max(p.now().Sub(t.start), 0)), true
	case p.remade && t.clocked():
		return 1, true
	}
	if share, in = t.admit(p.now()); in || !t.clocked() {
		p.noteAsked(s, rule)
		p.timed = p.timed || t.clocked()
	}
	return share, in
}

// An askedRule is a rule of a layer that connections and messages ask.
type askedRule struct {
	name string
	ask  func(p *passage, s *stay, f *fate)
}

// asked are those of a layer, in the order in which one connection or message
// asks them.
func (l *layer) asked() (out []askedRule) {
	add := func(name string, ask func(p *passage, s *stay, f *fate)) {
		out = append(out, askedRule{name, ask})
	}
	if l.faults != nil {
		add(ruleFaults, func(p *passage, s *stay, _ *fate) { p.failConn(s) })
	}
	for _, r := range l.toxics {
		add(r.name, func(p *passage, s *stay, _ *fate) {
			if _, hit := r.drawn(p, s); hit && r.refuses() {
				p.stop(r.kind, nil, abortRefuse)
			}
		})
		if r.loss != nil {
			add(r.name+ruleChunks, func(p *passage, s *stay, _ *fate) { r.loses(p, s) })
		}
	}
	if l.loss != nil {
		add(ruleLossUp, func(p *passage, s *stay, _ *fate) { p.loseBytes(s, true) })
		add(ruleLossDown, func(p *passage, s *stay, _ *fate) { p.loseBytes(s, false) })
	}
	if l.latency != nil {
		add(ruleLatency, func(p *passage, s *stay, _ *fate) { p.delayBytes(s) })
	}
	if l.websocket != nil {
		for _, m := range []*messageRule{l.websocket.up, l.websocket.down} {
			if m != nil {
				add(m.messages.name, func(p *passage, s *stay, f *fate) { p.strike(s, m, p.headOf(opText), f) })
				add(m.controls.name, func(p *passage, s *stay, f *fate) { p.strike(s, m, p.headOf(opPing), f) })
			}
		}
		if l.websocket.closes != nil {
			add(ruleClose, func(p *passage, s *stay, _ *fate) { p.closes(s) })
		}
	}
	if l.graphql != nil {
		add(ruleOperations, func(p *passage, s *stay, _ *fate) { p.failsSent(s) })
		if l.graphql.partial != nil {
			add(ruleResults, func(p *passage, s *stay, _ *fate) { p.losesData(s) })
		}
	}
	if l.parts.bandwidth > 0 {
		add(ruleBandwidth, func(p *passage, s *stay, _ *fate) {
			p.record(s, Decision{Kind: KindBandwidth, Ordinal: s.reached.bandwidth.Add(1) - 1})
		})
	}
	return out
}

// headOf is the head of the message that a recomputed passage is about.
func (p *passage) headOf(op opcode) frameHead {
	return frameHead{fin: p.length >= 0, op: op, length: max(p.length, 0)}
}
