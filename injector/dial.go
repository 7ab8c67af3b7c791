package injector

import (
	"context"
	"net"
	"slices"
	"time"
)

// AdmitConn asks whether a connection from the client's address to the target
// may be made, for networks that can refuse the dial itself. The connection
// counts towards max_connections of the layers in force until release is
// called, which may be done more than once; Handler does not count it again.
// The error wraps ECONNREFUSED, or is the context's.
func (in *Injector) AdmitConn(ctx context.Context, client string) (release func(), err error) {
	return in.admitDial(ctx, client, false)
}

// AdmitTCP is AdmitConn for a target whose connections Relay carries: the toxics
// refuse and down refuse the dial too. Relay knows a connection by its client's
// address, and neither counts it nor refuses it again.
func (in *Injector) AdmitTCP(ctx context.Context, client string) (release func(), err error) {
	return in.admitDial(ctx, client, true)
}

func (in *Injector) admitDial(ctx context.Context, client string, tcp bool) (release func(), err error) {
	set := in.target.set.Load()
	limited := false
	if set != nil {
		for _, b := range set.bindings {
			limited = limited || b.conns != nil || tcp && slices.ContainsFunc(b.toxics, (*toxicRule).refuses)
		}
	}
	if !limited {
		return func() {}, nil
	}
	p := newPassage(ctx, in.engine, in.target, nil)
	p.conn = client
	p.steps = (*passage).dial
	if tcp {
		p.protocol = ProtocolTCP
	}
	if !p.turn(true) {
		return nil, ctx.Err()
	}
	p.pace.sync()
	defer p.depart()
	if p.end.kind != "" {
		p.finish(outcome{fault: p.end.kind, failed: true})
		return nil, abortRefuse.err()
	}
	if !tcp {
		return p.letGo, nil
	}
	in.target.dialing(p)
	return func() {
		in.target.dialed(p)
		p.letGo()
	}, nil
}

// dial takes a dial through what can refuse it. One that is let through is
// nobody's business: its requests are reported, or its connection.
func (p *passage) dial() {
	for _, b := range p.set.bindings {
		p.stays = append(p.stays, stay{binding: b})
		s := &p.stays[len(p.stays)-1]
		p.countConn(s)
		for _, rule := range b.toxics {
			if p.end.kind == "" && p.protocol == ProtocolTCP && rule.refuses() {
				p.refused(s, rule)
			}
		}
		if p.end.kind != "" {
			return
		}
	}
	p.reported = true
}

// letGo gives back what a dial holds.
func (p *passage) letGo() {
	p.once.Do(func() { p.engine.alone(func(now time.Time) { p.leaveAll(outcome{canceled: true}, now) }) })
}

// A dialed connection was let in by AdmitTCP. It is known until it was accepted
// and is over: its client may leave before anybody accepts it.
type dialed struct {
	*passage
	accepted, over bool
}

// dial finds the dial of a connection that is accepted; nil: none.
func (t *target) dial(client net.Addr) *passage {
	t.dialMu.Lock()
	defer t.dialMu.Unlock()
	d := t.dials[client.String()]
	if d == nil {
		return nil
	}
	d.accepted = true
	t.forget(d)
	return d.passage
}

// dialing keeps a dial.
func (t *target) dialing(p *passage) {
	t.dialMu.Lock()
	defer t.dialMu.Unlock()
	if t.dials == nil {
		t.dials = map[string]*dialed{}
	}
	t.dials[p.conn] = &dialed{passage: p}
}

// dialed notes that the connection is over.
func (t *target) dialed(p *passage) {
	t.dialMu.Lock()
	defer t.dialMu.Unlock()
	if d := t.dials[p.conn]; d != nil && d.passage == p {
		d.over = true
		t.forget(d)
	}
}

// forget forgets a dial that nobody asks for any more. t.dialMu is held.
func (t *target) forget(d *dialed) {
	if d.accepted && d.over {
		delete(t.dials, d.conn)
	}
}

// entered reports whether the passage met a layer.
func (p *passage) entered(b *binding) bool {
	return p != nil && slices.ContainsFunc(p.stays, func(s stay) bool { return s.binding == b })
}
