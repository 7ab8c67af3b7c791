package orchestrator

import (
	"slices"

	"github.com/mockforge-go/mockforge/injector"
)

func faultFields() []field[injector.FaultInjection] {
	type faults = injector.FaultInjection
	status := func(v *int) codec { return integer(v, statusCodes) }
	return slices.Concat([]field[faults]{
		{name: "enabled", def: "true", doc: enabledDoc,
			bind: func(f *faults) codec { return switched(&f.Enabled) }},
		{name: "http_errors", def: "[500, 502, 503, 504]", doc: "Status codes to answer with, each as likely as the others; [] is none.",
			bind: func(f *faults) codec { return list(&f.HTTPErrors, false, status) }},
		{name: "http_error_probability", def: "0.1", doc: "Of an HTTP error.",
			bind: func(f *faults) codec { return maybe(&f.HTTPErrorProbability, probability) }},
		{name: "connection_errors", def: "true where one of the next two is set", doc: "Connection errors on or off.",
			bind: func(f *faults) codec { return switched(&f.ConnectionErrors) }},
		{name: "connection_error_probability", def: "0.05", doc: "Of a connection error.",
			bind: func(f *faults) codec { return maybe(&f.ConnectionErrorProbability, probability) }},
		{name: "connection_error_kind", def: string(injector.HTTP503), doc: "What it looks like: a 503 (`http_503` is accepted too), a reset, a close before the first byte, a 200 whose body is no chunk, or bytes that are no HTTP. WireMock's names are accepted: `CONNECTION_RESET_BY_PEER`, `EMPTY_RESPONSE`, `MALFORMED_RESPONSE_CHUNK`, `RANDOM_DATA_THEN_CLOSE`, in either case.",
			bind: func(f *faults) codec {
				return word(&f.ConnectionErrorKind, connectionErrorNames(),
					injector.HTTP503, injector.TCPReset, injector.TCPClose, injector.MalformedChunk, injector.RandomData)
			}},
		{name: "timeout_errors", def: "true where one of the next two is set", doc: "Time-outs on or off.",
			bind: func(f *faults) codec { return switched(&f.TimeoutErrors) }},
		{name: "timeout_ms", def: "5000", doc: "How long a request is held before it gets a 504.",
			bind: func(f *faults) codec { return maybeMillis(&f.Timeout) }},
		{name: "timeout_probability", def: "0.05", doc: "Of a time-out.",
			bind: func(f *faults) codec { return maybe(&f.TimeoutProbability, probability) }},
		{name: "partial_responses", def: "true where the next is set", doc: "Partial responses on or off: the connection ends in the middle of the body.",
			bind: func(f *faults) codec { return switched(&f.PartialResponses) }},
		{name: "partial_response_probability", def: "0.05", doc: "Of a partial response.",
			bind: func(f *faults) codec { return maybe(&f.PartialResponseProbability, probability) }},
		{name: "payload_corruption", def: "true where one of the next two is set", doc: "Corruption of response bodies on or off.",
			bind: func(f *faults) codec { return switched(&f.PayloadCorruption) }},
		{name: "payload_corruption_probability", def: "0.05", doc: "Of a corrupt body.",
			bind: func(f *faults) codec { return maybe(&f.PayloadCorruptionProbability, probability) }},
		{name: "corruption_type", def: string(injector.RandomBytes), doc: "How a body is corrupted.",
			bind: func(f *faults) codec {
				return word(&f.CorruptionType, nil, injector.NoCorruption, injector.RandomBytes, injector.Truncate, injector.BitFlip)
			}},
		{name: "error_pattern", def: "none", doc: "Which requests get an HTTP error, in place of the probability.",
			bind: func(f *faults) codec { return section(&f.ErrorPattern, patternFields()) }},
		{name: "mockai_enabled", def: "false", doc: "Carried through; has no effect.",
			bind: func(f *faults) codec { return flag(&f.MockAIEnabled) }},
		{name: "request_matcher", def: "all", doc: "Which requests this section applies to.",
			bind: func(f *faults) codec { return section(&f.RequestMatcher, matcherFields()) }},
		{name: "sampling", def: string(injector.Exact), doc: samplingDoc,
			bind: func(f *faults) codec { return sampling(&f.Sampling) }},
	}, httpFields())
}

