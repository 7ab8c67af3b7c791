package orchestrator_test

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

func ExampleLoad() {
	o, warnings, err := orchestrator.Load("testdata/documented/l384.yaml")
	if err != nil {
		fmt.Println(err) // every problem, one a line
		return
	}
	for _, w := range warnings {
		fmt.Println("warning:", w)
	}
	for i, span := range o.Timetable() {
		fmt.Printf("%-20s %5s to %s\n", o.Steps[i].Name, span.Start, span.End)
	}
	// Output:
	// network_degradation     0s to 30s
	// add_errors             40s to 1m10s
	// full_chaos           1m20s to 2m20s
}

func ExampleParse() {
	_, _, err := orchestrator.Parse([]byte(`
name: outage
steps:
  - name: dark
    scenario: cascading_failures
    duration_secs: 30
    expect:
      - error_rate <= 1 %%
`), orchestrator.YAML)
	var invalid *orchestrator.InvalidError
	if errors.As(err, &invalid) {
		for _, p := range invalid.Problems {
			fmt.Printf("line %d: %s\n", p.Line, p.Path)
			if p.Suggestion != "" {
				fmt.Println("  suggestion:", p.Suggestion)
			}
		}
	}
	// Output:
	// line 5: steps[0].scenario
	//   suggestion: cascading_failure
	// line 6: steps[0].duration_secs
	//   suggestion: duration_seconds
	// line 8: steps[0].expect[0]
	//   suggestion: 1%
}

func ExampleEncode() {
	o := &orchestrator.Orchestration{
		Name: "outage",
		Load: &orchestrator.Traffic{Rate: 20},
		Steps: []orchestrator.Step{{
			Name:     "slow",
			Duration: 30 * time.Second,
			Scenario: orchestrator.Scenario{Config: &injector.Config{
				Latency: &injector.Latency{FixedDelay: 250 * time.Millisecond},
			}},
			Expect: []assert.Expectation{assert.P99().AtMost(800 * time.Millisecond)},
		}},
	}
	if err := orchestrator.Encode(os.Stdout, o, orchestrator.YAML); err != nil {
		fmt.Println(err)
	}
	// Output:
	// name: outage
	// steps:
	//   - name: slow
	//     scenario:
	//       config:
	//         latency:
	//           fixed_delay_ms: 250
	//     duration_seconds: 30
	//     expect:
	//       - p99 <= 800ms
	// load:
	//   rate: 20
}

func ExampleOrchestration_Validate() {
	o := &orchestrator.Orchestration{Name: "outage", Steps: []orchestrator.Step{
		{Name: "slow", Scenario: orchestrator.Scenario{Name: "slow_backent"}, Duration: -time.Second},
	}}
	_, err := o.Validate()
	fmt.Println(err)
	// Output:
	// steps[0].duration_seconds: -1 is out of range: must be 0 to 31622400 seconds
	// steps[0].scenario.name: no preset, network profile or scenario of this document is named "slow_backent", and there is no config with a section to say what it does; did you mean "slow_backend"?
}

func ExampleOrchestration_ResolveScenario() {
	o := &orchestrator.Orchestration{Steps: []orchestrator.Step{
		{Name: "by name", Scenario: orchestrator.Scenario{Name: "slow_backend"}},
		{Name: "quiet"},
	}}
	for i, step := range o.Steps {
		config, quiet, err := o.ResolveScenario(step)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(step.Name, o.StepDuration(i), quiet)
		if config.Latency != nil {
			fmt.Println("latency", config.Latency.FixedDelay)
		}
	}
	// Output:
	// by name 1m0s false
	// latency 2s
	// quiet 0s true
}

func ExampleOrchestration_Summarize() {
	o := &orchestrator.Orchestration{Steps: []orchestrator.Step{
		{Name: "chaos", Scenario: orchestrator.Scenario{Name: "cascading_failure"}, Duration: time.Minute},
	}}
	for _, s := range o.Summarize().Steps {
		fmt.Printf("%s: %v, any fault %.1f%%\n", s.Name, s.Sections, 100*s.Combined)
	}
	// Output:
	// chaos: [latency fault_injection rate_limit], any fault 49.6%
}

func ExampleTemplate() {
	if err := orchestrator.Template(os.Stdout, orchestrator.JSON); err != nil {
		fmt.Println(err)
	}
}
