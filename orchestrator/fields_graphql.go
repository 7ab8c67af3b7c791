package orchestrator

import (
	"regexp"

	"github.com/mockforge-go/mockforge/injector"
)

func graphqlFields() []field[injector.GraphQL] {
	type graphql = injector.GraphQL
	return []field[graphql]{
		{name: "enabled", def: "true", doc: enabledDoc,
			bind: func(g *graphql) codec { return switched(&g.Enabled) }},
		{name: "error_codes", def: "[INTERNAL_SERVER_ERROR]", doc: "`extensions.code` of errors, each as likely as the others; [] is none.",
			bind: func(g *graphql) codec { return list(&g.ErrorCodes, false, name) }},
		{name: "probability", def: "0.1 where `error_codes` is set", doc: "Of answering an operation with an error, and null data.",
			bind: func(g *graphql) codec { return maybe(&g.Probability, probability) }},
		{name: "message", def: "says which step injected it", doc: "Of errors.",
			bind: func(g *graphql) codec { return text(&g.Message) }},
		{name: "partial_data_probability", def: "0.1 where `partial_data_paths` is set", doc: "Of nulls in the data of a response, with errors that have their path.",
			bind: func(g *graphql) codec { return maybe(&g.PartialDataProbability, probability) }},
		{name: "partial_data_paths", def: "a place that a schema probably lets be null", doc: "Where nulls go, such as `user.orders` or `items.*.price`, with `*` for each item of a list; of several that a response has, one is drawn.",
			bind: func(g *graphql) codec { return list(&g.PartialDataPaths, true, dataPath) }},
		{name: "resolver_latency", def: "false", doc: "Delays an operation for each field at its top.",
			bind: func(g *graphql) codec { return switched(&g.ResolverLatency) }},
		{name: "resolver_delay_ms", def: "a tenth of the delay of `latency`, 50 without one", doc: "The delay for each of these fields.",
			bind: func(g *graphql) codec { return maybeMillis(&g.ResolverDelay) }},
		{name: "operations", def: "any", doc: "Names of operations, any of them; a trailing `*` matches the rest.",
			bind: func(g *graphql) codec { return list(&g.Operations, true, operationName) }},
		{name: "operation_types", def: "any", doc: "Types of operations, any of them.",
			bind: func(g *graphql) codec {
				return list(&g.OperationTypes, true, func(s *string) codec { return word(s, nil, "query", "mutation", "subscription") })
			}},
		{name: "paths", def: "any", doc: "Paths of the endpoint, any of them, as in `request_matcher`.",
			bind: func(g *graphql) codec { return list(&g.Paths, true, pathPattern) }},
		{name: "sampling", def: string(injector.Exact), doc: "exact: as many of every 20 operations as the probability says, at seeded places; bernoulli: a draw for each operation.",
			bind: func(g *graphql) codec { return sampling(&g.Sampling) }},
	}
}

var (
	operationNames = regexp.MustCompile(`^([_A-Za-z][_0-9A-Za-z]*\*?|\*)$`)
	dataPaths      = regexp.MustCompile(`^[_A-Za-z][_0-9A-Za-z]*(\.([_A-Za-z][_0-9A-Za-z]*|[0-9]+|\*))*$`)
)

// operationName is the name of an operation of GraphQL, or the beginning of one
// and a star.
func operationName(into *string) codec {
	return patternCodec{textCodec[string]{into: into, oneLine: true}, "name of an operation",
		operationNames, "the name of an operation, such as Cart or Cart*"}
}

// dataPath is the path of a place in the data of a response.
func dataPath(into *string) codec {
	return patternCodec{textCodec[string]{into: into, oneLine: true}, "path in the data",
		dataPaths, "a path from data, such as user.orders or items.*.price"}
}

// patternCodec is text of a certain form.
type patternCodec struct {
	textCodec[string]
	called string
	form   *regexp.Regexp
	want   string
}

func (c patternCodec) kind() string { return c.called }

func (c patternCodec) decode(d *decoder, n *node, path string) {
	problems := len(d.problems)
	c.textCodec.decode(d, n, path)
	if len(d.problems) == problems && !c.form.MatchString(n.text) {
		d.fail(n.place, path, "", "%s is not %s", quote(n.text), c.want)
	}
}
