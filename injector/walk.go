package injector

import (
	"net/http"
	"strconv"
	"time"
)

// walk takes the request through the layers from where it stopped. It returns
// why the request has to wait, or nil at the end: then every decision is made.
func (p *passage) walk() waiting {
	for ; p.at < len(p.set.bindings) && p.end.kind == ""; p.at, p.stage = p.at+1, stageBreaker {
		b := p.set.bindings[p.at]
		if p.wait != nil && b.off.Load() {
			continue // removed while the request waited in it or before it
		}
		if p.stage == stageBreaker {
			p.stays = append(p.stays, stay{binding: b})
		}
		if w := p.enter(&p.stays[len(p.stays)-1]); w != nil {
			return w
		}
	}
	return nil
}

// enter takes the request through the stages of one layer.
func (p *passage) enter(s *stay) waiting {
	for ; p.stage <= stageFaults; p.stage++ {
		var w waiting
		switch p.stage {
		case stageBreaker:
			p.askBreaker(s)
		case stageBulkhead:
			w = p.askBulkhead(s)
		case stageRate:
			p.askLimiter(s)
		case stageConns:
			p.countConn(s)
		case stageLoss:
			w = p.lose(s)
		case stageFaults:
			p.fail(s)
		}
		if w != nil {
			p.stage++
			return w
		}
		if p.end.kind != "" {
			return nil
		}
	}
	return nil
}

func (p *passage) askBreaker(s *stay) {
	if s.breaker == nil {
		return
	}
	ordinal := s.reached.breaker.Add(1) - 1
	generation, retry := s.breaker.admit(p.now())
	s.generation = generation
	if generation == 0 {
		p.stop(KindCircuitBreakerOpen, newAnswer(http.StatusServiceUnavailable, "circuit_open",
			"the circuit breaker for "+p.target.name+" is open", s.ref.Name, retry), 0)
		p.record(s, Decision{Kind: KindCircuitBreakerOpen, Ordinal: ordinal, Status: http.StatusServiceUnavailable, Retry: retry})
	}
}

func (p *passage) askBulkhead(s *stay) waiting {
	if s.bulkhead == nil {
		return nil
	}
	ok, place := s.bulkhead.enter(p.now())
	switch {
	case ok:
		s.inBulkhead = true
		s.reached.bulkhead.Add(1)
		return nil
	case place != nil:
		return &queued{place: place, until: p.pace.early(p.now(), p.now().Add(s.bulkhead.timeout))}
	}
	p.refuseAtBulkhead(s, "bulkhead_rejected", "too many requests are in progress for "+p.target.name)
	return nil
}

func (p *passage) refuseAtBulkhead(s *stay, code, message string) {
	ordinal := s.reached.bulkhead.Add(1) - 1
	p.stop(KindBulkhead, newAnswer(http.StatusServiceUnavailable, code, message, s.ref.Name, time.Second), 0)
	p.record(s, Decision{Kind: KindBulkhead, Ordinal: ordinal, Status: http.StatusServiceUnavailable, Retry: time.Second})
}

func (p *passage) askLimiter(s *stay) {
	if s.limiter == nil || p.request == nil {
		return
	}
	ordinal := s.reached.rate.Add(1) - 1
	ok, retry := s.limiter.allow(p.now(), p.request, clientAddr(p.request, p.engine.trustForwarded))
	if !ok {
		p.stop(KindRateLimit, newAnswer(http.StatusTooManyRequests, "rate_limit_exceeded",
			"the rate limit of "+p.target.name+" is exceeded", s.ref.Name, retry), 0)
		p.record(s, Decision{Kind: KindRateLimit, Ordinal: ordinal, Status: http.StatusTooManyRequests, Retry: retry})
	}
}

func (p *passage) countConn(s *stay) {
	if s.conns == nil {
		return
	}
	if p.perRequest {
		p.conn = strconv.FormatInt(p.n, 10)
	}
	if p.conn == "" {
		return
	}
	if j := p.engine.journal; j != nil && p.request == nil {
		j.Connection(s.ref)
	}
	ordinal := s.reached.conns.Add(1) - 1
	if s.conns.enter(p.conn) {
		s.conn = p.conn
		return
	}
	p.stop(KindConnectionLimit, nil, abortRefuse)
	p.record(s, Decision{Kind: KindConnectionLimit, Ordinal: ordinal})
}

// lose draws for the request's way up and for its way down. What is lost on the
// way down stalls the response, once there is one.
func (p *passage) lose(s *stay) waiting {
	r := s.loss
	if r == nil {
		return nil
	}
	if ordinal := r.downs.next(); r.down.hit(ordinal) && !r.partition {
		length, reset := r.stall(r.down, ordinal)
		p.downs = append(p.downs, stall{layer: s.layer, length: length, reset: reset})
		p.hit(s, r.down, Decision{Kind: KindPacketLoss, Ordinal: ordinal, Delay: length})
	}
	ordinal := r.ups.next()
	if !r.up.hit(ordinal) {
		return nil
	}
	if r.partition {
		p.hit(s, r.up, Decision{Kind: KindPacketLoss, Ordinal: ordinal})
		return &partitioned{layer: s.layer}
	}
	length, reset := r.stall(r.up, ordinal)
	p.hit(s, r.up, Decision{Kind: KindPacketLoss, Ordinal: ordinal, Delay: length})
	if reset {
		return &partitioned{layer: s.layer, until: p.pace.early(p.now(), p.now().Add(length))}
	}
	p.stalls = append(p.stalls, stall{layer: s.layer, length: length})
	return nil
}

