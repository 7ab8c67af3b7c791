package orchestrator

import (
	"strconv"

	"github.com/mockforge-go/mockforge/injector"
)

func orchestrationFields() []field[Orchestration] {
	return []field[Orchestration]{
		{name: "name", required: true, doc: "What the orchestration is called.",
			bind: func(o *Orchestration) codec { return name(&o.Name) }},
		{name: "description", doc: "What it is for.",
			bind: func(o *Orchestration) codec { return text(&o.Description) }},
		{name: "tags", doc: "Words to find it by; carried through.",
			bind: func(o *Orchestration) codec { return list(&o.Tags, true, text) }},
		{name: "steps", required: true, doc: "What happens, 1 to 1,000 steps.",
			bind: func(o *Orchestration) codec { return stepsCodec{list(&o.Steps, false, step)} }},
		{name: "parallel", def: "false", doc: "All steps at once; each delay counts from the iteration's start.",
			bind: func(o *Orchestration) codec { return flag(&o.Parallel) }},
		{name: "loop_orchestration", def: "false", doc: "Repeat the steps.",
			bind: func(o *Orchestration) codec { return flag(&o.Loop) }},
		{name: "max_iterations", def: "1", doc: "How often a loop repeats; 0 is for ever. Without `loop_orchestration` it is ignored.",
			bind: func(o *Orchestration) codec {
				return iterationsCodec{integer(&o.MaxIterations, limits{0, 1e9, false}), o}
			}},
		{name: "seed", def: "chosen by the run", doc: "The seed of every decision: the same seed, the same run.",
			bind: func(o *Orchestration) codec { return optional(&o.Seed, unsigned) }},
		{name: "scenarios", doc: "Custom scenarios, by the names that steps use.",
			bind: func(o *Orchestration) codec {
				return dict(&o.Scenarios, func(c *injector.Config) codec { return object(c, configFields()) })
			}},
		{name: "targets", def: "one, named default", doc: "The upstreams that the chaos server stands in front of, by name.",
			bind: func(o *Orchestration) codec {
				return dict(&o.Targets, func(t *Target) codec { return object(t, targetFields()) })
			}},
		{name: "load", def: "none", doc: "Traffic that the engine drives during every step.",
			bind: func(o *Orchestration) codec { return section(&o.Load, trafficFields()) }},
		{name: "expect", doc: "Checked over the whole run.",
			bind: func(o *Orchestration) codec { return expectations(&o.Expect) }},
		{name: "stop_conditions", doc: "Judged over the last 10 s (`over 30s` changes it) with at least 20 samples; the first that is met stops the run as failed.",
			bind: func(o *Orchestration) codec { return expectations(&o.StopConditions) }},
	}
}

// stepsCodec bounds the number of steps before it looks at any.
type stepsCodec struct{ codec }

func (c stepsCodec) decode(d *decoder, n *node, path string) {
	switch {
	case n.kind == listNode && len(n.items) == 0:
		d.fail(n.place, path, "", "has no steps: at least one is needed")
	case n.kind == listNode && len(n.items) > maxSteps:
		d.fail(n.place, path, "", "has %d steps: at most %d are allowed", len(n.items), maxSteps)
	default:
		c.codec.decode(d, n, path)
	}
}

// iterationsCodec writes the 0 of an endless loop, which is not the default.
type iterationsCodec struct {
	codec
	o *Orchestration
}

func (c iterationsCodec) absent() bool { return !c.o.Loop && c.o.MaxIterations == 0 }

func targetFields() []field[Target] {
	return []field[Target]{
		{name: "upstream", def: "set by the test, or by flag", doc: "A URL, or `host:port` where `kind` is tcp.",
			bind: func(t *Target) codec { return text(&t.Upstream) }},
		{name: "kind", def: string(HTTP), doc: "What the target speaks.",
			bind: func(t *Target) codec { return word(&t.Kind, nil, HTTP, TCP) }},
	}
}

func trafficFields() []field[Traffic] {
	return []field[Traffic]{
		{name: "rate", required: true, doc: "Requests a second, whether earlier ones have been answered or not; 0 is none.",
			bind: func(t *Traffic) codec { return rateCodec{number(&t.Rate, limits{0, 100_000, false})} }},
		{name: "target", def: "the only target", doc: "Where to.",
			bind: func(t *Traffic) codec { return name(&t.Target) }},
		{name: "method", def: "GET", doc: "HTTP method.",
			bind: func(t *Traffic) codec { return text(&t.Method) }},
		{name: "path", def: "/", doc: "Path, and query if wanted.",
			bind: func(t *Traffic) codec { return text(&t.Path) }},
		{name: "headers", doc: "Header fields.",
			bind: func(t *Traffic) codec { return dict(&t.Headers, scalar) }},
		{name: "body", doc: "What every request carries.",
			bind: func(t *Traffic) codec { return text(&t.Body) }},
		{name: "timeout_ms", def: strconv.Itoa(int(DefaultTrafficTimeout.Milliseconds())), doc: "How long one request may take.",
			bind: func(t *Traffic) codec { return positiveMillis(&t.Timeout) }},
	}
}

// rateCodec is always written: a rate of 0 switches the document's load off.
type rateCodec struct{ codec }

func (rateCodec) absent() bool { return false }
