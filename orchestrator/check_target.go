package orchestrator

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// knownTargets lists the targets that steps and load may name.
func knownTargets(o *Orchestration) []string {
	if len(o.Targets) == 0 {
		return []string{DefaultTarget}
	}
	return slices.Sorted(maps.Keys(o.Targets))
}

func (c *checker) targets(names []string, path string) {
	for i, name := range names {
		if c.full() {
			return
		}
		c.knownTarget(name, index(join(path, "targets"), i))
	}
	if names != nil && len(names) == 0 {
		c.invalid(join(path, "targets"), "", "is empty: leave it out to mean all")
	}
}

func (c *checker) knownTarget(name, path string) {
	if _, declared := c.o.Targets[name]; name == "" || declared {
		return
	}
	if len(c.o.Targets) > 0 {
		c.invalid(path, c.closest(name, c.names), "unknown target %s: targets has %s", quote(name), c.someNames())
	} else if name != DefaultTarget {
		c.invalid(path, c.closest(name, c.names), "unknown target %s: declare it under targets", quote(name))
	}
}

// someNames lists the known targets, as far as they fit into a message.
func (c *checker) someNames() string {
	return shorten(strings.Join(c.names[:min(len(c.names), 20)], ", "))
}

func (c *checker) target(t Target, path string) {
	if t.Upstream == "" {
		return
	}
	path = join(path, "upstream")
	host := t.Upstream
	if _, rest, found := strings.Cut(host, "://"); found && t.Kind == TCP {
		c.invalid(path, shorten(rest), "%s is not host:port", quote(t.Upstream))
		return
	}
	if t.Kind != TCP {
		u, err := url.Parse(t.Upstream)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			suggestion := ""
			switch {
			case strings.HasPrefix(t.Upstream, "tcp://"):
				suggestion = "kind: tcp"
			case !strings.Contains(t.Upstream, "://"):
				suggestion = "http://" + shorten(t.Upstream)
			}
			c.invalid(path, suggestion, "%s is not a URL that begins with http:// or https://", quote(t.Upstream))
			return
		}
		host = u.Host
		if u.Port() == "" && !strings.HasSuffix(u.Host, ":") {
			return
		}
	}
	cut := strings.LastIndexByte(host, ':')
	if cut < 1 {
		c.invalid(path, "", "%s is not host:port", quote(t.Upstream))
		return
	}
	if !portNumber(host[cut+1:]) {
		c.invalid(path, "", "the port of %s is out of range: must be 1 to 65535", quote(t.Upstream))
	}
}

func (c *checker) traffic(t *Traffic, path string) {
	if t == nil {
		return
	}
	c.knownTarget(t.Target, join(path, "target"))
	target := t.Target
	if target == "" {
		target = c.names[0]
	}
	switch {
	case !drives(t): // none: it says nothing of a target
	case t.Target == "" && len(c.names) > 1:
		c.invalid(path, "", "target is missing: the document has %s", c.someNames())
	case c.o.Targets[target].Kind == TCP:
		c.invalid(path, "", "load is HTTP, and the target is of kind tcp")
	}
	if t.Method != "" && !token(t.Method) {
		c.invalid(join(path, "method"), "", "%s is not an HTTP method", quote(t.Method))
	}
	if t.Path != "" {
		if _, err := url.ParseRequestURI(t.Path); err != nil || t.Path[0] != '/' {
			c.invalid(join(path, "path"), "", "%s is not a path: it must begin with /", quote(t.Path))
		}
	}
	c.sameHeaders(t.Headers, join(path, "headers"))
	for _, name := range slices.Sorted(maps.Keys(t.Headers)) {
		value := t.Headers[name]
		if !token(name) || strings.ContainsAny(value, "\r\n\x00") {
			c.invalid(join(join(path, "headers"), name), "", "is not a header field")
		}
	}
}

// token reports whether s is a token of HTTP.
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

func portNumber(text string) bool {
	port, err := strconv.Atoi(text)
	return err == nil && port >= 1 && port <= 65535
}
