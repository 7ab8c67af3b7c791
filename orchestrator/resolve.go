package orchestrator

import (
	"fmt"
	"sort"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// DefaultScenarioDuration is how long a scenario that injects something lasts
// when neither its step nor itself says.
const DefaultScenarioDuration = time.Minute

// ResolveScenario returns the faults that a step's scenario means, and whether
// the step is quiet, which is to say that nothing is injected in it.
//
// A config that has a section, or that is switched off, is exactly what it
// says, whatever the scenario's name. Otherwise the name must be one of the
// orchestration's own Scenarios, a preset or a network profile, looked for in
// this order, and with no name either the step is quiet. The error, for an
// unknown name, suggests a known one.
func (o *Orchestration) ResolveScenario(step Step) (config injector.Config, quiet bool, err error) {
	config, _, err = o.resolve(step.Scenario)
	return config, err != nil || !acts(config), err
}

// resolve also returns the duration that a named scenario brings along.
func (o *Orchestration) resolve(s Scenario) (injector.Config, time.Duration, error) {
	if s.Config != nil && (s.Config.HasSection() || s.Config.Disabled()) {
		return *s.Config, s.Duration, nil
	}
	if s.Name == "" {
		return injector.Config{}, s.Duration, nil
	}
	config, duration, ok := o.lookUp(s.Name)
	if !ok {
		return injector.Config{}, s.Duration, &unknownScenario{o, s.Name}
	}
	if s.Duration != 0 {
		duration = s.Duration
	}
	return config, duration, nil
}

func (o *Orchestration) lookUp(name string) (injector.Config, time.Duration, bool) {
	if config, ok := o.Scenarios[name]; ok {
		return config, 0, true
	}
	named, ok := injector.Preset(name)
	return named.Config, named.Duration, ok
}

// scenarioNames lists every name that a scenario may have, the document's own
// first.
func (o *Orchestration) scenarioNames() []string {
	names := make([]string, 0, len(o.Scenarios)+10)
	for name := range o.Scenarios {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, named := range injector.Presets() {
		names = append(names, named.Name)
	}
	return names
}

type unknownScenario struct {
	o    *Orchestration
	name string
}

func (e *unknownScenario) Error() string {
	return e.problem() + didYouMean(closest(e.name, e.o.scenarioNames()))
}

func (e *unknownScenario) problem() string {
	return fmt.Sprintf("no preset, network profile or scenario of this document is named %q, and there is no config with a section to say what it does", e.name)
}

// StepDuration is how long step i lasts, without the delay before it: the
// step's Duration if it is set, else the scenario's own, else
// DefaultScenarioDuration for a scenario that injects something and 0 for a
// quiet step. It panics when there is no such step.
func (o *Orchestration) StepDuration(i int) time.Duration {
	step := o.Steps[i]
	if step.Duration != 0 {
		return step.Duration
	}
	config, duration, err := o.resolve(step.Scenario)
	switch {
	case duration != 0:
		return duration
	case err == nil && acts(config):
		return DefaultScenarioDuration
	}
	return 0
}
