package orchestrator

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mockforge-go/mockforge/injector"
)

func (c *checker) warnAt(rule Rule, path, suggestion, format string, args ...any) {
	if len(c.warnings) >= maxProblems {
		return
	}
	at := c.at(path)
	c.warnings = append(c.warnings, Problem{Line: at.line, Column: at.column, Path: path,
		Message: fmt.Sprintf(format, args...), Suggestion: suggestion, Rule: rule})
}

// sound is the warnings, in the order of the document, but for those about a
// part of it in which something is wrong: what that part does, nobody knows yet.
func (c *checker) sound() []Problem {
	warnings := slices.DeleteFunc(c.warnings, func(w Problem) bool {
		return w.Path != "" && slices.ContainsFunc(c.problems, func(p Problem) bool {
			inside, ok := strings.CutPrefix(p.Path, w.Path)
			return ok && inside != "" && strings.ContainsAny(inside[:1], ".[")
		})
	})
	sortProblems(warnings)
	return warnings
}

// warn looks for what is valid and probably not meant.
func (c *checker) warn() {
	c.warnLoop()
	for _, name := range slices.Sorted(maps.Keys(c.o.Scenarios)) {
		path := join("scenarios", name)
		config := c.o.Scenarios[name]
		if !config.HasSection() && !config.Disabled() {
			c.warnAt(NoEffect, path, "", "has no section: it injects nothing")
		}
		c.warnConfig(config, path)
	}
	for i, s := range c.o.Steps {
		path := join(index("steps", i), "scenario")
		c.warnReach(s, path)
		c.warnWindows(i, path)
		if s.Scenario.Config == nil {
			continue
		}
		config := *s.Scenario.Config
		if _, _, known := c.o.lookUp(s.Scenario.Name); known && (config.HasSection() || config.Disabled()) {
			c.warnAt(OverriddenName, join(path, "name"), "", "the config says what happens, and the name %s is only a label here", quote(s.Scenario.Name))
		}
		c.warnConfig(config, join(path, "config"))
	}
	c.warnFinish()
}

func (c *checker) warnLoop() {
	switch o := c.o; {
	case o.Loop && o.MaxIterations == 0 && !c.broken("max_iterations"):
		c.warnAt(EndlessLoop, "max_iterations", "", "0 repeats for ever: the run ends only when it is stopped")
	case o.Loop && !c.has("max_iterations"):
		c.warnAt(LoopWithoutLimit, "loop_orchestration", "", "max_iterations is not set: the steps run once; set it, 0 for an endless loop")
	case !o.Loop && o.MaxIterations > 1:
		c.warnAt(UnusedLimit, "max_iterations", "loop_orchestration: true", "is ignored, because loop_orchestration is not true")
	}
	if c.o.Loop && len(c.o.Steps) > 0 && c.o.IterationDuration() == 0 && !c.broken("steps") {
		c.warnAt(ZeroLengthLoop, "loop_orchestration", "", "the loop takes no time and will be refused: set duration_seconds of a step")
	}
}

// warnFinish looks for a clean-up that the first failure would skip.
func (c *checker) warnFinish() {
	last := len(c.o.Steps) - 1
	if last < 1 {
		return
	}
	s := c.o.Steps[last]
	words := strings.FieldsFunc(strings.ToLower(s.Name), func(r rune) bool { return strings.ContainsRune("_- .", r) })
	for _, w := range words {
		if (w == "cleanup" || w == "recovery") && (s.When == "" || s.When == OnSuccess) {
			c.warnAt(ConditionalFinish, join(index("steps", last), "name"), "when: always", "a failure in an earlier step skips this one")
			return
		}
	}
}

// warnConfig looks at each section by itself.
func (c *checker) warnConfig(config injector.Config, path string) {
	if config.Disabled() {
		return
	}
	effective := map[string]bool{}
	for _, e := range config.Effects() {
		effective[e.Section] = true
	}
	for _, s := range sections(config) {
		at := join(path, s.name)
		switch {
		case !s.on:
		case s.name == "graphql" && answers(effective):
		case !effective[s.name]:
			c.warnAt(NoEffect, at, "", "nothing in it can act: it injects nothing")
		}
	}
	c.warnDelays(config.Latency, join(path, "latency"))
	c.warnStatuses(config.FaultInjection, join(path, "fault_injection"))
	c.warnHTTP(config.FaultInjection, join(path, "fault_injection"))
	c.warnBurst(config.RateLimit, join(path, "rate_limit"))
	c.warnGraphQL(config.GraphQL, join(path, "graphql"))
	c.warnCalls(config.GRPC, join(path, "grpc"))
}

func (c *checker) warnDelays(l *injector.Latency, path string) {
	if l == nil || !on(l.Enabled) {
		return
	}
	ranged := l.RandomDelayRange[1] > 0
	switch {
	case l.FixedDelay > 0 && ranged:
		c.warnAt(TwoDelays, join(path, "random_delay_range_ms"), "", "is ignored, because fixed_delay_ms is set")
	case l.Distribution != nil && (l.FixedDelay > 0 || ranged):
		c.warnAt(TwoDelays, join(path, "distribution"), "", "is ignored, because a fixed or random delay is set")
	}
}

func (c *checker) warnStatuses(f *injector.FaultInjection, path string) {
	if f == nil || !on(f.Enabled) || len(injector.Config{FaultInjection: f}.Effects()) == 0 {
		return // said of the section as a whole
	}
	switch p := f.ErrorPattern; {
	case p == nil && f.HTTPErrors != nil && len(f.HTTPErrors) == 0 && f.HTTPErrorProbability != nil && *f.HTTPErrorProbability > 0:
		c.warnAt(NoEffect, join(path, "http_errors"), "", "is empty: http_error_probability has nothing to choose from")
	case p != nil && !f.HTTPErrorsOn():
		c.warnAt(NoEffect, join(path, "error_pattern"), "", "has no status code to answer with: it injects nothing")
	}
}

func (c *checker) warnCalls(g *injector.GRPC, path string) {
	if g == nil || !on(g.Enabled) || len(injector.Config{GRPC: g}.Effects()) == 0 {
		return // said of the section as a whole
	}
	interrupts := g.StreamInterruptionProbability != nil && *g.StreamInterruptionProbability > 0
	if g.StatusCodes != nil && len(g.StatusCodes) == 0 && g.Probability != nil && *g.Probability > 0 {
		c.warnAt(NoEffect, join(path, "status_codes"), "", "is empty: probability has nothing to choose from")
	}
	if !interrupts && g.InterruptAfterMessages != [2]int{} {
		c.warnAt(NoEffect, join(path, "interrupt_after_messages"), "", "has no effect without stream_interruption_probability")
	}
	if !interrupts && g.InterruptionStatus != "" {
		c.warnAt(NoEffect, join(path, "interruption_status"), "", "has no effect without stream_interruption_probability")
	}
}

func (c *checker) warnBurst(r *injector.RateLimit, path string) {
	if r == nil || !on(r.Enabled) {
		return
	}
	rate, burst := r.RequestsPerSecond, r.BurstSize
	if rate == 0 {
		rate = 100
	}
	if burst == 0 {
		burst = 10
	}
	if float64(burst) < rate/20 {
		c.warnAt(SmallBurst, path, "", "burst_size %d is below a twentieth of %s requests a second: ordinary clients, who send in bunches, are refused well below the rate",
			burst, trimFloat(rate))
	}
}
