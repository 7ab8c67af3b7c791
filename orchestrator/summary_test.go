package orchestrator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestSummarize(t *testing.T) {
	t.Parallel()
	o, _ := parse(t, `
name: x
scenarios:
  mine: {fault_injection: {http_error_probability: 0.5, timeout_probability: 0.5}}
steps:
  - {name: quiet, duration_seconds: 1}
  - {name: preset, scenario: cascading_failure, delay_before_seconds: 2}
  - {name: own, scenario: mine}
  - name: inline
    scenario:
      name: peak_traffic
      config:
        latency: {fixed_delay_ms: 5, probability: 0.25}
        rate_limit: {enabled: false}
        fault_injection: {error_pattern: {type: sequential, sequence: [500]}}
        traffic_shaping: {packet_loss_percent: 10, bandwidth_limit_bps: 100}
  - {name: bursts, scenario: {config: {fault_injection: {error_pattern: {type: burst, count: 2, interval_ms: 10}}}}}
  - {name: messages, scenario: {config: {websocket: {message_drop_probability: 0.5}}}}
  - {name: "off", scenario: {config: {enabled: false, latency: {fixed_delay_ms: 5}}}}
`)
	at := func(from, to int) orchestrator.Span {
		return orchestrator.Span{Start: time.Duration(from) * time.Second, End: time.Duration(to) * time.Second}
	}
	got := o.Summarize().Steps
	combined := make([]float64, len(got))
	for i := range got {
		combined[i], got[i].Combined = got[i].Combined, 0
	}
	require.Equal(t, []orchestrator.StepSummary{
		{Name: "quiet", Span: at(0, 1), Quiet: true},
		{Name: "preset", Span: at(3, 63), Scenario: "cascading_failure", Sections: []string{"latency", "fault_injection", "rate_limit"},
			Faults: []orchestrator.Fault{{"latency", 0.7}, {"http_error", 0.3}, {"connection_error", 0.1}, {"timeout", 0.2}}},
		{Name: "own", Span: at(63, 123), Scenario: "mine", Sections: []string{"fault_injection"},
			Faults: []orchestrator.Fault{{"http_error", 0.5}, {"timeout", 0.5}}},
		{Name: "inline", Span: at(123, 183), Sections: []string{"latency", "fault_injection", "traffic_shaping"},
			Faults: []orchestrator.Fault{{"packet_loss", 0.1}, {"latency", 0.25}, {"http_error", 1}}},
		{Name: "bursts", Span: at(183, 243), Sections: []string{"fault_injection"}},
		{Name: "messages", Span: at(243, 303), Sections: []string{"websocket"}, Faults: []orchestrator.Fault{{"message_drop", 0.5}}},
		{Name: "off", Span: at(303, 303), Quiet: true},
	}, got)
	require.InDeltaSlice(t, []float64{0, 1 - 0.7*0.9*0.8, 0.75, 1, 0, 0, 0}, combined, 1e-12)
}
