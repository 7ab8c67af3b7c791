package injector

import "time"

// An operationDraw is what an operation drew in one layer.
type operationDraw struct {
	op             int
	ordinal        uint64
	fails, partial bool
}

// A partialDraw is a response that gets nulls.
type partialDraw struct {
	rule    *graphqlRule
	stay    int
	ordinal uint64
	was     string // the stay's kind without it
	done    bool   // the response had a place for it
}

// drawOperations takes the next ordinals for the operations that the layer's
// GraphQL section is about, those that have an answer already left out.
func (p *passage) drawOperations(s *stay) {
	rule, q := s.layer.graphql, p.graphql
	if rule == nil || q == nil {
		return
	}
	for i := range q.ops {
		if o := &q.ops[i]; o.end == nil && rule.matches(o.operation, p.request.URL.Path) {
			s.ops = append(s.ops, operationDraw{op: i})
		}
	}
	first := rule.count.take(len(s.ops))
	for i := range s.ops {
		d := &s.ops[i]
		d.ordinal = first + uint64(i)
		d.fails = rule.errors != nil && rule.errors.hit(d.ordinal)
		d.partial = rule.partial != nil && rule.partial.hit(d.ordinal)
	}
}

// failOperations does what the operations drew. A fault of the whole request
// hides it, and an operation that fails has no resolvers.
func (p *passage) failOperations(s *stay) {
	if len(s.ops) == 0 {
		return
	}
	rule, q, over := s.layer.graphql, p.graphql, p.end.kind != ""
	for _, d := range s.ops {
		decision := Decision{Kind: KindGraphQLError, Ordinal: d.ordinal, InBatch: q.place(d.op)}
		switch {
		case d.fails && over:
			p.hide(s, rule.errors, decision)
		case d.fails:
			o := &q.ops[d.op]
			o.end, o.endedBy, o.was = rule.fail(d.ordinal), len(p.stays)-1, s.kind
			decision.Status = 200
			p.hit(s, rule.errors, decision)
		}
		if rule.resolver == nil {
			continue
		}
		decision = Decision{Kind: KindResolverLatency, Ordinal: d.ordinal, InBatch: q.place(d.op)}
		if over || d.fails {
			p.hide(s, rule.resolver, decision)
			continue
		}
		decision.Delay = rule.takes(q.ops[d.op].operation, s.layer.latency, s.drawn.latency)
		p.hit(s, rule.resolver, decision)
		p.resolve(s, &q.ops[d.op], decision.Delay)
	}
	if !over && q.over() {
		p.end = ending{kind: KindGraphQLError, stay: len(p.stays) - 1, answer: q.answer(p.request.Header)}
	}
}

// resolve delays an operation. A request takes as long as the slowest of its
// operations.
func (p *passage) resolve(s *stay, o *pending, d time.Duration) {
	q := p.graphql
	o.delay += d
	if more := o.delay - q.delay; more > 0 {
		q.delay += more
		s.latency += more
		p.delay += more
	}
}

// settleOperations decides about the responses of operations, once it is known
// whether the upstream is asked for them.
func (p *passage) settleOperations(i int, asked bool) {
	s := &p.stays[i]
	for _, d := range s.ops {
		if !d.partial {
			continue
		}
		rule, o := s.layer.graphql, &p.graphql.ops[d.op]
		decision := Decision{Kind: KindPartialData, Ordinal: d.ordinal, InBatch: p.graphql.place(d.op)}
		if !asked || o.end != nil {
			p.hide(s, rule.partial, decision)
			continue
		}
		o.partials = append(o.partials, partialDraw{rule: rule, stay: i, ordinal: d.ordinal, was: s.kind})
		p.hit(s, rule.partial, decision)
	}
}

// over reports whether every operation has its answer.
func (q *graphqlRequest) over() bool {
	for _, o := range q.ops {
		if o.end == nil {
			return false
		}
	}
	return true
}

// asOperations is the answer of a layer as a client of GraphQL expects it, where
// the layer's GraphQL section is about one of the request's operations.
func (p *passage) asOperations(stay int, a *answer) *answer {
	rule, q := p.stays[stay].layer.graphql, p.graphql
	if a == nil || rule == nil || q == nil {
		return a
	}
	about := false
	for _, o := range q.ops {
		about = about || rule.matches(o.operation, p.request.URL.Path)
	}
	if !about {
		return a
	}
	for i := range q.ops {
		if o := &q.ops[i]; o.end == nil {
			o.end, o.endedBy = &graphqlError{message: a.message, code: graphqlCode(a.status), status: a.status, failed: a.failed()}, stay
		}
	}
	out := q.answer(p.request.Header)
	out.retry = a.retry
	return out
}

// countOperations takes the ordinals that the operations of a pinned request
// took in a layer.
func (p *passage) countOperations(i int) {
	rule, q := p.stays[i].layer.graphql, p.graphql
	if rule == nil || q == nil {
		return
	}
	n := 0
	for _, o := range q.ops {
		if (o.end == nil || o.endedBy >= i) && rule.matches(o.operation, p.request.URL.Path) {
			n++
		}
	}
	rule.count.take(n)
}

// againOperation does what was decided for an operation before. was is the
// stay's kind without it.
func (p *passage) againOperation(i int, d Decision, was string) {
	s, q := &p.stays[i], p.graphql
	rule, o := s.layer.graphql, q.at(d.InBatch)
	if rule == nil || o == nil {
		return
	}
	switch d.Kind {
	case KindGraphQLError:
		o.end, o.endedBy, o.was = rule.fail(d.Ordinal), i, was
		if q.over() {
			p.end = ending{kind: d.Kind, stay: i, answer: q.answer(p.request.Header)}
		}
	case KindResolverLatency:
		p.resolve(s, o, d.Delay)
	case KindPartialData:
		o.partials = append(o.partials, partialDraw{rule: rule, stay: i, ordinal: d.Ordinal, was: was})
	}
}
