package injector

import "time"

// A binding is a layer in front of one target, with the state that belongs to
// the pair. A nil part is not there.
type binding struct {
	*layer
	target   string
	breaker  *breaker
	bulkhead *bulkhead
	limiter  *limiter
	conns    *connLimit
	up, down *pipe
	busy     *allowance // of faults
	pipes    []*pipe    // of the toxics; nil for those that do not limit bandwidth
}

func newBinding(l *layer, target string, o Observer) *binding {
	b := &binding{layer: l, target: target}
	changed := func(component string) func(time.Time, string, string, string) {
		if o == nil {
			return func(time.Time, string, string, string) {}
		}
		return func(now time.Time, from, to, reason string) {
			o.Transition(&Transition{At: now, Layer: l.ref, Target: target, Component: component, From: from, To: to, Reason: reason})
		}
	}
	if c := l.parts.breaker; c != nil {
		b.breaker = newBreaker(c, changed("circuit_breaker"))
	}
	if c := l.parts.bulkhead; c != nil {
		b.bulkhead = newBulkhead(c, changed("bulkhead"))
	}
	if c := l.parts.rateLimit; c != nil {
		b.limiter = newLimiter(c)
	}
	if n := l.parts.conns; n > 0 {
		b.conns = newConnLimit(n)
	}
	if l.faults != nil && l.faults.most >= 0 {
		b.busy = &allowance{most: int64(l.faults.most)}
	}
	if rate := l.parts.bandwidth; rate > 0 {
		b.up, b.down = &pipe{rate: rate}, &pipe{rate: rate}
	}
	for _, r := range l.toxics {
		var limit *pipe
		if r.Type == ToxicBandwidth {
			limit = &pipe{rate: 1000 * r.Attributes.Rate}
		}
		b.pipes = append(b.pipes, limit)
	}
	return b
}

// simple reports whether a request that draws nothing passes without a trace:
// no state to keep, no clock to read, nothing to wait for, no header to take
// away.
func (b *binding) simple() bool {
	return b.breaker == nil && b.bulkhead == nil && b.limiter == nil && b.conns == nil && b.up == nil && b.loss == nil &&
		b.graphql == nil && !b.clocked && !b.overrides()
}
