package orchestrator

import (
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

func tcpFields() []field[injector.TCP] {
	return []field[injector.TCP]{
		{name: "enabled", def: "true", doc: enabledDoc,
			bind: func(c *injector.TCP) codec { return switched(&c.Enabled) }},
		{name: "toxics", doc: "What goes wrong, in the order in which bytes pass it.",
			bind: func(c *injector.TCP) codec { return list(&c.Toxics, false, toxic) }},
	}
}

func toxicFields() []field[injector.Toxic] {
	type toxic = injector.Toxic
	return []field[toxic]{
		{name: "name", def: "TYPE_STREAM", doc: "A label; no two of a section share it.",
			bind: func(x *toxic) codec { return name(&x.Name) }},
		{name: "type", required: true, doc: "What it does.",
			bind: func(x *toxic) codec { return word(&x.Type, nil, toxicTypes()...) }},
		{name: "stream", def: string(injector.Downstream), doc: "The direction: from the client to the upstream, or back. `refuse` and `down` have none.",
			bind: func(x *toxic) codec { return word(&x.Stream, nil, injector.Upstream, injector.Downstream) }},
		{name: "toxicity", def: "1", doc: "The probability of acting, drawn once for each connection.",
			bind: func(x *toxic) codec { return maybe(&x.Toxicity, probability) }},
		{name: "per", def: string(injector.PerConnection), doc: "What `toxicity` is drawn for; by the message only `latency`, `timeout`, `reset_peer` and `close` can act.",
			bind: func(x *toxic) codec { return word(&x.Per, nil, injector.PerConnection, injector.PerMessage) }},
		{name: "protocol", def: "none", doc: "How messages are told apart; needed where `per` is `message`.",
			bind: func(x *toxic) codec { return word(&x.Protocol, nil, "redis", "postgres", "kafka", "lines") }},
		{name: "attributes", doc: "What the type needs, in toxiproxy's units.",
			bind: func(x *toxic) codec { return object(&x.Attributes, attributeFields(x.Type)) }},
		{name: "sampling", def: string(injector.Exact), doc: samplingDoc,
			bind: func(x *toxic) codec { return sampling(&x.Sampling) }},
	}
}

// attributeFields are all attributes, as a toxic of the type writes them.
func attributeFields(of injector.ToxicType) []field[injector.ToxicAttributes] {
	type attributes = injector.ToxicAttributes
	unit, always := time.Millisecond, func(c codec) codec { return c }
	switch of {
	case injector.ToxicSlicer:
		unit = time.Microsecond
	case injector.ToxicLimitData:
		always = func(c codec) codec { return present{c} } // 0 bytes are a limit too
	}
	return []field[attributes]{
		{name: "latency", doc: "`latency`: the delay.",
			bind: func(a *attributes) codec { return millis(&a.Latency) }},
		{name: "jitter", def: "0", doc: "`latency`: ± of the delay, uniform.",
			bind: func(a *attributes) codec { return millis(&a.Jitter) }},
		{name: "rate", doc: "`bandwidth`: KB/s, of 1,000 bytes, shared by all connections of the target.",
			bind: func(a *attributes) codec { return integer(&a.Rate, fromOne) }},
		{name: "percent", doc: "`loss`: of the packets; an application sees stalls.",
			bind: func(a *attributes) codec { return number(&a.Percent, limits{0, 100, true}) }},
		{name: "delay", def: "slicer: 0", doc: "`slow_close`: how long the close waits. `slicer`: the time between pieces, in microseconds.",
			bind: func(a *attributes) codec { return durationCodec{&a.Delay, unit, of == injector.ToxicSlowClose} }},
		{name: "timeout", def: "0", doc: "`timeout`: the connection closes after it; 0 is never. `reset_peer`, `close`: how long the connection lasts; 0 is not at all.",
			bind: func(a *attributes) codec { return millis(&a.Timeout) }},
		{name: "average_size", doc: "`slicer`: of a piece, in bytes.",
			bind: func(a *attributes) codec { return integer(&a.AverageSize, fromOne) }},
		{name: "size_variation", def: "0", doc: "`slicer`: ± of the size, in bytes; below `average_size`.",
			bind: func(a *attributes) codec { return integer(&a.SizeVariation, limits{0, fromOne.most, false}) }},
		{name: "bytes", doc: "`limit_data`: the connection closes after them.",
			bind: func(a *attributes) codec { return always(integer(&a.Bytes, notNegative)) }},
	}
}

// toxic is a toxic. Its type, wherever it stands, says how the attributes are
// read.
func toxic(into *injector.Toxic) codec { return toxicCodec{object(into, toxicFields()), into} }

type toxicCodec struct {
	codec
	into *injector.Toxic
}

func (c toxicCodec) kind() string { return "toxic" }

func (c toxicCodec) decode(d *decoder, n *node, path string) {
	for _, e := range n.entries {
		if e.key == "type" {
			c.into.Type = injector.ToxicType(e.value.text)
			break
		}
	}
	c.codec.decode(d, n, path)
}

func toxicTypes() []injector.ToxicType {
	return []injector.ToxicType{injector.ToxicLatency, injector.ToxicBandwidth, injector.ToxicLoss, injector.ToxicSlowClose,
		injector.ToxicTimeout, injector.ToxicReset, injector.ToxicClose, injector.ToxicSlicer, injector.ToxicLimitData,
		injector.ToxicRefuse, injector.ToxicDown}
}

// toxicDoc says what a type does, for the reference.
func toxicDoc(of injector.ToxicType) string {
	switch of {
	case injector.ToxicLatency:
		return "Bytes come `latency` later, ± `jitter`."
	case injector.ToxicBandwidth:
		return "Bytes flow at `rate`, which all connections of the target share."
	case injector.ToxicLoss:
		return "Packets are lost: bytes stall until TCP would have sent them again."
	case injector.ToxicSlowClose:
		return "The close comes `delay` later."
	case injector.ToxicTimeout:
		return "Nothing passes, and after `timeout` the connection closes."
	case injector.ToxicReset:
		return "After `timeout` the connection is reset."
	case injector.ToxicClose:
		return "After `timeout` the connection is closed."
	case injector.ToxicSlicer:
		return "Bytes come in pieces of `average_size` ± `size_variation`, `delay` apart."
	case injector.ToxicLimitData:
		return "The connection closes after `bytes`."
	case injector.ToxicRefuse:
		return "New connections are refused."
	default:
		return "New connections are refused, and those that are open are closed."
	}
}
