package orchestrator

import (
	"slices"

	"github.com/mockforge-go/mockforge/injector"
)

// warnReach looks for sections that cannot act on any target of their step,
// because it speaks something else.
func (c *checker) warnReach(s Step, path string) {
	config, _, err := c.o.resolve(s.Scenario)
	if err != nil || config.Disabled() {
		return
	}
	names := s.Targets
	if len(names) == 0 {
		names = c.names
	}
	reaches := func(kind TargetKind) bool {
		return slices.ContainsFunc(names, func(name string) bool { return (c.o.Targets[name].Kind == TCP) == (kind == TCP) })
	}
	tcp, others := reaches(TCP), reaches(HTTP)
	for _, section := range sections(config) {
		at, what := c.sectionOf(s, path, section.name)
		switch {
		case !section.on:
		case section.name == "tcp" && len(c.o.Targets) == 0:
			c.warnAt(NoEffect, at, "", "%sacts on targets of kind tcp, and the document declares none", what)
		case section.name == "tcp" && !tcp:
			c.warnAt(NoEffect, at, "", "%sacts on targets of kind tcp, and this step has none", what)
		case !others && slices.Contains(httpOnly(), section.name):
			c.warnAt(NoEffect, at, "", "%scannot act on targets of kind tcp, and this step has no others", what)
		case !others && section.name == "fault_injection" && sparesConnections(config):
			c.warnAt(NoEffect, at, "", "%sonly connection errors act on targets of kind tcp, and it has none", what)
		}
	}
}

// sectionOf is where a section of a step's faults stands, and what to say of it
// first where that is elsewhere: the step's own config, or a scenario's name.
func (c *checker) sectionOf(s Step, path, section string) (at, what string) {
	if s.Scenario.Config != nil && s.Scenario.Config.HasSection() {
		return join(join(path, "config"), section), ""
	}
	if c.has(join(path, "name")) {
		path = join(path, "name")
	}
	return path, "its section " + section + ": "
}

// sparesConnections reports whether fault_injection acts, and on requests only.
func sparesConnections(config injector.Config) bool {
	effects := injector.Config{FaultInjection: config.FaultInjection}.Effects()
	return len(effects) > 0 && !slices.ContainsFunc(effects, func(e injector.Effect) bool { return e.Kind == injector.KindConnectionError })
}

// httpOnly are the sections that act on requests, which a target of kind tcp
// does not have.
func httpOnly() []string {
	return []string{"rate_limit", "circuit_breaker", "bulkhead", "grpc", "websocket", "graphql"}
}
