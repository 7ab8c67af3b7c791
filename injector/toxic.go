package injector

import (
	"strconv"
	"time"
)

// A toxicRule is a Toxic of a layer made ready: it decides which connections,
// or which of their messages, the toxic hits.
type toxicRule struct {
	Toxic
	kind  string
	name  string  // among the layer's rules
	count counter // of what toxicity is drawn for
	hits  *sampler
	key   uint64    // of what it draws inside a connection
	loss  *lossRule // of chunks, upwards whatever the stream; nil: another type
}

// toxicKinds are the kinds of fault of the types, in the order of a layer.
var toxicKinds = map[ToxicType]string{
	ToxicRefuse: KindTCPRefuse, ToxicDown: KindTCPDown, ToxicLatency: KindTCPLatency, ToxicBandwidth: KindTCPBandwidth,
	ToxicLoss: KindTCPLoss, ToxicSlowClose: KindTCPSlowClose, ToxicTimeout: KindTCPTimeout, ToxicReset: KindTCPReset,
	ToxicClose: KindTCPClose, ToxicSlicer: KindTCPSlicer, ToxicLimitData: KindTCPLimitData,
}

// newToxicRules makes the rules of the toxics that act, in order.
func newToxicRules(c *TCP, key func(kind string) uint64) []*toxicRule {
	if c == nil {
		return nil
	}
	var out []*toxicRule
	seen := map[string]int{}
	for _, t := range c.Toxics {
		if !t.acts() {
			continue
		}
		t = t.resolved()
		name := string(t.Type) + " " + t.Name
		if seen[name]++; seen[name] > 1 {
			name += " " + strconv.Itoa(seen[name])
		}
		r := &toxicRule{
			Toxic: t, kind: toxicKinds[t.Type], name: "tcp " + name, key: key(name + " inside"),
			hits: newSampler(key(name), or(t.Toxicity, 1), t.Sampling),
		}
		if t.Type == ToxicLoss {
			p := t.Attributes.Percent / 100
			r.loss = &lossRule{
				up: newSampler(key(name+" chunks"), p, t.Sampling), again: key(name + " retransmission"),
				partition: p >= 1, limit: maxStall,
			}
		}
		out = append(out, r)
	}
	return out
}

// maxStall is the longest that a lost chunk is held up, if it is lost again and
// again.
const maxStall = 30 * time.Second

// acts reports whether the toxic can do anything.
func (t *Toxic) acts() bool {
	if or(t.Toxicity, 1) <= 0 {
		return false
	}
	a := t.Attributes
	switch t.Type {
	case ToxicLatency:
		return a.Latency > 0 || a.Jitter > 0
	case ToxicBandwidth:
		return a.Rate > 0
	case ToxicLoss:
		return a.Percent > 0
	case ToxicSlowClose:
		return a.Delay > 0
	case ToxicSlicer:
		return a.AverageSize > 0
	case ToxicTimeout, ToxicReset, ToxicClose, ToxicLimitData, ToxicRefuse, ToxicDown:
		return true
	}
	return false
}

// resolved is the toxic with its defaults, and within its limits.
func (t Toxic) resolved() Toxic {
	switch t.Type {
	case ToxicRefuse, ToxicDown:
		t.Stream = ""
	default:
		if t.Stream != Upstream {
			t.Stream = Downstream
		}
	}
	if t.Name == "" {
		t.Name = string(t.Type)
		if t.Stream != "" {
			t.Name += "_" + string(t.Stream)
		}
	}
	if t.Per != PerMessage || !t.Type.ofMessages() {
		t.Per = PerConnection
	}
	t.Sampling = t.Sampling.orDefault()
	a := &t.Attributes
	for _, d := range []*time.Duration{&a.Latency, &a.Jitter, &a.Delay, &a.Timeout} {
		*d = min(max(*d, 0), maxDelay)
	}
	a.Rate = min(max(a.Rate, 0), 1<<40)
	a.Percent = clamp(a.Percent, 0, 100)
	a.AverageSize = min(max(a.AverageSize, 0), 1<<40)
	a.SizeVariation = min(max(a.SizeVariation, 0), a.AverageSize)
	a.Bytes = max(a.Bytes, 0)
	return t
}

// ofMessages reports whether toxics of the type can act on single messages.
func (t ToxicType) ofMessages() bool {
	switch t {
	case ToxicLatency, ToxicTimeout, ToxicReset, ToxicClose:
		return true
	}
	return false
}

// refuses reports whether the rule is about new connections.
func (r *toxicRule) refuses() bool { return r.Type == ToxicRefuse || r.Type == ToxicDown }

// delay is what an observer is told as the delay of the toxic.
func (r *toxicRule) delay(ordinal uint64) time.Duration {
	switch a := r.Attributes; r.Type {
	case ToxicLatency:
		if r.Per == PerMessage {
			return jittered(a.Latency, a.Jitter, Mix(r.key, ordinal))
		}
		return a.Latency
	case ToxicSlowClose:
		return a.Delay
	case ToxicTimeout, ToxicReset, ToxicClose:
		return a.Timeout
	}
	return 0
}

// draws counts what toxicity was drawn for; for losses, the chunks.
func (r *toxicRule) draws() Draw {
	n, s := r.count.n.Load(), r.hits
	if r.loss != nil {
		n, s = r.loss.ups.n.Load(), r.loss.up
	}
	return Draw{
		Kind: r.kind, Probability: s.probability, Sampling: s.sampling,
		Requests: n, Injected: s.injected.Load(), Masked: s.masked.Load(),
	}
}

// effect is what the toxic can do.
func (t Toxic) effect() Effect {
	e := Effect{Section: "tcp", Kind: toxicKinds[t.Type], Probability: clamp(or(t.Toxicity, 1), 0, 1), Sampling: t.Sampling.orDefault()}
	if t.Type == ToxicLoss {
		e.Probability = clamp(t.Attributes.Percent/100, 0, 1)
	}
	return e
}
