package injector

import (
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// A Layer is a Config in force, on behalf of a step.
type Layer struct {
	Name      string
	Iteration int
	Config    Config
	Targets   []string // names of targets; nil: all
	Silent    bool     // leave the X-Mockforge headers out
	Seed      *uint64  // of its decisions. Default: the Injector's
	Order     int      // requests pass layers in ascending order, equal ones in order of Apply

	// Duration is how long the layer is meant to last, for ramps; it ends when
	// it is removed all the same. Default (0): unknown; a ramp is then at its end
	// from the beginning.
	Duration time.Duration
}

// A layer is a Layer made ready: its rules, and what they have counted.
type layer struct {
	ref     LayerRef
	order   int
	targets []string
	silent  bool
	step    []string // the value of X-Mockforge-Step

	latency   *latencyRule // the sampled rules, shared by all targets; nil: off
	faults    *faultRule
	grpc      *grpcRule
	loss      *lossRule
	graphql   *graphqlRule
	websocket *websocketRule
	answers   *answers
	toxics    []*toxicRule
	parts     parts
	clocked   bool // its draws depend on the instant

	reached limitCounts
	drawn   notes
	off     atomic.Bool
	rests   atomic.Uint64 // how often it went off
	gone    bell          // rings when the layer is removed
	cut     *bell         // rings at Release; shared by the layers of its time
}

// parts are the sections whose state belongs to a layer and a target.
type parts struct {
	breaker   *CircuitBreaker
	bulkhead  *Bulkhead
	rateLimit *RateLimit
	conns     int
	bandwidth int64
}

// limitCounts count the requests that reached each limit of a layer.
type limitCounts struct{ breaker, bulkhead, rate, conns, bandwidth atomic.Uint64 }

// newLayer makes a layer that starts now.
func newLayer(l Layer, seed uint64, cut *bell, now time.Time) *layer {
	c := l.Config
	out := &layer{
		ref: LayerRef{Name: l.Name, Iteration: l.Iteration}, order: l.Order, targets: slices.Clone(l.Targets), silent: l.Silent,
		step: []string{l.Name}, cut: cut,
	}
	key := func(section string) func(kind string) uint64 {
		base := Mix(keyOf(seed, l.Name), uint64(l.Iteration))
		return func(kind string) uint64 { return keyOf(base, section, kind) }
	}
	if s := c.latency(); s != nil {
		out.latency = newLatencyRule(s, newTimetable(s.Schedule, now, l.Duration), key("latency"))
		out.clocked = out.latency.times.clocked()
	}
	if s := c.faults(); s != nil && len(s.effects()) > 0 {
		out.faults = newFaultRule(s, newTimetable(s.Schedule, now, l.Duration), key("fault_injection"))
		out.answers = newAnswers(l.Name, out.faults)
		burst := out.faults.pattern != nil && out.faults.pattern.codes == nil
		out.clocked = out.clocked || burst || out.faults.times.clocked()
	}
	if s := c.grpc(); s != nil {
		out.grpc = newGRPCRule(s, l.Name, key("grpc"))
	}
	if s := c.graphql(); s != nil {
		out.graphql = newGraphQLRule(s, l.Name, key("graphql"))
	}
	if s := c.shaping(); s != nil {
		out.loss = newLossRule(s, key("traffic_shaping"))
		out.parts.conns, out.parts.bandwidth = max(s.MaxConnections, 0), max(s.BandwidthLimit, 0)
	}
	out.toxics = newToxicRules(c.tcp(), key("tcp"))
	if s := c.websocket(); s != nil {
		out.websocket = newWebSocketRule(s, l.Name, key("websocket"))
	}
	if s := c.breaker(); s != nil {
		out.parts.breaker = new(*s)
	}
	if s := c.bulkhead(); s != nil {
		out.parts.bulkhead = new(*s)
	}
	if s := c.rateLimit(); s != nil {
		out.parts.rateLimit = new(*s)
	}
	return out
}

// goOff makes the layer act no more, or not until it goes on again.
func (l *layer) goOff() {
	l.rests.Add(1)
	l.off.Store(true)
}

// applies reports whether the layer is in front of a target.
func (l *layer) applies(target string) bool {
	return l.targets == nil || slices.Contains(l.targets, target)
}

// A drawn is what a request drew from the latency and fault rules of a layer.
type drawn struct {
	latency, fault, call uint64 // ordinals
	hits                 hit
	faulted              bool // the fault rule drew: it matches, and is in its schedule
}

// matches reports whether the layer's request matcher matches a request.
func (l *layer) matches(r *http.Request, trustForwarded bool) bool {
	return l.faults == nil || l.faults.matcher == nil || l.faults.matcher.match(r, trustForwarded)
}

// listen is the protocol that a request speaks, where the layer asks.
func (l *layer) listen(r *http.Request) string {
	if l.grpc == nil {
		return ""
	}
	return ProtocolOf(r)
}

// draw takes the next ordinals of the rules that a request of that protocol
// reaches. matched says whether the layer's matcher matches it; now counts where
// the layer is clocked.
func (l *layer) draw(r *http.Request, protocol string, matched bool, now time.Time) (d drawn) {
	if rule := l.latency; rule != nil {
		var hit bool
		if d.latency, hit = rule.draw(now); hit {
			d.hits = hitLatency
		}
	}
	if rule := l.faults; rule != nil && matched {
		var share float64
		if d.fault, share, d.faulted = rule.next(now); d.faulted {
			d.hits |= rule.draw(d.fault, share, now)
		}
	}
	if rule := l.grpc; rule != nil && rule.reaches(r, protocol) {
		d.call = rule.count.next()
		d.hits |= rule.draw(d.call)
	}
	return d
}
