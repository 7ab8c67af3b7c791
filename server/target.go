package server

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// targetList checks the targets of Options and completes them; the one of
// Options.Upstream comes last, because it takes what no other does.
func targetList(o Options) ([]Target, error) {
	var problems []error
	fail := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	var out []Target
	seen := map[string]bool{}
	for _, t := range o.Targets {
		switch {
		case !validName(t.Name):
			fail("target %q: a name is made of letters, digits, '-', '_' and '.'", t.Name)
			continue
		case seen[t.Name]:
			fail("target %s is configured twice", t.Name)
			continue
		case t.Port < AnyPort || t.Port > 65535:
			fail("target %s: port %d is out of range: 1 to 65535", t.Name, t.Port)
		case t.tcp() && (t.Host != "" || t.Prefix != ""):
			fail("target %s: a connection of kind tcp has neither a Host nor a path: leave host and prefix out, its port is the way to it", t.Name)
		case t.tcp() && t.Port == 0:
			fail("target %s: a target of kind tcp needs a port of its own, such as port=16379", t.Name)
		case t.Prefix != "" && t.Prefix[0] != '/':
			fail("target %s: prefix %q must begin with /", t.Name, t.Prefix)
		}
		seen[t.Name] = true
		if t.Port == 0 && t.Host == "" && t.Prefix == "" {
			t.Prefix = "/" + t.Name
			if t.Name == orchestrator.DefaultTarget {
				t.Prefix = "/"
			}
		}
		if t.Prefix != "/" {
			t.Prefix = strings.TrimSuffix(t.Prefix, "/")
		}
		t.Host = strings.ToLower(t.Host)
		out = append(out, t)
	}
	if strings.HasPrefix(o.Upstream, tcpScheme) {
		fail("upstream %q: a target of kind tcp needs a port of its own: use --target NAME=%s,port=N", o.Upstream, o.Upstream)
	} else if o.Upstream != "" || len(out) == 0 {
		if seen[orchestrator.DefaultTarget] {
			fail("target %s is configured twice: by Upstream and by Targets", orchestrator.DefaultTarget)
		}
		out = append(out, Target{Name: orchestrator.DefaultTarget, Upstream: o.Upstream, Prefix: "/"})
	}
	ports := map[int]string{}
	if o.Port > 0 {
		ports[o.Port] = "the server itself"
	}
	for _, t := range out {
		if t.Port <= 0 {
			continue
		}
		if other := ports[t.Port]; other != "" {
			fail("target %s: port %d is that of %s already: give it another", t.Name, t.Port, other)
		}
		ports[t.Port] = "target " + t.Name
	}
	ways := map[string]string{}
	for _, t := range out {
		if t.Host == "" && t.Prefix == "" {
			continue // only its port leads to it
		}
		if reserved(t.Prefix) {
			fail("target %s: prefix %s is the server's own: use another", t.Name, t.Prefix)
		}
		way := t.Host + t.Prefix
		if other := ways[way]; other != "" {
			fail("target %s: requests for %s go to target %s already: give it another prefix, host or port", t.Name, way, other)
		}
		ways[way] = t.Name
	}
	for _, t := range out {
		if _, err := upstreamURL(t.Upstream); err != nil {
			fail("target %s: %w", t.Name, err)
		}
	}
	return out, errors.Join(problems...)
}

// upstreamURL is nil for the empty text, which is the echo.
func upstreamURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("upstream %q is not a URL: use one like http://127.0.0.1:8080", text)
	}
	switch {
	case u.Scheme == "tcp" && (u.Hostname() == "" || !validPort(u.Port()) || u.Path != "" || u.User != nil || u.RawQuery != "" || u.Fragment != ""):
		return nil, fmt.Errorf("upstream %q: use tcp://HOST:PORT", u.Redacted())
	case u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "h2c" && u.Scheme != "tcp":
		return nil, fmt.Errorf("upstream %q: use a URL that begins with http://, https://, h2c:// or tcp://", text)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("upstream %q: a user, a query and a fragment are not supported", u.Redacted())
	}
	return u, nil
}

func validPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// reserved reports whether no request below a prefix reaches a target.
func reserved(prefix string) bool {
	return prefix != "/" && (under(prefix, apiPrefix) || prefix == "/metrics" || prefix == "/health")
}

func validName(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= 100 && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	})
}