// connectionErrorNames are the other names of kinds: MockForge's, and WireMock's.
func connectionErrorNames() map[string]injector.ConnectionErrorKind {
	return map[string]injector.ConnectionErrorKind{
		"http_503":       injector.HTTP503,
		"EMPTY_RESPONSE": injector.TCPClose, "empty_response": injector.TCPClose,
		"CONNECTION_RESET_BY_PEER": injector.TCPReset, "connection_reset_by_peer": injector.TCPReset,
		"MALFORMED_RESPONSE_CHUNK": injector.MalformedChunk,
		"RANDOM_DATA_THEN_CLOSE":   injector.RandomData,
	}
}

func patternFields() []field[injector.ErrorPattern] {
	type pattern = injector.ErrorPattern
	return []field[pattern]{
		{name: "type", required: true, doc: "The pattern.",
			bind: func(p *pattern) codec { return word(&p.Type, nil, "burst", "random", "sequential") }},
		{name: "count", doc: "burst: how many requests fail at the start of each interval.",
			bind: func(p *pattern) codec { return integer(&p.Count, fromOne) }},
		{name: "interval_ms", doc: "burst: how often.",
			bind: func(p *pattern) codec { return positiveMillis(&p.Interval) }},
		{name: "probability", def: "0.1", doc: "random: of an HTTP error.",
			bind: func(p *pattern) codec { return maybe(&p.Probability, probability) }},
		{name: "sequence", doc: "sequential: the status codes that requests get in turn.",
			bind: func(p *pattern) codec {
				return list(&p.Sequence, false, func(v *int) codec { return integer(v, statusCodes) })
			}},
	}
}

func matcherFields() []field[injector.RequestMatcher] {
	type matcher = injector.RequestMatcher
	return []field[matcher]{
		{name: "source_ips", def: "any", doc: "Addresses or CIDR prefixes, any of them.",
			bind: func(m *matcher) codec { return list(&m.SourceIPs, true, address) }},
		{name: "headers", def: "any", doc: "Header fields that the request must have, all of them.",
			bind: func(m *matcher) codec {
				return list(&m.Headers, false, func(h *injector.HeaderMatch) codec { return object(h, headerFields()) })
			}},
		{name: "min_body_size_bytes", doc: "The smallest body that matches.",
			bind: func(m *matcher) codec { return maybeInteger(&m.MinBodySize, notNegative) }},
		{name: "max_body_size_bytes", doc: "The largest body that matches.",
			bind: func(m *matcher) codec { return maybeInteger(&m.MaxBodySize, notNegative) }},
		{name: "chunked_only", def: "any", doc: "true: only chunked requests; false: only others.",
			bind: func(m *matcher) codec { return switched(&m.ChunkedOnly) }},
		{name: "methods", def: "any", doc: "HTTP methods, any of them.",
			bind: func(m *matcher) codec { return list(&m.Methods, true, name) }},
		{name: "paths", def: "any", doc: "Paths, any of them; `*` matches the rest of a segment or, at the end, of the path, and `{name}` one segment.",
			bind: func(m *matcher) codec { return list(&m.Paths, true, pathPattern) }},
		{name: "hosts", def: "any", doc: "Hosts, any of them; a leading `*.` matches every subdomain.",
			bind: func(m *matcher) codec { return list(&m.Hosts, true, name) }},
	}
}

func headerFields() []field[injector.HeaderMatch] {
	return []field[injector.HeaderMatch]{
		{name: "name", required: true, doc: "The field's name, in any case.",
			bind: func(h *injector.HeaderMatch) codec { return name(&h.Name) }},
		{name: "value", def: "any", doc: "Its value, exactly.",
			bind: func(h *injector.HeaderMatch) codec { return optional(&h.Value, scalar) }},
	}
}
