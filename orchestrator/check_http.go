package orchestrator

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mockforge-go/mockforge/injector"
)

// schedule checks that the type's own fields are there, and no others.
func (c *checker) schedule(s *injector.Schedule, path string) {
	if s == nil || c.broken(path) {
		return
	}
	for _, f := range []struct {
		name, types string
		set         bool
	}{
		{"count", "first, every", s.Count != 0}, {"from_ms", "window", s.From != 0}, {"to_ms", "window", s.To != 0},
		{"period_ms", "window", s.Period != 0}, {"start", "ramp", s.Start != nil}, {"end", "ramp", s.End != nil},
	} {
		if f.set && !slices.Contains(strings.Split(f.types, ", "), s.Type) {
			c.invalid(join(path, f.name), "", "means nothing in a schedule of type %s: it belongs to %s", s.Type, strings.ReplaceAll(f.types, ", ", " and "))
		}
	}
	switch s.Type {
	case "first":
		c.need(s.Count > 0, path, "count is missing: how many requests are in the schedule")
	case "every":
		c.need(s.Count > 0, path, "count is missing: 3 takes each third request, and the first of all")
	case "window":
		c.window(s, path)
	}
}

func (c *checker) need(there bool, path, message string) {
	if !there {
		c.invalid(path, "", "%s", message)
	}
}

func (c *checker) window(s *injector.Schedule, path string) {
	switch {
	case s.From == 0 && s.To == 0:
		c.invalid(path, "", "from_ms and to_ms are missing: when the window begins and ends")
	case s.To != 0 && s.To <= s.From:
		c.invalid(join(path, "to_ms"), "", "is not after from_ms")
	case s.Period != 0 && s.Period < s.To:
		c.invalid(join(path, "period_ms"), "", "is shorter than to_ms: the window must end before it comes again")
	case s.Period != 0 && s.Period <= s.From:
		c.invalid(join(path, "period_ms"), "", "is not longer than from_ms: the window must begin before it comes again")
	}
}

// rewrite checks the names and values of header fields.
func (c *checker) rewrite(w *injector.Rewrite, path string) {
	if w == nil {
		return
	}
	c.sameHeaders(w.SetHeaders, join(path, "set_headers"))
	for _, name := range slices.Sorted(maps.Keys(w.SetHeaders)) {
		at := join(join(path, "set_headers"), name)
		value := w.SetHeaders[name]
		if c.headerName(name, at); strings.ContainsFunc(value, control) || strings.TrimSpace(value) != value {
			c.invalid(at, "", "has a value that no header field can have: spaces around it, a line break, or another control character")
		}
	}
	for i, name := range w.RemoveHeaders {
		c.headerName(name, index(join(path, "remove_headers"), i))
	}
}

// sameHeaders looks for names that differ only in case: they are one field, of
// which only one value would be sent.
func (c *checker) sameHeaders(headers map[string]string, path string) {
	first := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		key := http.CanonicalHeaderKey(name)
		if other, twice := first[key]; twice {
			c.invalid(join(path, name), "", "is the same header field as %s: remove one of them", quote(other))
			continue
		}
		first[key] = name
	}
}

func control(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

func (c *checker) headerName(name, at string) {
	switch {
	case c.broken(at):
	case !token(name):
		c.invalid(at, "", "is not the name of a header field")
	case slices.Contains(injector.FramingHeaders(), http.CanonicalHeaderKey(name)):
		c.invalid(at, "", "%s says how the message is sent, and cannot be rewritten", http.CanonicalHeaderKey(name))
	}
}

// warnHTTP looks for parts of fault_injection that do nothing beside others
// that do.
func (c *checker) warnHTTP(f *injector.FaultInjection, path string) {
	if f == nil || !on(f.Enabled) {
		return
	}
	effects := injector.Config{FaultInjection: f}.Effects()
	if len(effects) == 0 {
		return // said of the section as a whole
	}
	has := func(kind string) bool {
		return slices.ContainsFunc(effects, func(e injector.Effect) bool { return e.Kind == kind })
	}
	if f.RetryAfter != nil && !has(injector.KindHTTPError) {
		c.warnAt(NoEffect, join(path, "retry_after_seconds"), "", "there are no HTTP errors that could have it")
	}
	if f.Rewrite != nil && !has(injector.KindResponseRewrite) {
		c.warnAt(NoEffect, join(path, "response_rewrite"), "", "changes nothing")
	}
	if f.Dribble != nil && !has(injector.KindChunkedDribble) {
		c.warnAt(NoEffect, join(path, "chunked_dribble_delay"), "", "never happens")
	}
	if f.MaxActiveFaults != nil && *f.MaxActiveFaults == 0 {
		c.warnAt(NoEffect, join(path, "max_active_faults"), "", "0 masks every fault of the section")
	}
}

// warnWindows looks for windows that would open after their step.
func (c *checker) warnWindows(i int, path string) {
	s := c.o.Steps[i]
	config, _, err := c.o.resolve(s.Scenario)
	if err != nil || config.Disabled() || s.Keep {
		return
	}
	length := c.o.StepDuration(i)
	late := func(section string, sched *injector.Schedule) {
		if sched == nil || sched.Type != "window" || length == 0 || sched.From < length {
			return
		}
		at, what := c.sectionOf(s, path, section)
		if what == "" {
			at = join(join(at, "schedule"), "from_ms")
		}
		c.warnAt(NoEffect, at, "", "%sthe window opens %v after the step has begun, which lasts %v", what, sched.From, length)
	}
	if l := config.Latency; l != nil && on(l.Enabled) {
		late("latency", l.Schedule)
	}
	if f := config.FaultInjection; f != nil && on(f.Enabled) {
		late("fault_injection", f.Schedule)
	}
}
