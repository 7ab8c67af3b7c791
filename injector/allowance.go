package injector

import "sync/atomic"

// An allowance is how many requests of a layer and a target may have a fault in
// progress at once. It is safe for concurrent use.
type allowance struct {
	most int64
	busy atomic.Int64
}

// take counts a request in, and reports false where there is no room for it.
func (a *allowance) take() bool {
	for {
		n := a.busy.Load()
		if n >= a.most {
			return false
		}
		if a.busy.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (a *allowance) giveBack() { a.busy.Add(-1) }

// allowed counts the request among those with a fault of the layer, if that has
// a limit. It reports false where the limit is reached.
func (p *passage) allowed(s *stay) bool {
	if s.busy == nil {
		return true
	}
	s.faulty = s.busy.take()
	return s.faulty
}

// maskAll notes that everything that the request drew or asked for in the layer
// fired to no effect.
func (p *passage) maskAll(s *stay, a Asked) {
	if a.Delay > 0 {
		p.record(s, Decision{Kind: KindLatency, Ordinal: s.drawn.fault, Delay: a.Delay, Masked: true})
	}
	if a.Status != 0 {
		p.record(s, Decision{Kind: KindHTTPError, Ordinal: s.drawn.fault, Status: a.Status, Masked: true})
	}
	if a.GRPCStatus != nil {
		p.record(s, Decision{Kind: KindGRPCStatus, Ordinal: s.drawn.fault, Status: *a.GRPCStatus, Masked: true})
	}
	for h := hitHTTPError; h <= hitRewrite; h <<= 1 {
		if s.drawn.hits&h != 0 {
			kind, rule := s.faults.of(h)
			p.hide(s, rule, Decision{Kind: kind, Ordinal: s.drawn.fault})
		}
	}
	s.drawn.hits &^= hitTerminal | hitResponse
}
