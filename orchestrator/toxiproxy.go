package orchestrator

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// FromToxiproxy makes the orchestration that does what a toxiproxy config does:
// a target of kind tcp for each proxy, and for duration (default: 0, which is 60
// s) its toxics. Proxies with the same toxics share a step; where they differ,
// the steps are parallel. A disabled proxy is down. Toxics that do nothing in
// toxiproxy are left out, with a warning.
//
// data is a JSON file as toxiproxy-server -config takes it, a list of proxies,
// or what GET /proxies answers; it is at most 1 MiB. The error is an
// *InvalidError with every problem, placed in data, or about a duration above
// 366 days.
func FromToxiproxy(data []byte, duration time.Duration) (o *Orchestration, warnings []Problem, err error) {
	if duration > maxDuration {
		return nil, nil, fmt.Errorf("%s is out of range: at most %d days", duration, maxDuration/(24*time.Hour))
	}
	root, problem := readNode(data, JSON)
	if problem != nil {
		return nil, nil, &InvalidError{Problems: []Problem{*problem}}
	}
	c := &checker{decoder: &decoder{places: map[string]place{"": root.place}}, o: &Orchestration{}}
	proxies := c.proxies(root)
	sortProblems(c.warnings)
	if len(c.problems) == 0 {
		o = proxied(proxies, duration)
		if _, err := o.Validate(); err != nil {
			return nil, c.warnings, err
		}
		return o, c.warnings, nil
	}
	sortProblems(c.problems)
	return nil, c.warnings, &InvalidError{Problems: c.problems}
}

// A proxy is one of toxiproxy's.
type proxy struct {
	name, listen, upstream string
	enabled                *bool
	toxics                 []injector.Toxic
}

func proxyFields() []field[proxy] {
	ignored := func(*proxy) codec { return ignoredCodec{} }
	return []field[proxy]{
		{name: "name", required: true, bind: func(p *proxy) codec { return name(&p.name) }},
		{name: "listen", bind: func(p *proxy) codec { return text(&p.listen) }},
		{name: "upstream", required: true, bind: func(p *proxy) codec { return name(&p.upstream) }},
		{name: "enabled", bind: func(p *proxy) codec { return switched(&p.enabled) }},
		{name: "toxics", bind: func(p *proxy) codec { return list(&p.toxics, false, proxyToxic) }},
		{name: "Logger", aliases: []string{"logger"}, bind: ignored}, // some versions answer it
	}
}

// ignoredCodec is a field that says nothing.
type ignoredCodec struct{}

func (ignoredCodec) decode(*decoder, *node, string) {}
func (ignoredCodec) encode() *node                  { return &node{} }
func (ignoredCodec) absent() bool                   { return true }
func (ignoredCodec) kind() string                   { return "anything" }

// noop is a type of toxiproxy's that does nothing.
const noop injector.ToxicType = "noop"

func proxyToxic(into *injector.Toxic) codec {
	type toxic = injector.Toxic
	return toxicCodec{object(into, []field[toxic]{
		{name: "name", bind: func(x *toxic) codec { return text(&x.Name) }},
		{name: "type", required: true, bind: func(x *toxic) codec {
			return word(&x.Type, nil, injector.ToxicLatency, injector.ToxicBandwidth, injector.ToxicSlowClose, injector.ToxicTimeout,
				injector.ToxicReset, injector.ToxicSlicer, injector.ToxicLimitData, noop)
		}},
		{name: "stream", bind: func(x *toxic) codec { return word(&x.Stream, nil, injector.Upstream, injector.Downstream) }},
		{name: "toxicity", bind: func(x *toxic) codec { return maybe(&x.Toxicity, probability) }},
		{name: "attributes", bind: func(x *toxic) codec { return object(&x.Attributes, proxyAttributes(x.Type)) }},
	}), into}
}

// proxyAttributes are toxiproxy's, which may be 0.
func proxyAttributes(of injector.ToxicType) []field[injector.ToxicAttributes] {
	all := attributeFields(of)
	whole := limits{0, fromOne.most, false}
	for i := range all {
		switch f := &all[i]; f.name {
		case "delay":
			unit := time.Millisecond
			if of == injector.ToxicSlicer {
				unit = time.Microsecond
			}
			f.bind = func(a *injector.ToxicAttributes) codec { return durationCodec{&a.Delay, unit, false} }
		case "rate":
			f.bind = func(a *injector.ToxicAttributes) codec { return integer(&a.Rate, whole) }
		case "average_size":
			f.bind = func(a *injector.ToxicAttributes) codec { return integer(&a.AverageSize, whole) }
		}
	}
	return slices.DeleteFunc(all, func(f field[injector.ToxicAttributes]) bool { return f.name == "percent" })
}

