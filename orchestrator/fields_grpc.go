package orchestrator

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mockforge-go/mockforge/injector"
)

func grpcFields() []field[injector.GRPC] {
	type grpc = injector.GRPC
	return []field[grpc]{
		{name: "enabled", def: "true", doc: enabledDoc,
			bind: func(g *grpc) codec { return switched(&g.Enabled) }},
		{name: "status_codes", def: "[UNAVAILABLE]", doc: "Statuses to answer calls with, each as likely as the others; [] is none.",
			bind: func(g *grpc) codec { return list(&g.StatusCodes, false, grpcStatus) }},
		{name: "probability", def: "0.1 where status_codes is set", doc: "Of answering a call with one of them. Such an answer has no messages.",
			bind: func(g *grpc) codec { return maybe(&g.Probability, probability) }},
		{name: "message", def: "says which step injected it", doc: "The status's message.",
			bind: func(g *grpc) codec { return text(&g.Message) }},
		{name: "delay_ms", def: "0", doc: "How long such an answer takes.",
			bind: func(g *grpc) codec { return maybeMillis(&g.Delay) }},
		{name: "stream_interruption_probability", def: "0", doc: "Of breaking a call off in the middle. One that ends before counts as masked.",
			bind: func(g *grpc) codec { return maybe(&g.StreamInterruptionProbability, probability) }},
		{name: "interrupt_after_messages", def: "[1, 3]", doc: "After how many messages, those of both directions together: 1 is after a unary call's request and before its answer.",
			bind: func(g *grpc) codec { return countSpan(&g.InterruptAfterMessages) }},
		{name: "interruption_status", def: "UNAVAILABLE", doc: "The status that a call ends with then, or `reset`: its stream is reset, which most clients call INTERNAL.",
			bind: func(g *grpc) codec { return grpcStatusCodec{&g.InterruptionStatus, "reset"} }},
		{name: "methods", def: "all", doc: "Which calls the section is about: `/pkg.Service/Method` or `/pkg.Service/*`, any of them.",
			bind: func(g *grpc) codec { return list(&g.Methods, true, grpcMethod) }},
		{name: "exclude", def: "none", doc: "Which calls it is not about: patterns like those of `methods`; `health` and `reflection` stand for the services of that name.",
			bind: func(g *grpc) codec {
				return list(&g.Exclude, true, func(v *string) codec {
					return grpcMethodCodec{pathCodec{textCodec[string]{into: v, oneLine: true}}, true}
				})
			}},
		{name: "sampling", def: string(injector.Exact), doc: samplingDoc,
			bind: func(g *grpc) codec { return sampling(&g.Sampling) }},
	}
}

// grpcStatus is a gRPC status: its name, or its number.
func grpcStatus(into *string) codec { return grpcStatusCodec{into, ""} }

// A grpcStatusCodec may have one more word.
type grpcStatusCodec struct {
	into *string
	word string
}

func (c grpcStatusCodec) kind() string {
	if c.word != "" {
		return "gRPC status, by name or number, or " + c.word
	}
	return "gRPC status, by name or number"
}

func (c grpcStatusCodec) absent() bool  { return *c.into == "" }
func (c grpcStatusCodec) encode() *node { return &node{kind: textNode, text: *c.into} }

func (c grpcStatusCodec) decode(d *decoder, n *node, path string) {
	names := injector.GRPCStatuses()
	code, ok := integral(n)
	if n.kind == textNode {
		parsed, err := strconv.Atoi(n.text)
		code, ok = int64(parsed), err == nil && strconv.Itoa(parsed) == n.text
	}
	want := "a gRPC status: a name like UNAVAILABLE, or a number from 0 to 16"
	words := names
	if c.word != "" {
		words = append(words, c.word)
		want += ", or " + c.word
	}
	switch {
	case ok && code >= 0 && code < int64(len(names)):
		*c.into = strconv.FormatInt(code, 10)
	case n.kind == textNode && slices.Contains(words, n.text):
		*c.into = n.text
	default:
		d.wrong(n, path, d.closest(n.text, words), want)
	}
}

// grpcMethod is the pattern of a method of gRPC.
func grpcMethod(into *string) codec {
	return grpcMethodCodec{pathCodec{textCodec[string]{into: into, oneLine: true}}, false}
}

type grpcMethodCodec struct {
	pathCodec
	services bool // names of well-known services are words
}

func (c grpcMethodCodec) decode(d *decoder, n *node, path string) {
	if c.services && n.kind == textNode && (n.text == "health" || n.text == "reflection") {
		*c.into = n.text
		return
	}
	problems := len(d.problems)
	if c.textCodec.decode(d, n, path); len(d.problems) > problems {
		return
	}
	if service, method, ok := strings.Cut(strings.TrimPrefix(n.text, "/"), "/"); n.text == "*" || n.text == "/*" ||
		ok && strings.HasPrefix(n.text, "/") && service != "" && method != "" && !strings.Contains(method, "/") {
		return
	}
	suggestion := ""
	switch strings.Count(n.text, "/") {
	case 0:
		suggestion = "/" + n.text + "/*"
	case 1:
		if !strings.HasPrefix(n.text, "/") {
			suggestion = "/" + n.text
		} else {
			suggestion = strings.TrimSuffix(n.text, "/") + "/*"
		}
	}
	want := "a method of gRPC: write it like /pkg.Service/Method or /pkg.Service/*"
	if c.services {
		want += ", or health or reflection"
	}
	d.fail(n.place, path, suggestion, "%s is not %s", quote(n.text), want)
}
