package orchestrator_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestWarnings(t *testing.T) {
	t.Parallel()
	type warning struct {
		rule orchestrator.Rule
		text string
	}
	tests := []struct {
		name string
		text string
		want []warning
	}{
		{"nothing to say", configWith("latency: {fixed_delay_ms: 1}"), nil},
		{"endless loop", "loop_orchestration: true\nmax_iterations: 0\n" + stepWith("duration_seconds: 1"), []warning{
			{orchestrator.EndlessLoop, "2:17: max_iterations: 0 repeats for ever: the run ends only when it is stopped"}}},
		{"loop of zero length", "loop_orchestration: true\nmax_iterations: 3\n" + stepWith("keep: true"), []warning{
			{orchestrator.ZeroLengthLoop, "1:21: loop_orchestration: the loop takes no time and will be refused: set duration_seconds of a step"}}},
		{"loop without limit", "loop_orchestration: true\n" + stepWith("duration_seconds: 1"), []warning{
			{orchestrator.LoopWithoutLimit, "1:21: loop_orchestration: max_iterations is not set: the steps run once; set it, 0 for an endless loop"}}},
		{"limit without loop", "max_iterations: 24\n" + stepWith("duration_seconds: 1"), []warning{
			{orchestrator.UnusedLimit, `1:17: max_iterations: is ignored, because loop_orchestration is not true; did you mean "loop_orchestration: true"?`}}},
		{"fixed and random", configWith("latency: {fixed_delay_ms: 1, random_delay_range_ms: [1, 2]}"), []warning{
			{orchestrator.TwoDelays, "6:38: steps[0].scenario.config.latency.random_delay_range_ms: is ignored, because fixed_delay_ms is set"}}},
		{"fixed and distribution", configWith("latency: {fixed_delay_ms: 1, distribution: {type: exponential, mean_ms: 5}}"), []warning{
			{orchestrator.TwoDelays, "6:38: steps[0].scenario.config.latency.distribution: is ignored, because a fixed or random delay is set"}}},
		{"sections that cannot act", configWith("latency: {}\nfault_injection: {}\ntraffic_shaping: {}\nrate_limit: {}\ncircuit_breaker: {}\nbulkhead: {}"), []warning{
			{orchestrator.NoEffect, "6:9: steps[0].scenario.config.latency: nothing in it can act: it injects nothing"},
			{orchestrator.NoEffect, "7:9: steps[0].scenario.config.fault_injection: nothing in it can act: it injects nothing"},
			{orchestrator.NoEffect, "8:9: steps[0].scenario.config.traffic_shaping: nothing in it can act: it injects nothing"}}},
		{"switched off on purpose", configWith("latency: {enabled: false}\nfault_injection: {enabled: false}"), nil},
		{"config switched off", configWith("enabled: false\nlatency: {}"), nil},
		{"no status code at all", configWith("fault_injection: {http_errors: [], http_error_probability: 0.5}"), []warning{
			{orchestrator.NoEffect, "6:9: steps[0].scenario.config.fault_injection: nothing in it can act: it injects nothing"}}},
		{"no status code beside another fault", configWith("fault_injection: {http_errors: [], http_error_probability: 0.5, timeout_ms: 10}"), []warning{
			{orchestrator.NoEffect, "6:27: steps[0].scenario.config.fault_injection.http_errors: is empty: http_error_probability has nothing to choose from"}}},
		{"empty pattern", configWith("fault_injection: {timeout_ms: 10, error_pattern: {type: sequential, sequence: []}}"), []warning{
			{orchestrator.NoEffect, "6:43: steps[0].scenario.config.fault_injection.error_pattern: has no status code to answer with: it injects nothing"}}},
		{"custom scenario without a section", "scenarios:\n  a: {}\n  b: {enabled: false}\n" + stepWith("scenario: a"), []warning{
			{orchestrator.NoEffect, "2:3: scenarios.a: has no section: it injects nothing"}}},
		{"overridden preset", stepWith("scenario: {name: slow_backend, config: {bulkhead: {}}}"), []warning{
			{orchestrator.OverriddenName, `4:22: steps[0].scenario.name: the config says what happens, and the name "slow_backend" is only a label here`}}},
		{"label", stepWith("scenario: {name: my_label, config: {bulkhead: {}}}"), nil},
		{"small burst", configWith("rate_limit: {requests_per_second: 201}"), []warning{
			{orchestrator.SmallBurst, "6:9: steps[0].scenario.config.rate_limit: burst_size 10 is below a twentieth of 201 requests a second: ordinary clients, who send in bunches, are refused well below the rate"}}},
		{"burst of exactly a twentieth", configWith("rate_limit: {requests_per_second: 200}"), nil},
		{"clean-up that a failure skips", "name: x\nsteps:\n  - a (1s)\n  - {name: db-Cleanup}\n", []warning{
			{orchestrator.ConditionalFinish, `4:12: steps[1].name: a failure in an earlier step skips this one; did you mean "when: always"?`}}},
		{"clean-up that always runs", "name: x\nsteps:\n  - a (1s)\n  - {name: cleanup, when: always}\n", nil},
		{"nothing before the clean-up", "name: x\nsteps: [cleanup (1s)]\n", nil},
		{"claim about the client", "expect: [mean <= 1s, server.error_rate <= 1%]\nstop_conditions: [all(error_rate > 50%; p99 > 1s)]\n" + stepWith("expect: error_rate <= 1%"), []warning{
			{orchestrator.NoLoad, "1:10: expect[0]: mean is the client's view, and the document drives no load here: without load from a test it is inconclusive"},
			{orchestrator.NoLoad, "2:19: stop_conditions[0]: error_rate is the client's view, and the document drives no load here: without load from a test it is inconclusive"},
			{orchestrator.NoLoad, "6:13: steps[0].expect[0]: error_rate is the client's view, and the document drives no load here: without load from a test it is inconclusive"}}},
		{"load of the document", "load: {rate: 1}\nexpect: mean <= 1s\n" + stepWith("expect: error_rate <= 1%"), nil},
		{"load of the step", "expect: mean <= 1s\n" + stepWith("expect: error_rate <= 1%\nload: {rate: 1}"), nil},
		{"load switched off beside TCP", "load: {rate: 1, target: web}\n" + stepWith("load: {rate: 0}") + "targets: {cache: {kind: tcp}, web: {}}\n", nil},
		{"load of TCP switched off", stepWith("load: {rate: 0}") + "targets: {a: {kind: tcp}}\n", nil},
		{"load switched off in the step", "load: {rate: 1}\n" + stepWith("expect: error_rate <= 1%\nload: {rate: 0}"), []warning{
			{orchestrator.NoLoad, "5:13: steps[0].expect[0]: error_rate is the client's view, and the document drives no load here: without load from a test it is inconclusive"}}},
		{"gRPC without a fault", configWith("grpc: {}"), []warning{
			{orchestrator.NoEffect, "6:9: steps[0].scenario.config.grpc: nothing in it can act: it injects nothing"}}},
		{"gRPC without a status", configWith("grpc: {status_codes: [], probability: 1, stream_interruption_probability: 0}"), []warning{
			{orchestrator.NoEffect, "6:9: steps[0].scenario.config.grpc: nothing in it can act: it injects nothing"}}},
		{"half of gRPC acts", configWith("grpc: {status_codes: [], probability: 1, stream_interruption_probability: 0.1}"), []warning{
			{orchestrator.NoEffect, "6:16: steps[0].scenario.config.grpc.status_codes: is empty: probability has nothing to choose from"}}},
		{"WebSocket without a fault", configWith("websocket: {close_reason: bye}"), []warning{
			{orchestrator.NoEffect, "6:9: steps[0].scenario.config.websocket: nothing in it can act: it injects nothing"}}},
		{"GraphQL", configWith("graphql: {error_codes: [NOT_FOUND], resolver_latency: true, resolver_delay_ms: 5}"), nil},
		{"GraphQL that cannot act", configWith("graphql: {operations: Cart}"), []warning{
			{orchestrator.NoEffect, "6:9: steps[0].scenario.config.graphql: nothing in it can act: it injects nothing"}}},
		{"GraphQL that translates", configWith("graphql: {operations: Cart}\nrate_limit: {requests_per_second: 10}"), nil},
		{"GraphQL that does not say enough", configWith("graphql: {error_codes: [], probability: 0.5, resolver_delay_ms: 5, partial_data_paths: a.b, partial_data_probability: 0}\nbulkhead: {}"), []warning{
			{orchestrator.NoEffect, "6:19: steps[0].scenario.config.graphql.error_codes: is empty: probability has nothing to choose from"},
			{orchestrator.NoEffect, `6:73: steps[0].scenario.config.graphql.resolver_delay_ms: is ignored, because resolver_latency is not true; did you mean "resolver_latency: true"?`},
			{orchestrator.NoEffect, "6:96: steps[0].scenario.config.graphql.partial_data_paths: is ignored, because partial_data_probability is 0"}}},
		{"tcp without a target of its kind", configWith("tcp: {toxics: [{type: refuse}]}"), []warning{
			{orchestrator.NoEffect, "6:9: steps[0].scenario.config.tcp: acts on targets of kind tcp, and the document declares none"}}},
		{"tcp on HTTP", stepWith("targets: [a, b]\nscenario: {config: {tcp: {toxics: [{type: refuse}]}, rate_limit: {}}}") + "targets: {a: {}, b: {kind: http}, c: {kind: tcp}}\n", []warning{
			{orchestrator.NoEffect, "5:25: steps[0].scenario.config.tcp: acts on targets of kind tcp, and this step has none"}}},
		{"tcp on one of both", stepWith("scenario: {config: {tcp: {toxics: [{type: refuse}]}, rate_limit: {}}}") + "targets: {a: {}, b: {kind: tcp}}\n", nil},
		{"tcp that injects nothing", stepWith("scenario: {config: {tcp: {toxics: []}}}") + "targets: {b: {kind: tcp}}\n", []warning{
			{orchestrator.NoEffect, "4:25: steps[0].scenario.config.tcp: nothing in it can act: it injects nothing"}}},
		{"requests on tcp", stepWith("scenario: limits") + "targets: {b: {kind: tcp}}\nscenarios: {limits: {rate_limit: {}, bulkhead: {}, circuit_breaker: {enabled: false}, latency: {fixed_delay_ms: 1}}}\n", []warning{
			{orchestrator.NoEffect, "4:15: steps[0].scenario: its section rate_limit: cannot act on targets of kind tcp, and this step has no others"},
			{orchestrator.NoEffect, "4:15: steps[0].scenario: its section bulkhead: cannot act on targets of kind tcp, and this step has no others"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, warnings := parse(t, tt.text)
			var got []warning
			for _, w := range warnings {
				got = append(got, warning{w.Rule, w.String()})
			}
			require.Equal(t, tt.want, got)
		})
	}
}

// A struct literal meets the same checks as a document, without positions.
func TestValidateLiteral(t *testing.T) {
	t.Parallel()
	o := &orchestrator.Orchestration{
		Name: "x",
		Loop: true,
		Steps: []orchestrator.Step{
			{Name: "a", Duration: -1, When: "sometimes", Scenario: orchestrator.Scenario{Name: "slow_backends"}, Targets: []string{"b"}},
			{Name: "a", Scenario: orchestrator.Scenario{Config: &injector.Config{
				Latency: &injector.Latency{}, FaultInjection: &injector.FaultInjection{HTTPErrorProbability: new(2.0)},
				RateLimit: &injector.RateLimit{BurstSize: -1}}}},
			{Expect: []assert.Expectation{nil, assert.Func("stock", func(assert.Results) error { return nil })}},
		},
	}
	warnings, err := o.Validate()
	require.ElementsMatch(t, []string{
		`steps[0].duration_seconds: -0.000000001 is out of range: must be 0 to 31622400 seconds`,
		`steps[0].when: must be on_success, on_failure or always, not the text "sometimes"`,
		`steps[0].targets[0]: unknown target "b": declare it under targets`,
		`steps[0].scenario.name: no preset, network profile or scenario of this document is named "slow_backends", and there is no config with a section to say what it does; did you mean "slow_backend"?`,
		`steps[1].name: "a" is also the name of steps[0]: every step needs a name of its own`,
		`steps[1].scenario.config.fault_injection.http_error_probability: 2 is out of range: must be 0 to 1`,
		`steps[1].scenario.config.rate_limit.burst_size: -1 is out of range: must be 1 or more`,
		`steps[2]: name is missing`,
		`steps[2].expect[0]: must be an expectation, such as "error_rate <= 1%", not nothing`,
	}, problems(t, err))
	var rules []orchestrator.Rule
	for _, w := range warnings {
		rules = append(rules, w.Rule)
	}
	require.Contains(t, rules, orchestrator.EndlessLoop, "0 iterations in a literal is an endless loop")
	require.Contains(t, rules, orchestrator.NoEffect)

	o = &orchestrator.Orchestration{Name: "x", Steps: []orchestrator.Step{{Name: "a", Expect: []assert.Expectation{
		assert.Func("stock", func(assert.Results) error { return nil })}}}}
	_, err = o.Validate()
	require.NoError(t, err, "what assert.Func makes is valid in Go")

	_, err = new(orchestrator.Orchestration).Validate()
	require.Equal(t, []string{"name is missing", "steps is missing"}, problems(t, err))
}