// hit notes that a rule fired.
func (p *passage) hit(s *stay, rule *sampler, d Decision) {
	s.kind = d.Kind
	rule.injected.Add(1)
	p.record(s, d)
}

// fail draws latency and faults. Every kind draws; the first terminal one of
// http_error, connection_error, timeout and grpc_status wins and masks the
// others.
func (p *passage) fail(s *stay) {
	if p.drew {
		p.drew, s.drawn = false, p.drawn
	} else {
		var now time.Time
		if s.clocked {
			now = p.now()
		}
		matched := p.matched(s)
		s.drawn, s.missed = s.layer.draw(p.request, p.speaks(), matched, now), !matched
	}
	p.drawOperations(s)
	p.failRequest(s)
	p.failOperations(s)
}

// failRequest does what the request as a whole drew.
func (p *passage) failRequest(s *stay) {
	d := s.drawn
	if d.hits&hitLatency != 0 {
		var jitter time.Duration
		s.latency, jitter = s.layer.latency.delay(d.latency)
		p.delay += s.latency
		p.jitter += jitter
		p.hit(s, s.layer.latency.hits, Decision{Kind: KindLatency, Ordinal: d.latency, Delay: s.latency})
	}
	p.failHTTP(s, d)
	if s.layer.grpc != nil {
		s.layer.grpc.fail(p, s)
	}
}

// failHTTP does what the layer's fault_injection drew, or was asked for.
func (p *passage) failHTTP(s *stay, d drawn) {
	a := p.granted(s)
	if d.hits&(hitTerminal|hitResponse) == 0 && a == (Asked{}) {
		return
	}
	if !p.allowed(s) {
		p.maskAll(s, a)
		return
	}
	p.comply(s, a)
	r := s.faults
	if d.hits&hitHTTPError != 0 {
		code := r.code(d.fault)
		p.terminal(s, r.httpCounts, s.answers.http[code], 0, Decision{Kind: KindHTTPError, Status: r.codes[code], Retry: r.retry})
	}
	if d.hits&hitConnectionError != 0 {
		if how := r.connectionKind.abort(); how != 0 {
			p.terminal(s, r.connection, nil, how, Decision{Kind: KindConnectionError})
		} else {
			p.terminal(s, r.connection, s.answers.connection, 0, Decision{Kind: KindConnectionError, Status: http.StatusServiceUnavailable})
		}
	}
	if d.hits&hitTimeout != 0 {
		if p.end.kind == "" {
			p.delay += r.hold
		}
		p.terminal(s, r.timeout, s.answers.timeout, 0, Decision{Kind: KindTimeout, Status: http.StatusGatewayTimeout, Delay: r.hold})
	}
}

// matched reports whether the layer's matcher matches the request.
func (p *passage) matched(s *stay) bool {
	if p.misses != nil {
		return !p.misses[s.ref]
	}
	return s.matches(p.request, p.engine.trustForwarded)
}

// terminal ends the walk with a fault, or notes that an earlier one hides it.
func (p *passage) terminal(s *stay, rule *sampler, a *answer, how abort, d Decision) {
	d.Ordinal = s.drawn.fault
	if p.end.kind != "" {
		p.hide(s, rule, d)
		return
	}
	p.stop(d.Kind, a, how)
	p.end.noise = Mix(s.faults.garbage, d.Ordinal)
	p.hit(s, rule, d)
}

// hide notes that a rule fired to no effect.
func (p *passage) hide(s *stay, rule *sampler, d Decision) {
	d.Masked = true
	rule.masked.Add(1)
	p.record(s, d)
}

// settle decides about the response, once it is known whether the upstream is
// asked: faults in the response of a request that does not get there are masked,
// and so are those in a body that the response does not have.
func (p *passage) settle(asked bool) {
	for i := range p.stays {
		s := &p.stays[i]
		for h := hitPartial; h <= hitRewrite; h <<= 1 {
			if s.drawn.hits&h == 0 {
				continue
			}
			kind, rule := s.faults.of(h)
			d := Decision{Kind: kind, Ordinal: s.drawn.fault}
			if asked && p.request != nil && (h == hitRewrite || p.request.Method != http.MethodHead) {
				p.hit(s, rule, d)
				continue
			}
			s.drawn.hits &^= h
			p.hide(s, rule, d)
		}
		p.settleCall(s, asked)
		p.settleOperations(i, asked)
		if s.down != nil && asked && !p.slotless {
			ordinal := s.reached.bandwidth.Add(1) - 1
			if p.request == nil {
				p.noteAsked(s, ruleBandwidth)
			}
			if s.kind == "" {
				s.kind = KindBandwidth
			}
			p.record(s, Decision{Kind: KindBandwidth, Ordinal: ordinal})
		}
	}
}
