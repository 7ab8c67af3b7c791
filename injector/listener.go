package injector

import (
	"context"
	"net"
	"net/http"
	"net/netip"
)

// Listener puts the target's layers in front of the connections of l, whatever
// they speak. Use it for a target that is not HTTP, and for no target that a
// Handler or RoundTripper stands in front of too: faults would be injected
// twice.
//
// At accept, connection errors are drawn and max_connections counts open
// connections; a connection that is refused is reset and never returned (for
// tcp_close and the kinds that send garbage it is closed). In a connection,
// latency is added to the first bytes that the client sends, and to the first
// that follow an answer; packet loss draws for each Read that delivers bytes and
// for each Write; bandwidth limits both directions. All of it heeds deadlines,
// follows the layers in force at the time, and ends early when the connection is
// closed. The toxics of a TCP section need Relay, which knows the upstream too.
// HTTP errors, time-outs and faults of responses do not exist here: where they
// are drawn they count as masked. Schedules hold; max_active_faults and
// override_headers do not. Rate limits, breakers and bulkheads are not applied.
// Of a request matcher, only source addresses can match.
//
// The observer is told of each connection, and of each Read or Write in which
// something was injected.
func (in *Injector) Listener(l net.Listener) net.Listener {
	return &listener{Listener: l, engine: in.engine, target: in.target}
}

type listener struct {
	net.Listener
	engine *engine
	target *target
	relay  *relay // of the connection, if it is one's
}

// Accept returns the next connection that is not refused.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if out := l.open(c); out != nil {
			return out, nil
		}
	}
}

// open decides about a connection. It returns nil where it was refused.
func (l *listener) open(c net.Conn) *conn {
	if l.target.set.Load() == nil {
		if l.relay != nil {
			l.engine.enroll(l.relay)
		}
		return newConn(l, c, nil)
	}
	p := newPassage(context.Background(), l.engine, l.target, nil)
	p.conn, p.perRequest, p.protocol, p.relay = c.RemoteAddr().String(), true, ProtocolTCP, l.relay
	client := addrOf(p.conn)
	p.steps = func(p *passage) { p.connect(client) }
	p.turn(true)
	if p.end.kind == "" {
		return newConn(l, c, p)
	}
	p.pace.sync()
	p.finish(outcome{fault: p.end.kind, failed: true})
	p.depart()
	if p.end.abort != abortClose {
		reset(c)
	}
	_ = c.Close() // it is gone either way
	return nil
}

// connect takes a connection through the layers.
func (p *passage) connect(client netip.Addr) {
	p.reserve()
	for _, b := range p.set.bindings {
		p.stays = append(p.stays, stay{binding: b})
		s := &p.stays[len(p.stays)-1]
		if p.relay == nil || !p.relay.dialed.entered(b) {
			p.countConn(s)
		}
		p.breakConn(s, client)
		if p.relay != nil && p.end.kind == "" {
			p.relay.draw(p, s, false)
		}
		if p.end.kind != "" {
			return
		}
	}
}

// reserve takes what a connection needs besides its slot: slots of those that
// wait in its directions and, for a relay, a place among those that layers reach
// later.
func (p *passage) reserve() {
	if p.relay != nil {
		p.engine.enroll(p.relay)
	}
	if p.engine.sequencer != nil {
		for range connSlots {
			p.slots = append(p.slots, p.engine.sequencer.Slot())
		}
	}
}

// breakConn draws the connection errors of one layer.
func (p *passage) breakConn(s *stay, client netip.Addr) {
	if r := s.faults; p.end.kind == "" && r != nil && (r.matcher == nil || r.matcher.matchConn(client)) {
		p.failConn(s)
	}
}

// failConn draws for a connection that the layer's matcher matches.
func (p *passage) failConn(s *stay) {
	r := s.faults
	share, in := p.admits(s, r.times, ruleFaults)
	if s.drawn.faulted = in; !in {
		return
	}
	s.drawn.fault = r.count.next()
	s.drawn.hits = r.draw(s.drawn.fault, share, p.now())
	if s.drawn.hits&hitConnectionError != 0 {
		how := abortReset
		if r.connectionKind != TCPReset && r.connectionKind != HTTP503 {
			how = abortClose // garbage stands in place of a response, and there is none
		}
		p.terminal(s, r.connection, nil, how, Decision{Kind: KindConnectionError})
	}
	d := Decision{Ordinal: s.drawn.fault}
	if s.drawn.hits&hitHTTPError != 0 {
		d.Kind, d.Status = KindHTTPError, r.codes[r.code(d.Ordinal)]
		p.hide(s, r.httpCounts, d)
	}
	if s.drawn.hits&hitTimeout != 0 {
		d.Kind, d.Status = KindTimeout, http.StatusGatewayTimeout
		p.hide(s, r.timeout, d)
	}
}
