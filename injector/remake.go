package injector

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// maxAsked bounds how often all rules of a recording can be asked about
// connections and messages: 1,000 times a second for more than two days, which
// takes some twenty seconds.
const maxAsked = 200_000_000

// maxMissing is from how many missing decisions on no more are looked for.
const maxMissing = 1000

// Drew makes again what rules of a layer were asked about connections and
// messages, as a Journal was told. It returns an error where there is no such
// layer or rule, and where all in all they were asked more often than 200 million
// times.
func (c *Recomputer) Drew(d *Drew) error {
	l := c.engine.find(d.Layer)
	if l == nil {
		return fmt.Errorf("layer %s of iteration %d was asked, and was not on", d.Layer.Name, d.Layer.Iteration)
	}
	rules := l.asked()
	for name, n := range d.Rules {
		switch {
		case !slices.ContainsFunc(rules, func(r askedRule) bool { return r.name == name }):
			return fmt.Errorf("layer %s has no rule %q", d.Layer.Name, name)
		case n < 1:
			return fmt.Errorf("rule %q of layer %s was asked %d times, which is not 1 or more", name, d.Layer.Name, n)
		case n > maxAsked-c.draws:
			return fmt.Errorf("rule %q of layer %s was asked %d times: a recording with more than %d draws about connections and messages is not made again", name, d.Layer.Name, n, maxAsked)
		}
		c.draws += n
	}
	for _, r := range rules {
		n := d.Rules[r.name]
		if !d.Quiet {
			n-- // the last one comes with what is told next
		}
		c.silent(l, d.At, r, n)
	}
	if !d.Quiet {
		c.asked = append(c.asked, *d)
	}
	return nil
}

// silent asks a rule n times, each of another connection or message. What it
// decides is missing.
func (c *Recomputer) silent(l *layer, at time.Time, rule askedRule, n int) {
	if n < 1 {
		return
	}
	p := c.remake(defaultTarget, at)
	p.length = -1 // not known to be empty
	b := newBinding(l, defaultTarget, nil)
	for range n {
		if len(c.missing) >= maxMissing {
			return
		}
		p.stays, p.decisions, p.end = append(p.stays[:0], stay{binding: b}), nil, ending{}
		rule.ask(p, &p.stays[0], &fate{})
		p.settle(false)
		c.missing = append(c.missing, p.decisions...)
	}
}

// Meet decides about a connection, or about bytes or a message of one, which an
// observer was told of as r at that instant. It returns what an observer would be
// told. Of r, what decisions depend on is used: N, Target, Layers, Length, Operation
// and TopFields.
func (c *Recomputer) Meet(at time.Time, r *Request) *Request {
	p := c.remake(r.Target, at)
	p.n, p.length = r.N, r.Length
	var f fate
	bandwidth := false
	for _, ref := range r.Layers {
		l := c.engine.find(ref)
		i := slices.IndexFunc(c.asked, func(d Drew) bool { return d.Layer == ref })
		if l == nil || i < 0 {
			continue
		}
		p.stays = append(p.stays, stay{binding: newBinding(l, r.Target, nil)})
		for _, rule := range l.asked() {
			switch {
			case c.asked[i].Rules[rule.name] == 0:
			case rule.name == ruleBandwidth:
				bandwidth = true // settle asks
			default:
				rule.ask(p, &p.stays[len(p.stays)-1], &f)
			}
		}
		c.asked = slices.Delete(c.asked, i, i+1)
	}
	if len(r.TopFields) > 0 {
		p.resolves(recalled(r.Operation, r.TopFields).ops[0].operation)
	}
	p.settle(bandwidth)
	p.decisions = append(c.Missing(at), p.decisions...)
	return p.observed()
}

// Missing are the decisions that are made since the last call where nothing was
// told: none, if this version decides as that one did.
func (c *Recomputer) Missing(at time.Time) []Decision {
	for _, d := range c.asked {
		l := c.engine.find(d.Layer)
		for _, rule := range l.asked() {
			c.silent(l, at, rule, min(d.Rules[rule.name], 1))
		}
	}
	out := c.missing
	c.asked, c.missing = nil, nil
	return out
}

func (c *Recomputer) remake(target string, at time.Time) *passage {
	p := newPassage(context.Background(), c.engine, c.engine.target(target), nil)
	p.stamp, p.arrived, p.remade = at, at, true
	return p
}
