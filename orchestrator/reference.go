package orchestrator

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/mockforge-go/mockforge/injector"
)

// Reference writes the reference of the document format, in Markdown. It is
// made from the tables that loading goes by.
func Reference(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, "# The orchestration document\n\n",
		"YAML or JSON, the same fields. An absent field and one that is null mean the same. Numbers may have fractions unless they are whole.\n\n")
	writeTable(out, "Orchestration", "The document itself.", orchestrationFields())
	writeTable(out, "Step", "An item of `steps`. A step in short form, `warmup (60s)`, is a quiet step of that name and length.", stepFields())
	writeTable(out, "Scenario", "`scenario` of a step. A name alone may stand for it.", scenarioFields())
	writeTable(out, "Config", "`config` (or `chaos_config`) of a scenario, and each entry of `scenarios`. A section that is present is on.", configFields())
	writeTable(out, "latency", "Delays requests before they reach the upstream.", latencyFields())
	writeTable(out, "distribution", "`distribution` of `latency`.", distributionFields())
	writeTable(out, "fault_injection", "Makes requests fail. A fault that is mentioned by any of its own fields is on, unless its flag is false.", faultFields())
	writeTable(out, "error_pattern", "`error_pattern` of `fault_injection`.", patternFields())
	writeTable(out, "request_matcher", "`request_matcher` of `fault_injection`. Every field that is set must match.", matcherFields())
	writeTable(out, "headers", "An item of `headers` of `request_matcher`.", headerFields())
	writeTable(out, "chunked_dribble_delay", "`chunked_dribble_delay` of `fault_injection`, as in WireMock.", dribbleFields())
	writeTable(out, "response_rewrite", "`response_rewrite` of `fault_injection`.", rewriteFields())
	writeTable(out, "schedule", "`schedule` of `latency` and `fault_injection`.", scheduleFields())
	writeTable(out, "rate_limit", "A token bucket; what exceeds it gets a 429 with Retry-After.", rateLimitFields())
	writeTable(out, "traffic_shaping", "Limits what the connection carries.", shapingFields())
	writeTable(out, "circuit_breaker", "Stands in front of the upstream, one for each target.", breakerFields())
	writeTable(out, "bulkhead", "Limits how many requests of a target are in progress.", bulkheadFields())
	writeTable(out, "grpc", "Makes calls of gRPC fail as their own clients see it. The other sections act on calls too; what they answer is translated.", grpcFields())
	writeTable(out, "websocket", "Breaks WebSocket connections after their handshake, which is a request like others.", websocketFields())
	writeTable(out, "graphql", "Makes operations of GraphQL fail, with errors in a response of status 200, and translates what the other sections answer; see [chaos by protocol](PROTOCOL_CHAOS.md#graphql).", graphqlFields())
	writeTable(out, "tcp", "Breaks connections and their bytes, by the names and with the meanings of toxiproxy. It acts on targets of kind tcp.", tcpFields())
	writeTable(out, "toxics", "An item of `toxics` of `tcp`.", toxicFields())
	writeTable(out, "attributes", "`attributes` of an item of `toxics`. Each belongs to the types that it names.", attributeFields(""))
	fmt.Fprint(out, "## Types of toxics\n\n| type | what happens |\n|---|---|\n")
	for _, of := range toxicTypes() {
		fmt.Fprintf(out, "| `%s` | %s |\n", of, toxicDoc(of))
	}
	fmt.Fprintln(out)
	writeTable(out, "Target", "An entry of `targets`.", targetFields())
	writeTable(out, "Load", "`load` of the document or of a step.", trafficFields())
	fmt.Fprint(out, "## Scenarios by name\n\n| name | kind | what it is |\n|---|---|---|\n")
	for _, named := range injector.Presets() {
		kind := "preset"
		if named.Profile {
			kind = "network profile"
		}
		fmt.Fprintf(out, "| `%s` | %s | %s |\n", named.Name, kind, named.Description)
	}
	fmt.Fprintf(out, "\n## Limits\n\nA document is at most %d bytes, has at most %d steps, and nests at most %d levels deep. YAML aliases may add at most %d values. No duration is longer than %d days.\n",
		maxBytes, maxSteps, maxDepth, maxExpanded, int(maxDuration.Hours()/24))
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the reference: %w", err)
	}
	return nil
}

func writeTable[T any](w io.Writer, title, intro string, fields []field[T]) {
	fmt.Fprintf(w, "## %s\n\n%s\n\n| field | value | default | meaning |\n|---|---|---|---|\n", title, intro)
	for _, f := range fields {
		names := "`" + f.name + "`"
		for _, alias := range f.aliases {
			names += " or `" + alias + "`"
		}
		def := f.def
		if f.required {
			def = "required"
		}
		kind := f.bind(new(T)).kind()
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", names, cell(kind), cell(def), cell(f.doc))
	}
	fmt.Fprintln(w)
}

// cell is text that cannot end its cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
