package orchestrator_test

import (
	"log"
	"os"
	"time"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// An orchestration is plain data. This is the documented "Programmatic
// Orchestration": built in Go, and exported to share. chaostest.RunOrchestration
// runs it in a test without the file, and orchestrator.NewRun anywhere else.
func ExampleEncode_programmatic() {
	scenario1 := orchestrator.Scenario{Name: "slow", Config: &injector.Config{
		Latency: &injector.Latency{FixedDelay: 100 * time.Millisecond},
	}}
	scenario2 := orchestrator.Scenario{Name: "service_instability"} // a preset
	o := orchestrator.Orchestration{
		Name:        "my_test",
		Description: "Programmatic orchestration",
		Steps: []orchestrator.Step{
			{Name: "step1", Scenario: scenario1, Duration: 60 * time.Second, DelayBefore: 5 * time.Second},
			{Name: "step2", Scenario: scenario2, Duration: 120 * time.Second, ContinueOnFailure: true},
		},
		Parallel: true,
	}
	if err := orchestrator.Encode(os.Stdout, &o, orchestrator.YAML); err != nil {
		log.Fatal(err)
	}
	// Output:
	// name: my_test
	// description: Programmatic orchestration
	// steps:
	//   - name: step1
	//     scenario:
	//       name: slow
	//       config:
	//         latency:
	//           fixed_delay_ms: 100
	//     duration_seconds: 60
	//     delay_before_seconds: 5
	//   - name: step2
	//     scenario:
	//       name: service_instability
	//     duration_seconds: 120
	//     continue_on_failure: true
	// parallel: true
}
