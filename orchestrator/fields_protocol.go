package orchestrator

import (
	"slices"
	"strconv"

	"github.com/mockforge-go/mockforge/injector"
)

func grpcFields() []field[injector.GRPC] {
	type grpc = injector.GRPC
	return []field[grpc]{
		{name: "enabled", def: "true", doc: enabledDoc,
			bind: func(g *grpc) codec { return switched(&g.Enabled) }},
		{name: "status_codes", doc: "Status codes to answer with.",
			bind: func(g *grpc) codec { return list(&g.StatusCodes, false, grpcStatus) }},
		{name: "probability", def: "0.1", doc: "Of an error.",
			bind: func(g *grpc) codec { return maybe(&g.Probability, probability) }},
		{name: "stream_interruption_probability", def: "0.1", doc: "Of ending a stream early.",
			bind: func(g *grpc) codec { return maybe(&g.StreamInterruptionProbability, probability) }},
	}
}

func graphqlFields() []field[injector.GraphQL] {
	type graphql = injector.GraphQL
	return []field[graphql]{
		{name: "enabled", def: "true", doc: enabledDoc,
			bind: func(g *graphql) codec { return switched(&g.Enabled) }},
		{name: "error_codes", doc: "Error codes to answer with, such as INTERNAL_SERVER_ERROR.",
			bind: func(g *graphql) codec { return list(&g.ErrorCodes, false, name) }},
		{name: "probability", def: "0.1", doc: "Of an error.",
			bind: func(g *graphql) codec { return maybe(&g.Probability, probability) }},
		{name: "partial_data_probability", def: "0.1", doc: "Of an answer with only part of the data.",
			bind: func(g *graphql) codec { return maybe(&g.PartialDataProbability, probability) }},
		{name: "resolver_latency", def: "false", doc: "Delay resolvers rather than the whole request.",
			bind: func(g *graphql) codec { return switched(&g.ResolverLatency) }},
	}
}

// grpcStatus is a gRPC status: its name, or its number.
func grpcStatus(into *string) codec { return grpcStatusCodec{into} }

type grpcStatusCodec struct{ into *string }

func (c grpcStatusCodec) kind() string  { return "gRPC status, by name or number" }
func (c grpcStatusCodec) absent() bool  { return *c.into == "" }
func (c grpcStatusCodec) encode() *node { return &node{kind: textNode, text: *c.into} }

func (c grpcStatusCodec) decode(d *decoder, n *node, path string) {
	names := grpcStatusNames()
	code, ok := integral(n)
	if n.kind == textNode {
		parsed, err := strconv.Atoi(n.text)
		code, ok = int64(parsed), err == nil && strconv.Itoa(parsed) == n.text
	}
	switch {
	case ok && code >= 0 && code < int64(len(names)):
		*c.into = strconv.FormatInt(code, 10)
	case n.kind == textNode && slices.Contains(names, n.text):
		*c.into = n.text
	default:
		d.wrong(n, path, d.closest(n.text, names), "a gRPC status: a name like UNAVAILABLE, or a number from 0 to 16")
	}
}

// grpcStatusNames are the names of the statuses, by number.
func grpcStatusNames() []string {
	return []string{"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
		"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
		"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"}
}
