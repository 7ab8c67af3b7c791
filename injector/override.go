package injector

import (
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"
)

// The headers by which a request asks for faults, where override_headers is on.
// A section heeds them for the requests that it applies to: those that its
// matcher matches and that are in its schedule. The delay comes on top of all
// others. The error stands in place of the connection errors, time-outs, HTTP
// errors and statuses of gRPC that were drawn; they count as masked. A status of
// gRPC is heeded for calls alone, and where no HTTP status is asked for.
//
// A percentage makes the delay or the error that likely, by a draw for each
// request; without one it is certain. max_active_faults holds for what is asked
// too. A value that is out of range or no number is ignored; ignored, a
// percentage is as good as none. Of a header that is repeated the first value
// counts, and of the two names the first that has a valid value.
//
// The headers are taken away before the upstream sees the request.
const (
	OverrideHeaderDelay            = "X-Mockforge-Fault-Delay-Ms"          // whole milliseconds, 1 to 600000 (10 minutes)
	OverrideHeaderDelayPercentage  = "X-Mockforge-Fault-Delay-Percentage"  // 0 to 100
	OverrideHeaderStatus           = "X-Mockforge-Fault-Status"            // 200 to 599
	OverrideHeaderStatusPercentage = "X-Mockforge-Fault-Status-Percentage" // 0 to 100, of the status of gRPC too
	OverrideHeaderGRPCStatus       = "X-Mockforge-Fault-Grpc-Status"       // 0 to 2147483647, of which 0 to 16 have names

	// The same by Envoy's names.

	EnvoyHeaderDelay            = "X-Envoy-Fault-Delay-Request"
	EnvoyHeaderDelayPercentage  = "X-Envoy-Fault-Delay-Request-Percentage"
	EnvoyHeaderStatus           = "X-Envoy-Fault-Abort-Request"
	EnvoyHeaderStatusPercentage = "X-Envoy-Fault-Abort-Request-Percentage"
	EnvoyHeaderGRPCStatus       = "X-Envoy-Fault-Abort-Grpc-Request"
)

// MaxOverrideDelay is the longest delay that a header can ask for.
const MaxOverrideDelay = 10 * time.Minute

// overrideHeaders lists the headers, ours and Envoy's for each.
func overrideHeaders() [5][2]string {
	return [5][2]string{
		{OverrideHeaderDelay, EnvoyHeaderDelay}, {OverrideHeaderDelayPercentage, EnvoyHeaderDelayPercentage},
		{OverrideHeaderStatus, EnvoyHeaderStatus}, {OverrideHeaderStatusPercentage, EnvoyHeaderStatusPercentage},
		{OverrideHeaderGRPCStatus, EnvoyHeaderGRPCStatus},
	}
}

// askedBy reads the override headers of a request, which may be a call of gRPC;
// nil where they ask for nothing.
func askedBy(h http.Header, call bool) *Asked {
	names := overrideHeaders()
	number := func(i int, least, most float64, parse func(string) (float64, error), otherwise float64) float64 {
		for _, name := range names[i] {
			if v, err := parse(h.Get(name)); err == nil && v >= least && v <= most {
				return v
			}
		}
		return otherwise
	}
	whole := func(s string) (float64, error) {
		v, err := strconv.ParseUint(s, 10, 32)
		return float64(v), err
	}
	part := func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }
	var a Asked
	if ms := number(0, 1, float64(MaxOverrideDelay/time.Millisecond), whole, 0); ms > 0 {
		a.Delay, a.DelayPercentage = time.Duration(ms)*time.Millisecond, number(1, 0, 100, part, 100)
	}
	if status := number(2, 200, 599, whole, 0); status > 0 {
		a.Status, a.StatusPercentage = int(status), number(3, 0, 100, part, 100)
	}
	if code := number(4, 0, math.MaxInt32, whole, -1); code >= 0 && call && a.Status == 0 {
		a.GRPCStatus, a.StatusPercentage = new(int(code)), number(3, 0, 100, part, 100)
	}
	if a == (Asked{}) {
		return nil
	}
	return &a
}

// overrides reports whether the layer heeds the headers.
func (l *layer) overrides() bool { return l.faults != nil && l.faults.overrides }

// heeded reports whether a layer in front of the request heeds the headers.
func (p *passage) heeded() bool {
	if p.set != nil {
		for _, b := range p.set.bindings {
			if b.overrides() {
				return true
			}
		}
	}
	return false
}

// asks is what the request's headers ask for, read on first use; nil where
// nobody heeds them.
func (p *passage) asks() *Asked {
	if !p.heard && p.request != nil && p.heeded() {
		p.heard, p.asked = true, askedBy(p.request.Header, p.speaks() == ProtocolGRPC)
	}
	return p.asked
}

// granted is what the layer grants of what the request asks for.
func (p *passage) granted(s *stay) (out Asked) {
	if !s.overrides() || !s.drawn.faulted {
		return out
	}
	a := p.asks()
	if a == nil {
		return out
	}
	key := Mix(s.faults.whim, s.drawn.fault)
	if 100*fraction(Mix(key, 0)) < a.DelayPercentage {
		out.Delay = a.Delay
	}
	if 100*fraction(Mix(key, 1)) < a.StatusPercentage {
		out.Status, out.GRPCStatus = a.Status, a.GRPCStatus
	}
	return out
}

// comply does what was granted.
func (p *passage) comply(s *stay, a Asked) {
	if a.Delay > 0 {
		s.kind, s.latency = KindLatency, s.latency+a.Delay
		p.delay += a.Delay
		p.record(s, Decision{Kind: KindLatency, Ordinal: s.drawn.fault, Delay: a.Delay})
	}
	if a.Status != 0 {
		p.stop(KindHTTPError, newAnswer(a.Status, KindHTTPError, "HTTP error that the request asked for", s.ref.Name, s.faults.retry), 0)
		p.record(s, Decision{Kind: KindHTTPError, Ordinal: s.drawn.fault, Status: a.Status, Retry: s.faults.retry})
	}
	if a.GRPCStatus != nil {
		made := newGRPCAnswer(*a.GRPCStatus, grpcName(*a.GRPCStatus)+" that the request asked for"+inStep(s.ref.Name), "")
		made.retry = s.faults.retry
		p.stop(KindGRPCStatus, made, 0)
		p.record(s, Decision{Kind: KindGRPCStatus, Ordinal: s.drawn.fault, Status: *a.GRPCStatus, Retry: s.faults.retry})
	}
}

// plain is the request without the override headers, where they were heeded: a
// copy, if it had any.
func (p *passage) plain(r *http.Request) *http.Request {
	if !p.heeded() {
		return r
	}
	copied := false
	for _, pair := range overrideHeaders() {
		for _, name := range pair {
			if _, there := r.Header[name]; !there {
				continue
			}
			if !copied {
				copied, r = true, new(*r)
				r.Header = maps.Clone(r.Header)
			}
			delete(r.Header, name)
		}
	}
	return r
}
