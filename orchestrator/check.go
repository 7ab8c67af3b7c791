package orchestrator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A checker looks for what no single field can see: errors that concern
// several of them, and warnings.
type checker struct {
	*decoder
	o        *Orchestration
	names    []string // of the targets
	warnings []Problem
}

// invalid reports an error at a path.
func (c *checker) invalid(path, suggestion, format string, args ...any) {
	c.fail(c.at(path), path, suggestion, format, args...)
}

func (c *checker) check() {
	for i, s := range c.o.Steps {
		path := index("steps", i)
		c.stepName(i, s.Name)
		c.targets(s.Targets, path)
		c.scenario(s, join(path, "scenario"))
		c.traffic(s.Load, join(path, "load"))
		c.claims(s.Expect, join(path, "expect"), false, c.o.loaded(s))
	}
	for _, name := range slices.Sorted(maps.Keys(c.o.Scenarios)) {
		c.config(c.o.Scenarios[name], join("scenarios", name))
	}
	for _, name := range slices.Sorted(maps.Keys(c.o.Targets)) {
		c.target(c.o.Targets[name], join("targets", name))
	}
	c.traffic(c.o.Load, "load")
	anyLoad := slices.ContainsFunc(c.o.Steps, c.o.loaded)
	c.claims(c.o.Expect, "expect", false, anyLoad)
	c.claims(c.o.StopConditions, "stop_conditions", true, anyLoad)
	if total := c.o.IterationDuration(); total > longestIteration {
		c.invalid("steps", "", "the steps take %d years: 100 are the most", total/maxDuration)
	}
	c.warn()
}

// longestIteration keeps every instant of a run within what a time.Duration
// holds.
const longestIteration = 100 * maxDuration

func (c *checker) stepName(i int, name string) {
	if name == "" {
		return // reported as missing
	}
	for j := range i {
		if c.o.Steps[j].Name != name {
			continue
		}
		where := fmt.Sprintf("steps[%d]", j)
		if at := c.at(join(where, "name")); at.line > 0 {
			where += fmt.Sprintf(" on line %d", at.line)
		}
		c.invalid(join(index("steps", i), "name"), "", "%s is also the name of %s: every step needs a name of its own", quote(name), where)
		return
	}
}

// broken reports whether something below a path has been reported already, so
// that what was meant there is not known.
func (c *checker) broken(path string) bool {
	return slices.ContainsFunc(c.problems, func(p Problem) bool { return strings.HasPrefix(p.Path, path) })
}