// proxies reads the proxies of either form and checks them.
func (c *checker) proxies(root *node) (out []proxy) {
	var items []entry
	switch root.kind {
	case listNode:
		for i, item := range root.items {
			items = append(items, entry{key: index("", i), at: item.place, value: item})
		}
	case mapNode:
		for _, e := range root.entries {
			items = append(items, entry{key: join("", e.key), at: e.at, value: e.value})
		}
	default:
		c.fail(place{max(1, root.line), max(1, root.column)}, "", "", "not a toxiproxy config: it is a list of proxies, each with name, listen and upstream")
		return nil
	}
	if len(items) == 0 {
		c.fail(root.place, "", "", "has no proxies")
	}
	seen := map[string]string{}
	for _, item := range items {
		if c.full() {
			return nil
		}
		var p proxy
		c.places[item.key] = item.at
		object(&p, proxyFields()).decode(c.decoder, item.value, item.key)
		if other := seen[p.name]; other != "" && p.name != "" {
			c.invalid(join(item.key, "name"), "", "%s is also the name of %s", quote(p.name), other)
		}
		seen[p.name] = item.key
		c.proxy(&p, item.key)
		out = append(out, p)
	}
	return out
}

func (c *checker) proxy(p *proxy, path string) {
	if host, port, err := net.SplitHostPort(p.upstream); p.upstream != "" && !c.broken(join(path, "upstream")) && (err != nil || host == "" || !portNumber(port)) {
		c.invalid(join(path, "upstream"), "", "%s is not host:port", quote(p.upstream))
	}
	first := map[string]int{}
	var acting []injector.Toxic
	for i, x := range p.toxics {
		at := index(join(path, "toxics"), i)
		if unprintable(x.Name) || x.Name != "" && strings.TrimSpace(x.Name) == "" {
			c.invalid(join(at, "name"), "", "%s is blank or has unprintable characters", quote(x.Name))
		}
		if c.broken(at) {
			continue
		}
		if j, taken := first[toxicLabel(x)]; taken {
			c.invalid(at, "", "%s is also the name of toxics[%d]", quote(toxicLabel(x)), j)
		}
		first[toxicLabel(x)] = i
		if idle(x) {
			c.warnAt(NoEffect, at, "", "does nothing: left out")
			continue
		}
		c.toxicAttributes(x, at)
		label := x.Name
		if x.Type == injector.ToxicBandwidth && x.Attributes.Rate == 0 {
			label, x.Type = toxicLabel(x), injector.ToxicTimeout // nothing passes at that rate
		}
		if x.Name = ""; toxicLabel(x) != label {
			x.Name = label
		}
		acting = append(acting, x)
	}
	if p.enabled != nil && !*p.enabled {
		if len(acting) > 0 {
			c.warnAt(NoEffect, join(path, "toxics"), "", "are left out: the proxy is disabled, which makes it down")
		}
		acting = []injector.Toxic{{Type: injector.ToxicDown}}
	}
	p.toxics = acting
}

// idle reports whether a toxic does nothing in toxiproxy.
func idle(x injector.Toxic) bool {
	a := x.Attributes
	if x.Toxicity != nil && *x.Toxicity == 0 {
		return true
	}
	switch x.Type {
	case noop:
		return true
	case injector.ToxicLatency:
		return a.Latency == 0 && a.Jitter == 0
	case injector.ToxicSlowClose:
		return a.Delay == 0
	case injector.ToxicSlicer:
		return a.AverageSize == 0
	}
	return false
}

// proxied is the orchestration of proxies.
func proxied(proxies []proxy, duration time.Duration) *Orchestration {
	if duration <= 0 {
		duration = DefaultScenarioDuration
	}
	o := &Orchestration{Name: "toxiproxy", Targets: map[string]Target{}}
	groups := map[string]int{} // by the text of their config: the step
	for _, p := range proxies {
		o.Targets[p.name] = Target{Kind: TCP, Upstream: p.upstream}
		if len(p.toxics) == 0 {
			continue
		}
		config := injector.Config{TCP: &injector.TCP{Toxics: p.toxics}}
		var text bytes.Buffer
		_ = EncodeConfig(&text, config, JSON) // a buffer takes everything
		i, known := groups[text.String()]
		if !known {
			i = len(o.Steps)
			groups[text.String()] = i
			o.Steps = append(o.Steps, Step{Name: p.name, Duration: duration, Scenario: Scenario{Config: &config}})
		}
		o.Steps[i].Targets = append(o.Steps[i].Targets, p.name)
	}
	o.Description = servedBy(proxies)
	switch len(o.Steps) {
	case 0:
		o.Steps = []Step{{Name: "toxics", Duration: duration}}
	case 1:
		o.Steps[0].Name = "toxics"
	default:
		o.Parallel = true
	}
	return o
}

// servedBy says how a server gets the targets that the proxies were.
func servedBy(proxies []proxy) string {
	var b strings.Builder
	b.WriteString("From a toxiproxy config. The server for it:\nmockforge serve --chaos")
	for _, p := range proxies {
		_, port, err := net.SplitHostPort(p.listen)
		if err != nil || !portNumber(port) {
			port = "N"
		}
		fmt.Fprintf(&b, " --target %s=tcp://%s,port=%s", p.name, p.upstream, port)
	}
	return b.String() + "\n"
}
