package injector

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// A matcher is a RequestMatcher made ready: addresses are parsed once.
type matcher struct {
	RequestMatcher
	prefixes []netip.Prefix
}

// newMatcher returns nil for a matcher that matches everything.
func newMatcher(m *RequestMatcher) *matcher {
	if m == nil {
		return nil
	}
	out := &matcher{RequestMatcher: *m}
	out.Headers = slices.Clone(m.Headers)
	out.Methods, out.Paths, out.Hosts = slices.Clone(m.Methods), slices.Clone(m.Paths), slices.Clone(m.Hosts)
	for _, text := range m.SourceIPs {
		if p, err := netip.ParsePrefix(text); err == nil {
			out.prefixes = append(out.prefixes, p.Masked())
		} else if a, err := netip.ParseAddr(text); err == nil {
			a = a.Unmap()
			out.prefixes = append(out.prefixes, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return out
}

// match reports whether the request matches. A body of unknown length is
// outside every size.
func (m *matcher) match(r *http.Request, trustForwarded bool) bool {
	return (len(m.SourceIPs) == 0 || m.matchSource(clientAddr(r, trustForwarded))) && m.matchHeaders(r) && m.matchBody(r) &&
		(len(m.Methods) == 0 || anyOf(m.Methods, func(s string) bool { return strings.EqualFold(s, r.Method) })) &&
		(len(m.Paths) == 0 || anyOf(m.Paths, func(s string) bool { return matchPath(s, r.URL.Path) })) &&
		(len(m.Hosts) == 0 || m.matchHost(r))
}

// matchConn reports whether a connection matches, of which only the client's
// address is known.
func (m *matcher) matchConn(client netip.Addr) bool {
	return len(m.Headers) == 0 && len(m.Methods) == 0 && len(m.Paths) == 0 && len(m.Hosts) == 0 &&
		m.MinBodySize == nil && m.MaxBodySize == nil && m.ChunkedOnly == nil &&
		(len(m.SourceIPs) == 0 || m.matchSource(client))
}

func (m *matcher) matchSource(client netip.Addr) bool {
	for _, p := range m.prefixes {
		if p.Contains(client) {
			return true
		}
	}
	return false
}

func (m *matcher) matchHeaders(r *http.Request) bool {
	for _, want := range m.Headers {
		values := r.Header.Values(want.Name)
		if strings.EqualFold(want.Name, "Host") {
			values = []string{r.Host}
		}
		if len(values) == 0 || want.Value != nil && !anyOf(values, func(s string) bool { return s == *want.Value }) {
			return false
		}
	}
	return true
}

func (m *matcher) matchBody(r *http.Request) bool {
	if m.ChunkedOnly != nil && *m.ChunkedOnly != (len(r.TransferEncoding) > 0 && r.TransferEncoding[0] == "chunked") {
		return false
	}
	if m.MinBodySize == nil && m.MaxBodySize == nil {
		return true
	}
	size := r.ContentLength
	if r.Body == nil || r.Body == http.NoBody {
		size = 0
	}
	return size >= 0 && (m.MinBodySize == nil || size >= *m.MinBodySize) && (m.MaxBodySize == nil || size <= *m.MaxBodySize)
}

func (m *matcher) matchHost(r *http.Request) bool {
	host := hostOf(r)
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return anyOf(m.Hosts, func(want string) bool {
		if suffix, ok := strings.CutPrefix(want, "*"); ok && strings.HasPrefix(suffix, ".") {
			return len(host) > len(suffix) && strings.EqualFold(host[len(host)-len(suffix):], suffix)
		}
		return strings.EqualFold(want, host)
	})
}

// hostOf is the host that the request is for, on either side of it.
func hostOf(r *http.Request) string {
	if r.Host == "" && r.URL != nil {
		return r.URL.Host
	}
	return r.Host
}

// matchPath matches segment by segment: * stands for the rest of its segment
// and, as the last character, for the rest of the path; {name} for a segment.
func matchPath(pattern, path string) bool {
	for {
		want, wantRest, wantMore := strings.Cut(pattern, "/")
		got, gotRest, gotMore := strings.Cut(path, "/")
		before, after, star := strings.Cut(want, "*")
		switch {
		case star && after == "" && !wantMore:
			return strings.HasPrefix(path, before)
		case star:
			if len(got) < len(before)+len(after) || !strings.HasPrefix(got, before) || !strings.HasSuffix(got, after) {
				return false
			}
		case len(want) > 2 && want[0] == '{' && want[len(want)-1] == '}':
			if got == "" {
				return false
			}
		case want != got:
			return false
		}
		if !wantMore || !gotMore {
			return wantMore == gotMore
		}
		pattern, path = wantRest, gotRest
	}
}

func anyOf(list []string, ok func(string) bool) bool {
	for _, s := range list {
		if ok(s) {
			return true
		}
	}
	return false
}
