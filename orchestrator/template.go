package orchestrator

import (
	"fmt"
	"io"
)

// Template writes an orchestration to start from. It is valid, gives no
// warnings, and runs as it is. In YAML it explains itself in comments, which
// JSON does not have.
func Template(w io.Writer, format Format) error {
	format, err := ParseFormat(string(format))
	if err != nil {
		return fmt.Errorf("template: %w", err)
	}
	if format == YAML {
		_, err := io.WriteString(w, template)
		return err
	}
	o, _, err := Parse([]byte(template), YAML)
	if err != nil {
		return fmt.Errorf("template: %w", err)
	}
	return Encode(w, o, format)
}

const template = `name: api_stress_test
description: API stress testing with progressive chaos

# Traffic that is driven while the steps run: requests a second. Leave it out
# where a test or a load generator brings its own.
load:
  rate: 20
  path: /

steps:
  # Steps run one after another. A scenario is in force for its step only.
  - name: baseline
    scenario:
      config:
        latency:
          fixed_delay_ms: 50
    duration_seconds: 30
    delay_before_seconds: 0
    continue_on_failure: false
    expect: # a step without expectations proves nothing
      - error_rate <= 1%
      - p95 <= 500ms

  - name: moderate_stress
    scenario:
      config:
        fault_injection:
          http_errors: [500, 503]
          http_error_probability: 0.1
    duration_seconds: 60
    delay_before_seconds: 5 # nothing is injected during the delay
    continue_on_failure: true
    expect:
      - injected.http_error ~ 10% # what was planned did happen
      - error_rate <= 25%

  - name: peak_chaos
    scenario:
      name: cascading_failure # a preset; see "mockforge orchestrate validate"
    duration_seconds: 30
    delay_before_seconds: 10
    continue_on_failure: true
    expect:
      - injected.latency >= 1

parallel: false
loop_orchestration: false
max_iterations: 1
tags:
  - stress-test
  - api
`
