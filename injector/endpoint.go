package injector

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Endpoint names a request by its method and route pattern, as Request.Endpoint
// does: GET /orders/{id}.
func Endpoint(r *http.Request) string { return endpoint(r) }

// endpoint names a request by its method and route pattern: segments of the
// path that look like identifiers become {id}, so that a rate limit on each
// endpoint does not become one on each customer.
func endpoint(r *http.Request) string {
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	if r.URL == nil {
		return method
	}
	return method + " " + route(r.URL.Path)
}

func route(path string) string {
	if !strings.ContainsAny(path, "0123456789") {
		return path // an identifier has a digit
	}
	changed := false
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if isID(s) {
			segments[i], changed = "{id}", true
		}
	}
	if !changed {
		return path
	}
	return strings.Join(segments, "/")
}

// isID reports whether a segment is a number, a UUID, or a long hexadecimal
// word with a digit in it.
func isID(s string) bool {
	digits, letters, dashes := 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
			letters++
		case c == '-':
			dashes++
		default:
			return false
		}
	}
	if digits == 0 {
		return false
	}
	return letters == 0 && dashes == 0 || dashes == 0 && len(s) >= 16 || dashes == 4 && len(s) == 36
}

// clientAddr is the address that a request came from. Forwarding headers count
// only where they are trusted: anyone can write them.
func clientAddr(r *http.Request, trustForwarded bool) netip.Addr {
	if trustForwarded {
		first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-For"), ",")
		for _, text := range []string{first, r.Header.Get("X-Real-Ip")} {
			if a, err := netip.ParseAddr(strings.TrimSpace(text)); err == nil {
				return a.Unmap()
			}
		}
	}
	return addrOf(r.RemoteAddr)
}

func addrOf(hostPort string) netip.Addr {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	a, _ := netip.ParseAddr(host)
	return a.Unmap().WithZone("")
}
