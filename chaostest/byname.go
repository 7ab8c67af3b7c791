package chaostest

import (
	"maps"
	"slices"
	"strings"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// ByName returns a body that runs the body of the step's name. A step without
// one has an empty body. A key that names no step of the orchestration fails
// the test.
func ByName(bodies map[string]func(step *Step)) func(step *Step) {
	at := new(helpers).line()
	return func(step *Step) {
		step.env.named.Do(func() {
			if unknown := unknownNames(bodies, step.env.steps); len(unknown) > 0 {
				step.env.report(at, "ByName: no step is named "+strings.Join(unknown, ", ")+
					"; the steps are "+strings.Join(stepNames(step.env.steps), ", "))
			}
		})
		if body := bodies[step.Spec.Name]; body != nil {
			body(step)
		}
	}
}

func unknownNames(bodies map[string]func(*Step), steps []orchestrator.Step) []string {
	known := stepNames(steps)
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

func stepNames(steps []orchestrator.Step) []string {
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = s.Name
	}
	return names
}
