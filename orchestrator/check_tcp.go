package orchestrator

import (
	"fmt"
	"slices"

	"github.com/mockforge-go/mockforge/injector"
)

// tcp checks what toxics need and do not know.
func (c *checker) tcp(t *injector.TCP, path string) {
	if t == nil {
		return
	}
	first := map[string]int{}
	for i, x := range t.Toxics {
		if c.full() {
			return
		}
		at := index(join(path, "toxics"), i)
		if !slices.Contains(toxicTypes(), x.Type) {
			continue // reported already
		}
		label := toxicLabel(x)
		if j, taken := first[label]; taken {
			where := at
			if c.has(join(at, "name")) {
				where = join(at, "name")
			}
			c.invalid(where, "", "%s is also the name of toxics[%d]: give it another", quote(label), j)
		} else {
			first[label] = i
		}
		c.toxicScope(x, at)
		c.toxicAttributes(x, at)
		c.toxicNeeds(x, at)
	}
}

// toxicLabel is the name of a toxic, which toxiproxy makes from the type and
// the stream where there is none.
func toxicLabel(x injector.Toxic) string {
	switch {
	case x.Name != "":
		return x.Name
	case undirected(x.Type):
		return string(x.Type)
	case x.Stream == "":
		return fmt.Sprintf("%s_%s", x.Type, injector.Downstream)
	}
	return fmt.Sprintf("%s_%s", x.Type, x.Stream)
}

// undirected reports whether a type is about connections, not about bytes.
func undirected(of injector.ToxicType) bool {
	return of == injector.ToxicRefuse || of == injector.ToxicDown
}

func (c *checker) toxicScope(x injector.Toxic, path string) {
	if x.Stream != "" && undirected(x.Type) {
		c.invalid(join(path, "stream"), "", "type %s has no stream: it is about connections; leave it out", x.Type)
	}
	messages := []injector.ToxicType{injector.ToxicLatency, injector.ToxicTimeout, injector.ToxicReset, injector.ToxicClose}
	switch perMessage := x.Per == injector.PerMessage; {
	case perMessage && !slices.Contains(messages, x.Type):
		c.invalid(join(path, "per"), "", "type %s cannot be per message: only %s can", x.Type, enumerate(messages))
	case perMessage && x.Protocol == "" && !c.broken(join(path, "protocol")):
		c.invalid(join(path, "per"), "", "protocol is missing: it says how messages are told apart")
	case !perMessage && x.Protocol != "" && !c.broken(join(path, "per")) && !c.broken(join(path, "protocol")):
		c.invalid(join(path, "protocol"), "per: message", "is for toxics that are per message")
	}
}

// toxicAttributes checks that the attributes are the type's own.
func (c *checker) toxicAttributes(x injector.Toxic, path string) {
	at := join(path, "attributes")
	has := func(name string) bool { return c.has(join(at, name)) }
	_, known := attributesOf(x.Type)
	for _, f := range attributeFields(x.Type) {
		if !has(f.name) || slices.Contains(known, f.name) {
			continue
		}
		suggestion, knows := "", "it has none"
		if len(known) > 0 {
			suggestion, knows = c.closest(f.name, known), "it has "+enumerate(known)
		}
		c.invalid(join(at, f.name), suggestion, "is not an attribute of type %s: %s", x.Type, knows)
	}
	if a := x.Attributes; x.Type == injector.ToxicSlicer && a.AverageSize > 0 && a.SizeVariation >= a.AverageSize {
		c.invalid(join(at, "size_variation"), "", "is not below average_size")
	}
}

// toxicNeeds checks that the attributes are there which the type needs.
func (c *checker) toxicNeeds(x injector.Toxic, path string) {
	at := join(path, "attributes")
	need, _ := attributesOf(x.Type)
	for _, name := range need {
		if !c.has(join(at, name)) {
			c.invalid(path, "", "attributes.%s is missing: type %s needs it", name, x.Type)
		}
	}
	if x.Type == injector.ToxicLatency && x.Attributes.Latency == 0 && x.Attributes.Jitter == 0 && !c.broken(at) {
		c.invalid(path, "", "attributes.latency is missing, or 0 without jitter: type %s needs it", x.Type)
	}
}

// attributesOf lists the attributes that a type needs, and all that it has.
func attributesOf(of injector.ToxicType) (need, known []string) {
	switch of {
	case injector.ToxicLatency:
		return nil, []string{"latency", "jitter"} // one of them
	case injector.ToxicBandwidth:
		return []string{"rate"}, []string{"rate"}
	case injector.ToxicLoss:
		return []string{"percent"}, []string{"percent"}
	case injector.ToxicSlowClose:
		return []string{"delay"}, []string{"delay"}
	case injector.ToxicTimeout, injector.ToxicReset, injector.ToxicClose:
		return nil, []string{"timeout"}
	case injector.ToxicSlicer:
		return []string{"average_size"}, []string{"average_size", "size_variation", "delay"}
	case injector.ToxicLimitData:
		return []string{"bytes"}, []string{"bytes"}
	}
	return nil, nil
}
