package orchestrator

import (
	"errors"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

func (c *checker) scenario(s Step, path string) {
	var unknown *unknownScenario
	if _, _, err := c.o.resolve(s.Scenario); errors.As(err, &unknown) && !c.broken(path) {
		at := join(path, "name")
		if !c.has(at) {
			at = path
		}
		c.invalid(at, c.closest(unknown.name, c.o.scenarioNames()), "%s", unknown.problem())
	}
	if s.Scenario.Config != nil {
		c.config(*s.Scenario.Config, join(path, "config"))
	}
	if sc := s.Scenario; !sc.Start.IsZero() && !sc.End.IsZero() && !sc.Start.Before(sc.End) {
		c.invalid(join(path, "end_time"), "", "is not after start_time")
	}
}

func (c *checker) config(config injector.Config, path string) {
	if l := config.Latency; l != nil && l.Distribution != nil {
		c.distribution(*l.Distribution, join(join(path, "latency"), "distribution"))
	}
	if l := config.Latency; l != nil {
		c.schedule(l.Schedule, join(join(path, "latency"), "schedule"))
	}
	c.tcp(config.TCP, join(path, "tcp"))
	f := config.FaultInjection
	if f == nil {
		return
	}
	path = join(path, "fault_injection")
	c.schedule(f.Schedule, join(path, "schedule"))
	c.rewrite(f.Rewrite, join(path, "response_rewrite"))
	if p := f.ErrorPattern; p != nil && p.Type == "burst" {
		at := join(path, "error_pattern")
		if p.Count == 0 && !c.broken(join(at, "count")) {
			c.invalid(at, "", "count is missing: how many requests fail at the start of each interval")
		}
		if p.Interval == 0 && !c.broken(join(at, "interval_ms")) {
			c.invalid(at, "", "interval_ms is missing: how often a burst begins")
		}
	}
	if m := f.RequestMatcher; m != nil && m.MinBodySize != nil && m.MaxBodySize != nil && *m.MinBodySize > *m.MaxBodySize {
		c.invalid(join(join(path, "request_matcher"), "max_body_size_bytes"), "", "is below min_body_size_bytes")
	}
}

// distribution checks that the type's own fields are there.
func (c *checker) distribution(d injector.Distribution, path string) {
	need := func(name string, value time.Duration) {
		if value == 0 && !c.has(join(path, name)) {
			c.invalid(path, "", "%s is missing: type %s needs it", name, d.Type)
		}
	}
	switch d.Type {
	case "lognormal":
		need("median_ms", d.Median)
	case "normal", "exponential":
		need("mean_ms", d.Mean)
	case "uniform":
		need("max_ms", d.Max)
	}
	if d.Max != 0 && d.Min > d.Max {
		c.invalid(join(path, "max_ms"), "", "is below min_ms")
	}
}
