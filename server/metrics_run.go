package server

import (
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// customScenario is the type of every scenario that is neither a preset nor a
// network profile.
const customScenario = "custom"

// scenarioType says what the scenario of a step is, in one of few words; "" for
// a quiet one.
func scenarioType(s orchestrator.Scenario) string {
	switch {
	case s.Config != nil && (s.Config.HasSection() || s.Config.Disabled()):
		return customScenario // its name is a label
	case s.Name == "":
		return ""
	}
	return presetType(s.Name)
}

func presetType(name string) string {
	if p, ok := injector.Preset(name); ok {
		return p.Name
	}
	return customScenario
}

func (m *metrics) scenario(kind, status string) {
	if kind != "" {
		m.scenarios.WithLabelValues(kind, status).Inc()
	}
}

func (m *metrics) runStarted(name string) { m.active.WithLabelValues(m.names.of(name)).Inc() }

func (m *metrics) runEnded(r orchestrator.Report) {
	name := m.names.of(r.Name)
	m.active.WithLabelValues(name).Dec()
	m.executions.WithLabelValues(name, string(r.State)).Inc()
	m.judged(name, r.Checks)
}

func (m *metrics) stepEnded(orchestration string, s orchestrator.StepReport) {
	name := m.names.of(orchestration)
	step := otherWord
	if word := name + "\x00" + s.Name; m.steps.of(word) != otherWord {
		step = m.steps.of(word)[len(name)+1:]
	}
	m.stepTime.WithLabelValues(name, step).Observe(s.End - s.Start)
	m.judged(name, s.Checks)
}

func (m *metrics) judged(name string, checks []orchestrator.CheckReport) {
	for _, c := range checks {
		m.assertions.WithLabelValues(name, c.Status).Inc()
	}
}
