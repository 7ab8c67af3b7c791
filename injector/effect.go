package injector

import "time"

// An Effect is one thing that a Config can do to a request, with its defaults
// resolved.
type Effect struct {
	Section     string   // the section's name in a document: "fault_injection"
	Kind        string   // a Kind… constant
	Probability float64  // of hitting a request, 0–1; 1 for limits, which always hold
	Sampling    Sampling // "" for limits, and for the patterns that do not sample
	// Pattern is error_pattern's type where it decides: burst, random or
	// sequential; or PatternOverride.
	Pattern string
}

// PatternOverride is the Pattern of what requests may ask for by headers; its
// Probability is 0 where the section does not draw for it.
const PatternOverride = "override_headers"

// Effects lists what the Config can do, in the order in which a layer does it.
// It is the one place that says what is on: a layer does exactly this, so that
// whoever validates a Config and whoever runs it cannot disagree. The result is
// empty for a Config that injects nothing.
func (c Config) Effects() []Effect {
	var out []Effect
	limit := func(section, kind string) {
		out = append(out, Effect{Section: section, Kind: kind, Probability: 1})
	}
	if c.breaker() != nil {
		limit("circuit_breaker", KindCircuitBreakerOpen)
	}
	if c.bulkhead() != nil {
		limit("bulkhead", KindBulkhead)
	}
	if c.rateLimit() != nil {
		limit("rate_limit", KindRateLimit)
	}
	s := c.shaping()
	if s != nil && s.MaxConnections > 0 {
		limit("traffic_shaping", KindConnectionLimit)
	}
	if s != nil && s.PacketLossPercent > 0 {
		out = append(out, Effect{Section: "traffic_shaping", Kind: KindPacketLoss, Probability: clamp(s.PacketLossPercent/100, 0, 1), Sampling: s.Sampling.orDefault()})
	}
	if l := c.latency(); l != nil {
		out = append(out, Effect{Section: "latency", Kind: KindLatency, Probability: clamp(or(l.Probability, 1), 0, 1), Sampling: l.Sampling.orDefault()})
	}
	if f := c.faults(); f != nil {
		out = append(out, f.effects()...)
	}
	if g := c.grpc(); g != nil {
		out = append(out, g.effects()...)
	}
	if g := c.graphql(); g != nil {
		out = append(out, g.effects()...)
	}
	if w := c.websocket(); w != nil {
		out = append(out, w.effects()...)
	}
	if s != nil && s.BandwidthLimit > 0 {
		limit("traffic_shaping", KindBandwidth)
	}
	if t := c.tcp(); t != nil {
		for i := range t.Toxics {
			if t.Toxics[i].acts() {
				out = append(out, t.Toxics[i].effect())
			}
		}
	}
	return out
}

func (f *FaultInjection) effects() []Effect {
	var out []Effect
	if f.OverrideHeaders && (f.MaxActiveFaults == nil || *f.MaxActiveFaults > 0) {
		out = append(out, Effect{Section: "fault_injection", Kind: KindLatency, Pattern: PatternOverride},
			Effect{Section: "fault_injection", Kind: KindHTTPError, Pattern: PatternOverride},
			Effect{Section: "fault_injection", Kind: KindGRPCStatus, Pattern: PatternOverride})
	}
	add := func(on bool, e Effect) {
		if on && e.Probability > 0 {
			e.Section = "fault_injection"
			out = append(out, e)
		}
	}
	add(f.HTTPErrorsOn(), f.httpErrorEffect())
	sampled := func(kind string, p *float64) Effect {
		return Effect{Kind: kind, Probability: clamp(or(p, 0.05), 0, 1), Sampling: f.Sampling.orDefault()}
	}
	add(f.ConnectionErrorsOn(), sampled(KindConnectionError, f.ConnectionErrorProbability))
	add(f.TimeoutErrorsOn(), sampled(KindTimeout, f.TimeoutProbability))
	add(f.PartialResponsesOn(), sampled(KindPartialResponse, f.PartialResponseProbability))
	add(f.PayloadCorruptionOn(), sampled(KindPayloadCorruption, f.PayloadCorruptionProbability))
	always := func(kind string, p *float64) Effect {
		return Effect{Kind: kind, Probability: clamp(or(p, 1), 0, 1), Sampling: f.Sampling.orDefault()}
	}
	if d := f.Dribble; d != nil {
		add(d.acts(), always(KindChunkedDribble, d.Probability))
	}
	if w := f.Rewrite; w != nil {
		add(w.acts(), always(KindResponseRewrite, w.Probability))
	}
	return out
}

func (f *FaultInjection) httpErrorEffect() Effect {
	e := Effect{Kind: KindHTTPError, Probability: 1}
	switch p := f.ErrorPattern; {
	case p == nil:
		e.Probability, e.Sampling = clamp(or(f.HTTPErrorProbability, 0.1), 0, 1), f.Sampling.orDefault()
	case p.Type == patternRandom:
		e.Pattern, e.Probability, e.Sampling = p.Type, clamp(or(p.Probability, 0.1), 0, 1), f.Sampling.orDefault()
	default:
		e.Pattern = p.Type
	}
	return e
}

