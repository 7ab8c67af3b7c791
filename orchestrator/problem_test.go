package orchestrator_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// steps puts fields of a step, one a line, into an otherwise valid document;
// they stand on line 4 and below, from column 5.
func stepWith(fields string) string {
	return "name: x\nsteps:\n  - name: a\n    " + strings.ReplaceAll(fields, "\n", "\n    ") + "\n"
}

// configWith does the same for a config; its fields stand on line 6 and below,
// from column 9.
func configWith(fields string) string {
	return stepWith("scenario:\n  config:\n    " + strings.ReplaceAll(fields, "\n", "\n    "))
}

func TestProblems(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		text string
		json bool
		want []string
	}{
		// The document.
		{name: "empty", text: "", want: []string{"1:1: the document is empty: name and steps are missing"}},
		{name: "comments only", text: "# nothing\n", want: []string{"1:1: the document is empty: name and steps are missing"}},
		{name: "empty JSON", json: true, text: " ", want: []string{"1:1: the document is empty: name and steps are missing"}},
		{name: "toxiproxy", json: true, text: `[{"name": "redis", "listen": ":1", "upstream": ":2"}]`, want: []string{"1:1: this is a config of toxiproxy: mockforge orchestrate import --from toxiproxy FILE makes an orchestration of it"}},
		{name: "toxiproxy's API", json: true, text: `{"redis": {"listen": ":1", "upstream": ":2", "toxics": []}}`, want: []string{"1:1: this is a config of toxiproxy: mockforge orchestrate import --from toxiproxy FILE makes an orchestration of it"}},
		{name: "Kubernetes", text: "apiVersion: chaos-mesh.org/v1alpha1\nkind: NetworkChaos\nspec: {}\n", want: []string{`1:1: this is a Kubernetes object, of kind "NetworkChaos", and no orchestration: a document has a name and steps`}},
		{name: "not a mapping", text: "- a\n", want: []string{`1:1: must be a mapping, not a list`}},
		{name: "not YAML", text: "name: [a\nsteps: b\n", want: []string{`1:1: not YAML: did not find expected ',' or ']'`}},
		{name: "tab", text: "name: x\nsteps:\n\t- name: a\n", want: []string{"3:1: not YAML: a tab indents this line; use spaces"}},
		{name: "second document", text: stepWith("keep: false") + "---\n" + stepWith("keep: false"),
			want: []string{"6:1: a second document begins here: a file holds one orchestration; move this one to a file of its own"}},
		{name: "not JSON", json: true, text: "{\n  \"name\": x\n}", want: []string{"2:11: not JSON: invalid character 'x' looking for beginning of value"}},
		{name: "cut off JSON", json: true, text: "{\"name\": ", want: []string{`1:9: not JSON: unexpected end of JSON input`}},
		{name: "YAML as JSON", json: true, text: "name: x\n", want: []string{`1:2: not JSON: invalid character 'a' in literal null (expecting 'u')`}},
		{name: "second JSON document", json: true, text: "{}\n{}",
			want: []string{"2:1: a second document begins here: a file holds one orchestration; move this one to a file of its own"}},
		{name: "JSON positions", json: true, text: "{\n\t\"name\": \"ü\\u0041\",\t\"stps\": [],\n \"steps\": [ {\"name\":\"a\",\"keep\":1} ] }", want: []string{
			`2:21: stps: unknown field; did you mean "steps"?`,
			`3:32: steps[0].keep: must be true or false, not the number 1; did you mean "true"?`}},
		{name: "duplicate JSON key", json: true, text: "{\"name\": \"x\",\n\"name\": \"y\", \"steps\": [\"a (1s)\"]}", want: []string{
			"2:1: name: duplicate key, first on line 1; if a second orchestration begins here, separate two documents with --- and keep each in a file of its own"}},

		// Keys and types.
		{name: "unknown keys", text: "name: x\nloop: true\nmax-iterations: 3\nwarmup: 1\nsteps: [a (1s)]\n", want: []string{
			`2:1: loop: unknown field; did you mean "loop_orchestration"?`,
			`3:1: max-iterations: unknown field; did you mean "max_iterations"?`,
			`4:1: warmup: unknown field`}},
		{name: "typo in a section", text: configWith("latency:\n  fixed_dealy_ms: 10"),
			want: []string{`7:11: steps[0].scenario.config.latency.fixed_dealy_ms: unknown field; did you mean "fixed_delay_ms"?`}},
		{name: "section in the step", text: stepWith("latency: {fixed_delay_ms: 1}"),
			want: []string{`4:5: steps[0].latency: unknown field: it belongs in scenario.config`}},
		{name: "section in the scenario", text: stepWith("scenario:\n  rate_limit: {}"),
			want: []string{`5:7: steps[0].scenario.rate_limit: unknown field: it belongs in config`}},
		{name: "duplicate key", text: stepWith("keep: true\nkeep: true"), want: []string{"5:5: steps[0].keep: duplicate key, first on line 4"}},
		{name: "both spellings", text: stepWith("scenario:\n  config: {enabled: false}\n  chaos_config: {}"),
			want: []string{"6:7: steps[0].scenario.chaos_config: says the same as config, first on line 5"}},
		{name: "types", text: "name: 12\ndescription: [a]\ntags: {a: b}\nparallel: yes\nseed: -1\nmax_iterations: 1.5\nsteps: a\n", want: []string{
			"1:7: name: must be text, not the number 12: put it in quotes",
			"2:14: description: must be text, not a list",
			"3:7: tags: must be a list, not a mapping",
			`4:11: parallel: must be true or false, not the text "yes"; did you mean "true"?`,
			"5:7: seed: must be a whole number from 0 to 2^64-1, not the number -1",
			"6:17: max_iterations: must be a whole number, not the number 1.5",
			`7:8: steps: must be a list, not the text "a"`}},
		{name: "numbers as text", text: stepWith("duration_seconds: 90s\ndelay_before_seconds: \"5\""), want: []string{
			`4:23: steps[0].duration_seconds: must be a number of seconds, not the text "90s"; did you mean "90"?`,
			`5:27: steps[0].delay_before_seconds: must be a number of seconds, not the text "5"; did you mean "5 without quotes"?`}},
		{name: "null in a list", text: "name: x\ntags: [a, null]\nsteps: [~]\n", want: []string{
			`2:11: tags[1]: must be text, not nothing`,
			`3:9: steps[0]: must be a mapping, not nothing`}},
		{name: "words", text: stepWith("when: on_faliure\nscenario: {config: {fault_injection: {connection_error_kind: tcp-reset, corruption_type: scramble}}}"), want: []string{
			`4:11: steps[0].when: must be on_success, on_failure or always, not the text "on_faliure"; did you mean "on_failure"?`,
			`5:66: steps[0].scenario.config.fault_injection.connection_error_kind: must be http503, tcp_reset, tcp_close, malformed_response_chunk or random_data_then_close, not the text "tcp-reset"; did you mean "tcp_reset"?`,
			`5:94: steps[0].scenario.config.fault_injection.corruption_type: must be none, random_bytes, truncate or bit_flip, not the text "scramble"`}},
		{name: "time", text: stepWith("scenario:\n  start_time: tomorrow\n  end_time: 2026-01-01"), want: []string{
			`5:19: steps[0].scenario.start_time: must be a time like 2026-01-31T12:00:00Z, not the text "tomorrow"`,
			`6:17: steps[0].scenario.end_time: must be a time like 2026-01-31T12:00:00Z, not the text "2026-01-01"`}},
		{name: "times in the wrong order", text: stepWith("scenario:\n  start_time: 2026-01-02T00:00:00Z\n  end_time: 2026-01-01T00:00:00Z"),
			want: []string{"6:17: steps[0].scenario.end_time: is not after start_time"}},

		// Ranges.
		{name: "probability", text: configWith("fault_injection:\n  http_error_probability: 10\n  timeout_probability: -0.5"), want: []string{
			`7:35: steps[0].scenario.config.fault_injection.http_error_probability: 10 is out of range: must be 0 to 1`,
			`8:32: steps[0].scenario.config.fault_injection.timeout_probability: -0.5 is out of range: must be 0 to 1`}},
		{name: "percent", text: configWith("traffic_shaping:\n  packet_loss_percent: 100.1\n  max_connections: -1"), want: []string{
			`7:32: steps[0].scenario.config.traffic_shaping.packet_loss_percent: 100.1 is out of range: must be 0 to 100`,
			`8:28: steps[0].scenario.config.traffic_shaping.max_connections: -1 is out of range: must be 0 or more`}},
		{name: "status codes", text: configWith("fault_injection:\n  http_errors: [500, 42, 1000]"), want: []string{
			`7:30: steps[0].scenario.config.fault_injection.http_errors[1]: 42 is out of range: must be 200 to 999`,
			`7:34: steps[0].scenario.config.fault_injection.http_errors[2]: 1000 is out of range: must be 200 to 999`}},
		{name: "not a number", text: configWith("latency:\n  jitter_percent: .nan\n  fixed_delay_ms: .inf"), want: []string{
			`7:27: steps[0].scenario.config.latency.jitter_percent: must be a number, not the number .nan`,
			`8:27: steps[0].scenario.config.latency.fixed_delay_ms: must be a number of milliseconds, not the number .inf`}},
		{name: "zeros that would stop everything", text: configWith("rate_limit: {requests_per_second: 0, burst_size: 0}\ncircuit_breaker: {timeout_ms: 0, half_open_max_requests: 0}\nbulkhead: {max_concurrent_requests: 0}"), want: []string{
			"6:43: steps[0].scenario.config.rate_limit.requests_per_second: 0 is out of range: must be more than 0",
			"6:58: steps[0].scenario.config.rate_limit.burst_size: 0 is out of range: must be 1 or more",
			"7:39: steps[0].scenario.config.circuit_breaker.timeout_ms: 0 is out of range: must be more than 0, at most 31622400000 milliseconds",
			"7:66: steps[0].scenario.config.circuit_breaker.half_open_max_requests: 0 is out of range: must be 1 or more",
			"8:45: steps[0].scenario.config.bulkhead.max_concurrent_requests: 0 is out of range: must be 1 or more"}},
		{name: "durations", text: stepWith("duration_seconds: -1\ndelay_before_seconds: 1e12"), want: []string{
			"4:23: steps[0].duration_seconds: -1 is out of range: must be 0 to 31622400 seconds",
			"5:27: steps[0].delay_before_seconds: 1e12 is out of range: must be 0 to 31622400 seconds"}},
		{name: "range of delays", text: configWith("latency:\n  random_delay_range_ms: [500, 100]"),
			want: []string{`7:34: steps[0].scenario.config.latency.random_delay_range_ms: the minimum is above the maximum; did you mean "[100, 500]"?`}},
		{name: "half a range", text: configWith("latency:\n  random_delay_range_ms: [500]"),
			want: []string{`7:34: steps[0].scenario.config.latency.random_delay_range_ms: must be a list of two numbers, [min, max], not of 1`}},
		{name: "bodies", text: configWith("fault_injection:\n  http_errors: [500]\n  request_matcher:\n    min_body_size_bytes: 10\n    max_body_size_bytes: 9"),
			want: []string{`10:34: steps[0].scenario.config.fault_injection.request_matcher.max_body_size_bytes: is below min_body_size_bytes`}},
		{name: "matcher", text: configWith("fault_injection:\n  http_errors: [500]\n  request_matcher:\n    source_ips: [10.0.0.0/8, ten]\n    paths: [api]\n    headers: [{value: a}]"), want: []string{
			`9:38: steps[0].scenario.config.fault_injection.request_matcher.source_ips[1]: must be an IP address or a CIDR prefix like 10.0.0.0/8, not the text "ten"`,
			`10:21: steps[0].scenario.config.fault_injection.request_matcher.paths[0]: "api" is not a path: it must begin with /; did you mean "/api"?`,
			`11:23: steps[0].scenario.config.fault_injection.request_matcher.headers[0]: name is missing`}},
		{name: "burst", text: configWith("fault_injection:\n  error_pattern: {type: burst}"), want: []string{
			`7:11: steps[0].scenario.config.fault_injection.error_pattern: count is missing: how many requests fail at the start of each interval`,
			`7:11: steps[0].scenario.config.fault_injection.error_pattern: interval_ms is missing: how often a burst begins`}},
		{name: "distribution", text: configWith("latency:\n  distribution: {type: uniform, min_ms: 10, max_ms: 5}\n") + "scenarios:\n  slow:\n    latency:\n      distribution: {type: lognormal}\n", want: []string{
			`7:61: steps[0].scenario.config.latency.distribution.max_ms: is below min_ms`,
			`12:7: scenarios.slow.latency.distribution: median_ms is missing: type lognormal needs it`}},
		{name: "GraphQL", text: configWith("graphql:\n  operations: [Cart*, '*', 1x, Ca*t]\n  operation_types: [query, querry]\n  partial_data_paths: [a.*.b, '*.a', a..b]\n  paths: graphql\n  resolver_delay_ms: -1"), want: []string{
			`7:36: steps[0].scenario.config.graphql.operations[2]: "1x" is not the name of an operation, such as Cart or Cart*`,
			`7:40: steps[0].scenario.config.graphql.operations[3]: "Ca*t" is not the name of an operation, such as Cart or Cart*`,
			`8:36: steps[0].scenario.config.graphql.operation_types[1]: must be query, mutation or subscription, not the text "querry"; did you mean "query"?`,
			`9:39: steps[0].scenario.config.graphql.partial_data_paths[1]: "*.a" is not a path from data, such as user.orders or items.*.price`,
			`9:46: steps[0].scenario.config.graphql.partial_data_paths[2]: "a..b" is not a path from data, such as user.orders or items.*.price`,
			`10:18: steps[0].scenario.config.graphql.paths[0]: "graphql" is not a path: it must begin with /; did you mean "/graphql"?`,
			`11:30: steps[0].scenario.config.graphql.resolver_delay_ms: -1 is out of range: must be 0 to 31622400000 milliseconds`}},
		{name: "WebSocket", text: configWith("websocket: {close_codes: [1001, 1006, 999], close_reason: '" + strings.Repeat("é", 62) + "', close_after_messages: [5, 2], direction: up}"), want: []string{
			`6:41: steps[0].scenario.config.websocket.close_codes[1]: 1006 must not be sent: it says what happened without a close frame`,
			`6:47: steps[0].scenario.config.websocket.close_codes[2]: 999 is out of range: must be 1000 to 4999`,
			`6:67: steps[0].scenario.config.websocket.close_reason: has 124 bytes: a close frame holds at most 123`,
			`6:155: steps[0].scenario.config.websocket.close_after_messages: the minimum is above the maximum; did you mean "[2, 5]"?`,
			`6:174: steps[0].scenario.config.websocket.direction: must be both, upstream or downstream, not the text "up"`}},
		{name: "counts", text: configWith("websocket:\n  close_after_messages: 3\n  probability: 1"), want: []string{
			`7:33: steps[0].scenario.config.websocket.close_after_messages: must be a list of two whole numbers, [min, max], not the number 3; did you mean "[3, 3]"?`}},
		{name: "three counts", text: configWith("websocket:\n  close_after_messages: [0, 3]\n  probability: 1"), want: []string{
			`7:34: steps[0].scenario.config.websocket.close_after_messages[0]: 0 is out of range: must be 1 or more`}},
		{name: "gRPC", text: configWith("grpc:\n  status_codes: [UNAVAILBLE, 17, 14]"), want: []string{
			`7:26: steps[0].scenario.config.grpc.status_codes[0]: must be a gRPC status: a name like UNAVAILABLE, or a number from 0 to 16, not the text "UNAVAILBLE"; did you mean "UNAVAILABLE"?`,
			`7:38: steps[0].scenario.config.grpc.status_codes[1]: must be a gRPC status: a name like UNAVAILABLE, or a number from 0 to 16, not the number 17`}},
		{name: "more of gRPC", text: configWith("grpc:\n  interrupt_after_messages: [3, 1]\n  interruption_status: rest\n  methods: [shop.Payments/Charge, shop.Payments]\n  exclude: [health, helth]\n  delay_ms: -1"), want: []string{
			`7:37: steps[0].scenario.config.grpc.interrupt_after_messages: the minimum is above the maximum; did you mean "[1, 3]"?`,
			`8:32: steps[0].scenario.config.grpc.interruption_status: must be a gRPC status: a name like UNAVAILABLE, or a number from 0 to 16, or reset, not the text "rest"; did you mean "reset"?`,
			`9:21: steps[0].scenario.config.grpc.methods[0]: "shop.Payments/Charge" is not a method of gRPC: write it like /pkg.Service/Method or /pkg.Service/*; did you mean "/shop.Payments/Charge"?`,
			`9:43: steps[0].scenario.config.grpc.methods[1]: "shop.Payments" is not a method of gRPC: write it like /pkg.Service/Method or /pkg.Service/*; did you mean "/shop.Payments/*"?`,
			`10:29: steps[0].scenario.config.grpc.exclude[1]: "helth" is not a method of gRPC: write it like /pkg.Service/Method or /pkg.Service/*, or health or reflection; did you mean "/helth/*"?`,
			`11:21: steps[0].scenario.config.grpc.delay_ms: -1 is out of range: must be 0 to 31622400000 milliseconds`}},
		{name: "too many messages of gRPC", text: configWith("grpc: {interrupt_after_messages: [1, 99999999999]}"), want: []string{
			`6:46: steps[0].scenario.config.grpc.interrupt_after_messages[1]: 99999999999 is out of range: must be at most 2147483647`}},
		{name: "messages of gRPC", text: configWith("grpc: {interrupt_after_messages: 2}"), want: []string{
			`6:42: steps[0].scenario.config.grpc.interrupt_after_messages: must be a list of two whole numbers, [min, max], not the number 2; did you mean "[2, 2]"?`}},
		{name: "toxics", text: configWith("tcp:\n  toxics:\n    - {type: latncy}\n    - {type: latency}\n    - {type: latency, name: a, attributes: {latency: 0}}\n    - {type: latency, name: b, attributes: {jitter: -1, rate: 3}}\n" +
			"    - {type: bandwidth, attributes: {rates: 3}}\n    - {type: slicer, attributes: {average_size: 4, size_variation: 4, delay: x}}\n    - {attributes: {percent: 0}, type: loss}\n" +
			"    - {type: slow_close, attributes: {delay: 0}}\n    - {type: limit_data}\n    - {type: down, stream: upstream, attributes: {timeout: 3}}\n    - {}"), want: []string{
			`8:22: steps[0].scenario.config.tcp.toxics[0].type: must be latency, bandwidth, loss, slow_close, timeout, reset_peer, close, slicer, limit_data, refuse or down, not the text "latncy"; did you mean "latency"?`,
			`9:15: steps[0].scenario.config.tcp.toxics[1]: attributes.latency is missing, or 0 without jitter: type latency needs it`,
			`10:15: steps[0].scenario.config.tcp.toxics[2]: attributes.latency is missing, or 0 without jitter: type latency needs it`,
			`11:61: steps[0].scenario.config.tcp.toxics[3].attributes.jitter: -1 is out of range: must be 0 to 31622400000 milliseconds`,
			`11:71: steps[0].scenario.config.tcp.toxics[3].attributes.rate: is not an attribute of type latency: it has latency or jitter`,
			`12:15: steps[0].scenario.config.tcp.toxics[4]: attributes.rate is missing: type bandwidth needs it`,
			`12:46: steps[0].scenario.config.tcp.toxics[4].attributes.rates: unknown field; did you mean "rate"?`,
			`13:76: steps[0].scenario.config.tcp.toxics[5].attributes.size_variation: is not below average_size`,
			`13:86: steps[0].scenario.config.tcp.toxics[5].attributes.delay: must be a number of microseconds, not the text "x"`,
			`14:38: steps[0].scenario.config.tcp.toxics[6].attributes.percent: 0 is out of range: must be more than 0, at most 100`,
			`15:54: steps[0].scenario.config.tcp.toxics[7].attributes.delay: 0 is out of range: must be more than 0, at most 31622400000 milliseconds`,
			`16:15: steps[0].scenario.config.tcp.toxics[8]: attributes.bytes is missing: type limit_data needs it`,
			`17:36: steps[0].scenario.config.tcp.toxics[9].stream: type down has no stream: it is about connections; leave it out`,
			`17:68: steps[0].scenario.config.tcp.toxics[9].attributes.timeout: is not an attribute of type down: it has none`,
			`18:15: steps[0].scenario.config.tcp.toxics[10]: type is missing`}},
		{name: "toxics per message", text: configWith("tcp:\n  toxics:\n    - {type: close, per: message}\n    - {type: refuse, per: message, protocol: lines}\n    - {type: timeout, protocol: redi}\n    - {type: reset_peer, protocol: redis, toxicity: 2}"), want: []string{
			`8:34: steps[0].scenario.config.tcp.toxics[0].per: protocol is missing: it says how messages are told apart`,
			`9:35: steps[0].scenario.config.tcp.toxics[1].per: type refuse cannot be per message: only latency, timeout, reset_peer or close can`,
			`10:41: steps[0].scenario.config.tcp.toxics[2].protocol: must be redis, postgres, kafka or lines, not the text "redi"; did you mean "redis"?`,
			`11:44: steps[0].scenario.config.tcp.toxics[3].protocol: is for toxics that are per message; did you mean "per: message"?`,
			`11:61: steps[0].scenario.config.tcp.toxics[3].toxicity: 2 is out of range: must be 0 to 1`}},
		{name: "names of toxics", text: configWith("tcp:\n  toxics:\n    - {type: close}\n    - {type: close, stream: downstream}\n    - {type: close, stream: upstream}\n    - {type: timeout, name: close_upstream}"), want: []string{
			`9:15: steps[0].scenario.config.tcp.toxics[1]: "close_downstream" is also the name of toxics[0]: give it another`,
			`11:37: steps[0].scenario.config.tcp.toxics[3].name: "close_upstream" is also the name of toxics[2]: give it another`}},

		// Names.
		{name: "no steps", text: "name: x\nsteps: []\n", want: []string{"2:8: steps: has no steps: at least one is needed"}},
		{name: "no name", text: "name: ' '\nsteps:\n  - duration_seconds: 1\n", want: []string{"1:7: name: must not be empty", "3:5: steps[0]: name is missing"}},
		{name: "same name", text: "name: x\nsteps:\n  - a (1s)\n  - name: b\n  - name: a\n",
			want: []string{`5:11: steps[2].name: "a" is also the name of steps[0] on line 3: every step needs a name of its own`}},
		{name: "unprintable name", text: "name: \"a\\nb\"\nsteps: [a (1s)]\n", want: []string{`1:7: name: "a\nb" has unprintable characters`}},
		{name: "short form", text: "name: x\nsteps:\n  - warmup\n  - warmup (soon)\n", want: []string{
			`3:5: steps[0]: a step in short form is a name and a length, like "warmup (60s)", not "warmup"`,
			`4:5: steps[1]: "soon" is not the length of a step: write it like "warmup (60s)"`}},
		{name: "unknown scenario", text: stepWith("scenario: cascading_failures"), want: []string{
			`4:15: steps[0].scenario: no preset, network profile or scenario of this document is named "cascading_failures", and there is no config with a section to say what it does; did you mean "cascading_failure"?`}},
		{name: "unknown scenario of the document", text: stepWith("scenario: {name: slow-db, config: {enabled: true}}") + "scenarios:\n  slow_db: {latency: {fixed_delay_ms: 1}}\n", want: []string{
			`4:22: steps[0].scenario.name: no preset, network profile or scenario of this document is named "slow-db", and there is no config with a section to say what it does; did you mean "slow_db"?`}},
		{name: "undeclared target", text: stepWith("target: payments"), want: []string{
			`4:13: steps[0].targets[0]: unknown target "payments": declare it under targets`}},
		{name: "unknown target", text: stepWith("targets: [payment, orders]\nload: {rate: 1, target: order}") + "targets:\n  payments: {}\n  orders:\n", want: []string{
			`4:15: steps[0].targets[0]: unknown target "payment": targets has orders, payments; did you mean "payments"?`,
			`5:29: steps[0].load.target: unknown target "order": targets has orders, payments; did you mean "orders"?`}},
		{name: "load without target", text: stepWith("load: {rate: 1}") + "targets: {a: {}, b: {}}\n", want: []string{"4:5: steps[0].load: target is missing: the document has a, b"}},
		{name: "load of TCP", text: stepWith("load: {rate: 1}") + "targets: {a: {kind: tcp}}\n", want: []string{"4:5: steps[0].load: load is HTTP, and the target is of kind tcp"}},
		{name: "load", text: stepWith("load: {method: GET IT, path: orders, headers: {'a b': c}, timeout_ms: 0}"), want: []string{
			"4:11: steps[0].load: rate is missing",
			`4:20: steps[0].load.method: "GET IT" is not an HTTP method`,
			`4:34: steps[0].load.path: "orders" is not a path: it must begin with /`,
			`4:52: steps[0].load.headers["a b"]: is not a header field`,
			`4:75: steps[0].load.timeout_ms: 0 is out of range: must be more than 0, at most 31622400000 milliseconds`}},
		{name: "headers that are one", text: configWith("fault_injection: {response_rewrite: {set_headers: {X-a: 1, x-A: 2, B: 3}}}") + "load: {rate: 1, headers: {host: a, Host: b}}\n", want: []string{
			`6:68: steps[0].scenario.config.fault_injection.response_rewrite.set_headers.x-A: is the same header field as "X-a": remove one of them`,
			`7:27: load.headers.host: is the same header field as "Host": remove one of them`}},
		{name: "upstreams", text: stepWith("keep: false") + "targets:\n  a: {upstream: localhost:80}\n  b: {upstream: 'http://h:70000'}\n  c: {kind: tcp, upstream: h}\n  d: {kind: udp}\n  e: {kind: tcp, upstream: 'tcp://h:1'}\n  f: {upstream: 'tcp://h:1'}\n", want: []string{
			`6:17: targets.a.upstream: "localhost:80" is not a URL that begins with http:// or https://; did you mean "http://localhost:80"?`,
			`7:17: targets.b.upstream: the port of "http://h:70000" is out of range: must be 1 to 65535`,
			`8:28: targets.c.upstream: "h" is not host:port`,
			`9:13: targets.d.kind: must be http or tcp, not the text "udp"`,
			`10:28: targets.e.upstream: "tcp://h:1" is not host:port; did you mean "h:1"?`,
			`11:17: targets.f.upstream: "tcp://h:1" is not a URL that begins with http:// or https://; did you mean "kind: tcp"?`}},

		// Expectations.
		{name: "expectation", text: stepWith("expect:\n  - p9x <= 1s\n  - 12"), want: []string{
			`5:9: steps[0].expect[0]: not an expectation: unknown subject "p9x", at character 1 of "p9x <= 1s"; did you mean "p90"?`,
			`6:9: steps[0].expect[1]: must be an expectation, such as "error_rate <= 1%", not the number 12`}},
		{name: "unknown fault", text: "expect: injected.http_eror ~ 10%\n" + stepWith("keep: false"),
			want: []string{`1:9: expect[0]: unknown fault "http_eror"; did you mean "http_error"?`}},
		{name: "window", text: stepWith("expect: [server.error_rate <= 1% over 30s]"),
			want: []string{"4:14: steps[0].expect[0]: a window (over …) is for stop_conditions: an expectation looks at the whole step"}},
		{name: "breaker of no target", text: stepWith("expect: [server.circuit_breaker.payments is open]"),
			want: []string{`4:14: steps[0].expect[0]: unknown target "payments": declare it under targets`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			format := orchestrator.YAML
			if tt.json {
				format = orchestrator.JSON
			}
			_, _, err := orchestrator.Parse([]byte(tt.text), format)
			require.Equal(t, tt.want, problems(t, err))
		})
	}
}

func TestProblemsNameTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "outage.yaml")
	require.NoError(t, os.WriteFile(path, []byte("name: x\nstep: []\nsteps: [a (1s)]\nloop_orchestration: true\n"), 0o600))
	_, warnings, err := orchestrator.Load(path)
	require.Equal(t, []string{path + `:2:1: step: unknown field; did you mean "steps"?`}, problems(t, err))
	require.Len(t, warnings, 1)
	require.Equal(t, path+":4:21: loop_orchestration: max_iterations is not set: the steps run once; set it, 0 for an endless loop", warnings[0].String())
}

func TestLoadCannotRead(t *testing.T) {
	t.Parallel()
	_, _, err := orchestrator.Load(filepath.Join(t.TempDir(), "none.yaml"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "none.yaml")
}

func TestUnknownFormat(t *testing.T) {
	t.Parallel()
	_, _, err := orchestrator.Parse([]byte("name: x"), "toml")
	require.EqualError(t, err, `unknown format "toml": use yaml or json`)
	_, _, err = orchestrator.Parse([]byte("name: x\nsteps: [a (1s)]"), "yml")
	require.NoError(t, err)
}

// Hostile documents end in a message, and soon.
func TestLimits(t *testing.T) {
	t.Parallel()
	laughs := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 12; i++ {
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	many := "name: x\nsteps:\n" + func() string {
		var b strings.Builder
		for i := range 1001 {
			fmt.Fprintf(&b, "- s%d (1s)\n", i)
		}
		return b.String()
	}()
	long := "name: x\nsteps:\n" + func() string {
		var b strings.Builder
		for i := range 101 {
			fmt.Fprintf(&b, "- {name: s%d, duration_seconds: 31622400}\n", i)
		}
		return b.String()
	}()
	tests := []struct {
		name   string
		text   string
		format orchestrator.Format
		want   string
	}{
		{"size", "name: " + strings.Repeat("x", 1<<20), orchestrator.YAML, "1:1: larger than 1048576 bytes"},
		{"steps", many, orchestrator.YAML, "3:1: steps: has 1001 steps: at most 1000 are allowed"},
		{"billion laughs", laughs, orchestrator.YAML, "aliases add more than 100000 values: write the document out"},
		{"cycle", "a: &a [*a]\n", orchestrator.YAML, `1:8: the anchor "a" contains itself`},
		{"depth", strings.Repeat("[", 5000), orchestrator.YAML, "not YAML"},
		{"closed depth", strings.Repeat("[", 5000) + strings.Repeat("]", 5000), orchestrator.YAML, "1:34: nested more than 32 levels deep"},
		{"JSON depth", strings.Repeat("[", 5000) + strings.Repeat("]", 5000), orchestrator.JSON, "1:34: nested more than 32 levels deep"},
		{"length", long, orchestrator.YAML, "2:1: steps: the steps take 101 years: 100 are the most"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := orchestrator.Parse([]byte(tt.text), tt.format)
			require.Contains(t, problems(t, err)[0], tt.want)
		})
	}
	t.Run("problems", func(t *testing.T) {
		t.Parallel()
		_, _, err := orchestrator.Parse([]byte("name: x\nsteps: [a (1s)]\n"+strings.Repeat("oops: 1\n", 5000)), orchestrator.YAML)
		lines := problems(t, err)
		require.Len(t, lines, 1000)
		require.Contains(t, lines[999], "more than 999 problems: the rest is not listed")
	})
}

func TestAliasesAndMergeKeys(t *testing.T) {
	t.Parallel()
	o, _ := parse(t, `
name: x
steps:
  - &first
    name: a
    duration_seconds: 5
    delay_before_seconds: 1
    scenario: {config: &slow {latency: {fixed_delay_ms: 10}}}
  - <<: *first
    name: b
    delay_before_seconds: 2
  - name: c
    scenario: {config: *slow}
`)
	require.Equal(t, []string{"a", "b", "c"}, []string{o.Steps[0].Name, o.Steps[1].Name, o.Steps[2].Name})
	require.Equal(t, 2*time.Second, o.Steps[1].DelayBefore)
	require.Equal(t, 5*time.Second, o.Steps[1].Duration)
	require.Equal(t, 10*time.Millisecond, o.Steps[2].Scenario.Config.Latency.FixedDelay)
	require.NotSame(t, o.Steps[0].Scenario.Config, o.Steps[2].Scenario.Config, "steps share no memory")
}

// JSON is a subset of YAML to most people: both readers must say the same.
func TestJSONAndYAMLAgree(t *testing.T) {
	t.Parallel()
	var document bytes.Buffer
	require.NoError(t, orchestrator.Template(&document, orchestrator.JSON))
	fromJSON, _, err := orchestrator.Parse(document.Bytes(), orchestrator.JSON)
	require.NoError(t, err)
	fromYAML, _, err := orchestrator.Parse(document.Bytes(), orchestrator.YAML)
	require.NoError(t, err)
	require.Equal(t, fromYAML, fromJSON)
}
