package orchestrator

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/mockforge-go/mockforge/injector"
)

// redactedText stands for what a recording does not have.
const redactedText = "redacted"

// redacted is the orchestration without what may be secret: headers, queries
// and bodies of its load, values of headers that its matchers look for, and
// users and queries in the URLs of its targets.
func redacted(o *Orchestration) *Orchestration {
	out := *o
	out.Load = out.Load.redacted()
	out.Steps = slices.Clone(o.Steps)
	for i := range out.Steps {
		s := &out.Steps[i]
		s.Load = s.Load.redacted()
		if s.Scenario.Config != nil {
			s.Scenario.Config = new(redactedConfig(*s.Scenario.Config))
		}
	}
	out.Scenarios = maps.Clone(o.Scenarios)
	for name, c := range out.Scenarios {
		out.Scenarios[name] = redactedConfig(c)
	}
	out.Targets = maps.Clone(o.Targets)
	for name, t := range out.Targets {
		if u, err := url.Parse(t.Upstream); err == nil && (u.User != nil || u.RawQuery != "") {
			u.User, u.RawQuery = nil, ""
			t.Upstream = u.String()
			out.Targets[name] = t
		}
	}
	return &out
}

func (t *Traffic) redacted() *Traffic {
	if t == nil {
		return nil
	}
	out := *t
	if out.Body != "" {
		out.Body = redactedText
	}
	if path, _, query := strings.Cut(out.Path, "?"); query {
		out.Path = path + "?" + redactedText
	}
	out.Headers = maps.Clone(t.Headers)
	for name := range out.Headers {
		out.Headers[name] = redactedText
	}
	return &out
}

func redactedConfig(c injector.Config) injector.Config {
	if c.FaultInjection == nil || c.FaultInjection.RequestMatcher == nil {
		return c
	}
	f, m := *c.FaultInjection, *c.FaultInjection.RequestMatcher
	m.Headers = slices.Clone(m.Headers)
	for i := range m.Headers {
		if m.Headers[i].Value != nil {
			m.Headers[i].Value = new(redactedText)
		}
	}
	f.RequestMatcher, c.FaultInjection = &m, &f
	return c
}