// HTTPErrorsOn reports whether HTTP errors are on: they are mentioned, by their
// status codes, their probability or an error pattern, and there is a status
// code to answer.
func (f *FaultInjection) HTTPErrorsOn() bool {
	if f.ErrorPattern != nil {
		switch p := f.ErrorPattern; p.Type {
		case patternSequential:
			return len(validStatuses(p.Sequence)) > 0
		case patternBurst:
			return p.Count > 0 && len(f.statuses()) > 0
		case patternRandom:
			return len(f.statuses()) > 0
		default:
			return false
		}
	}
	return (f.HTTPErrors != nil || f.HTTPErrorProbability != nil) && len(f.statuses()) > 0
}

// ConnectionErrorsOn reports whether connection errors are on: mentioned, and
// their flag is not false.
func (f *FaultInjection) ConnectionErrorsOn() bool {
	return flag(f.ConnectionErrors, f.ConnectionErrorProbability != nil || f.ConnectionErrorKind != "")
}

// TimeoutErrorsOn reports whether time-outs are on: mentioned, and their flag
// is not false.
func (f *FaultInjection) TimeoutErrorsOn() bool {
	return flag(f.TimeoutErrors, f.Timeout != nil || f.TimeoutProbability != nil)
}

// PartialResponsesOn reports whether partial responses are on: mentioned, and
// their flag is not false.
func (f *FaultInjection) PartialResponsesOn() bool {
	return flag(f.PartialResponses, f.PartialResponseProbability != nil)
}

// PayloadCorruptionOn reports whether corruption is on: mentioned, its flag is
// not false, and its type is not none.
func (f *FaultInjection) PayloadCorruptionOn() bool {
	if f.CorruptionType == NoCorruption {
		return false
	}
	return flag(f.PayloadCorruption, f.PayloadCorruptionProbability != nil || f.CorruptionType != "")
}

// statuses are the codes that HTTP errors choose from.
func (f *FaultInjection) statuses() []int {
	if f.HTTPErrors == nil {
		return []int{500, 502, 503, 504}
	}
	return validStatuses(f.HTTPErrors)
}

func validStatuses(codes []int) []int {
	var out []int
	for _, code := range codes {
		if code >= 200 && code <= 999 {
			out = append(out, code)
		}
	}
	return out
}

// The sections that are on and can act; nil for the others.

func (c Config) latency() *Latency {
	if c.Disabled() || c.Latency == nil || !flag(c.Latency.Enabled, true) || or(c.Latency.Probability, 1) <= 0 || !c.Latency.acts() {
		return nil
	}
	return c.Latency
}

func (c Config) faults() *FaultInjection {
	if c.Disabled() || c.FaultInjection == nil || !flag(c.FaultInjection.Enabled, true) {
		return nil
	}
	return c.FaultInjection
}

func (c Config) graphql() *GraphQL {
	if c.Disabled() || c.GraphQL == nil || !flag(c.GraphQL.Enabled, true) {
		return nil
	}
	return c.GraphQL
}

func (c Config) rateLimit() *RateLimit {
	if c.Disabled() || c.RateLimit == nil || !flag(c.RateLimit.Enabled, true) {
		return nil
	}
	return c.RateLimit
}

func (c Config) shaping() *TrafficShaping {
	if c.Disabled() || c.TrafficShaping == nil || !flag(c.TrafficShaping.Enabled, true) {
		return nil
	}
	return c.TrafficShaping
}

func (c Config) breaker() *CircuitBreaker {
	if c.Disabled() || c.CircuitBreaker == nil || !flag(c.CircuitBreaker.Enabled, true) {
		return nil
	}
	return c.CircuitBreaker
}

func (c Config) bulkhead() *Bulkhead {
	if c.Disabled() || c.Bulkhead == nil || !flag(c.Bulkhead.Enabled, true) {
		return nil
	}
	return c.Bulkhead
}

func (c Config) tcp() *TCP {
	if c.Disabled() || c.TCP == nil || !flag(c.TCP.Enabled, true) {
		return nil
	}
	return c.TCP
}

func (c Config) websocket() *WebSocket {
	if c.Disabled() || c.WebSocket == nil || !flag(c.WebSocket.Enabled, true) {
		return nil
	}
	return c.WebSocket
}

func (s Sampling) orDefault() Sampling {
	if s == Bernoulli {
		return Bernoulli
	}
	return Exact
}

// flag is a switch that is set, else the default.
func flag(set *bool, otherwise bool) bool {
	if set == nil {
		return otherwise
	}
	return *set
}

func or[T float64 | int | time.Duration](set *T, otherwise T) T {
	if set == nil {
		return otherwise
	}
	return *set
}

// positive is v, or the default where v is not positive.
func positive[T float64 | int | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}
