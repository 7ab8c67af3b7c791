package injector

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A Pin is what was decided for a request before, to be done again to another
// one. The layers' own rules count the request, and their limits and breakers
// do not see it.
type Pin struct {
	Layers    []LayerRef // that the request entered, in order
	Missed    []LayerRef // those of Layers whose request matcher did not match it
	Decisions []Decision // as an observer was told of them
	Waited    time.Duration
	Reset     bool // packet loss ended in a reset of the connection
	// Used is told of the request that was pinned, as an observer is. Default:
	// nobody is.
	Used func(*Request)
}

// Pins finds what was decided for a request before; nil where there is nothing:
// then the layers decide. operation is what the request asks for in GraphQL, as
// in Request.Operation; layers are those in force for its target, in order. It
// is called in sequence order and must return quickly.
type Pins func(r *http.Request, target, operation string, layers []LayerRef) *Pin

// WithPins takes decisions from a record where it has them. Default: the layers
// decide about every request.
func WithPins(f Pins) Option { return option(func(e *engine) { e.pins = f }) }

// pinned does to the request what its pin says. It reports false where there is
// none.
func (p *passage) pinned() bool {
	if p.engine.pins == nil || p.pin != nil || len(p.stays) > 0 {
		return p.pin != nil
	}
	layers := make([]LayerRef, len(p.set.bindings))
	for i, b := range p.set.bindings {
		layers[i] = b.ref
	}
	if p.pin = p.engine.pins(p.request, p.target.name, p.operation, layers); p.pin == nil {
		return false
	}
	for _, ref := range p.pin.Layers {
		if b := p.bindingOf(ref); b != nil {
			p.stays = append(p.stays, stay{binding: b, missed: slices.Contains(p.pin.Missed, ref)})
		}
	}
	for _, d := range p.pin.Decisions {
		if i := slices.IndexFunc(p.stays, func(s stay) bool { return s.ref == d.Layer }); i >= 0 {
			p.again(i, d)
			p.record(&p.stays[i], d)
		}
	}
	if len(p.stays) > 0 {
		p.delay += max(p.pin.Waited, 0)
		if p.pin.Reset {
			p.end = ending{kind: KindPacketLoss, stay: len(p.stays) - 1, abort: abortReset}
		}
	}
	for i := range p.stays {
		p.count(i)
	}
	return true
}

// bindingOf finds a layer that the request is said to have entered, also one
// that is off by now; nil where there never was one.
func (p *passage) bindingOf(ref LayerRef) *binding {
	for _, b := range p.set.bindings {
		if b.ref == ref {
			return b
		}
	}
	if l := p.engine.find(ref); l != nil {
		return newBinding(l, p.target.name, nil)
	}
	return nil
}

// count takes the ordinals that the request took in a layer, so that those
// after it go on from there.
func (p *passage) count(i int) {
	s := &p.stays[i]
	ended := ""
	if p.end.stay == i {
		ended = p.end.kind
	}
	switch ended {
	case KindCircuitBreakerOpen, KindBulkhead, KindRateLimit, KindConnectionLimit:
		return
	}
	if s.loss != nil {
		s.loss.ups.next()
		s.loss.downs.next()
	}
	if ended == KindPacketLoss {
		return
	}
	if s.layer.latency != nil {
		s.layer.latency.draw(p.now())
	}
	if s.faults != nil && !s.missed {
		s.faults.next(p.now())
	}
	if s.layer.grpc != nil && s.layer.grpc.reaches(p.request, p.speaks()) {
		s.layer.grpc.count.next()
	}
	p.countOperations(i)
}

// again does what was decided for the layer of one stay.
func (p *passage) again(i int, d Decision) {
	s := &p.stays[i]
	if d.Masked {
		return
	}
	was := s.kind
	if d.Kind != KindStreamInterruption {
		s.kind = d.Kind
	}
	end := func(a *answer, how abort) {
		p.end = ending{kind: d.Kind, stay: i, answer: p.asOperations(i, a), abort: how}
	}
	answered := func(code, message string) {
		end(newAnswer(d.Status, code, message, s.ref.Name, d.Retry), 0)
	}
	switch d.Kind {
	case KindLatency:
		s.latency += d.Delay // it may have been asked for besides
		p.delay += d.Delay
	case KindPacketLoss:
		// A loss that lasts until the connection's time-out was a wait, if it was
		// on the way up.
		waited := p.pin.Waited > 0 && s.loss != nil && d.Delay >= s.loss.limit
		if d.Delay > 0 && !waited {
			p.stalls = append(p.stalls, stall{layer: s.layer, length: d.Delay})
		}
	case KindHTTPError:
		answered(KindHTTPError, "injected HTTP error")
		p.end.answer.message += " " + strconv.Itoa(d.Status)
	case KindGRPCStatus:
		p.delay += d.Delay
		message := ""
		if s.layer.grpc != nil {
			message = s.layer.grpc.message
		}
		a := newGRPCAnswer(d.Status, message, s.ref.Name)
		a.retry = d.Retry
		end(a, 0)
	case KindStreamInterruption:
		if s.layer.grpc != nil && s.layer.grpc.interruption != nil {
			s.drawn.call = d.Ordinal
			s.drawn.hits |= hitInterruption
		}
	case KindTimeout:
		p.delay += d.Delay
		answered(KindTimeout, "injected time-out")
	case KindConnectionError:
		if d.Status != 0 {
			answered(KindConnectionError, "injected connection error")
			return
		}
		end(nil, abortReset)
		if s.faults != nil {
			p.end.noise = Mix(s.faults.garbage, d.Ordinal)
			if how := s.faults.connectionKind.abort(); how != 0 {
				p.end.abort = how
			}
		}
	case KindConnectionLimit:
		end(nil, abortRefuse)
	case KindCircuitBreakerOpen:
		answered("circuit_open", "the circuit breaker for "+p.target.name+" is open")
	case KindRateLimit:
		answered("rate_limit_exceeded", "the rate limit of "+p.target.name+" is exceeded")
	case KindBulkhead:
		answered("bulkhead_rejected", "too many requests are in progress for "+p.target.name)
	case KindGraphQLError, KindResolverLatency, KindPartialData:
		p.againOperation(i, d, was)
	case KindPartialResponse, KindPayloadCorruption, KindChunkedDribble, KindResponseRewrite:
		for h := hitPartial; s.faults != nil && h <= hitRewrite; h <<= 1 {
			if kind, rule := s.faults.of(h); kind == d.Kind && rule != nil {
				s.drawn.fault = d.Ordinal
				s.drawn.hits |= h
			}
		}
	}
}
