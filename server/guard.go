package server

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// guard lets only those in who may control the server, and browsers only where
// a page of an allowed origin asks.
func (s *Server) guard(next http.Handler) http.Handler {
	refused := &sparing{log: s.opts.Logger}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := s.notFromHere(w, r); why != "" {
			refused.warn("API call refused", "remote", r.RemoteAddr, "path", r.URL.Path, "reason", "another origin or host")
			writeError(w, http.StatusForbidden, why)
			return
		}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if want := s.opts.AdminToken; want != "" {
			got := token(r)
			if got == "" {
				refused.warn("API call refused", "remote", r.RemoteAddr, "path", r.URL.Path, "reason", "no token")
				w.Header().Set("WWW-Authenticate", `Bearer realm="mockforge"`)
				writeError(w, http.StatusUnauthorized, "the API needs the admin token: send Authorization: Bearer TOKEN")
				return
			}
			if subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
				refused.warn("API call refused", "remote", r.RemoteAddr, "path", r.URL.Path, "reason", "wrong token")
				writeError(w, http.StatusForbidden, "the admin token is not the one that the server was started with")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func token(r *http.Request) string {
	if scheme, rest, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(rest)
	}
	return r.Header.Get("X-Admin-Token")
}

// notFromHere says why a request is refused that a page of another origin may
// have made a browser send: the server listens on loopback, where every page can
// reach it. Programs send no Origin. So that a name which a foreign page resolves
// to this machine does not count as here, the Host must be an address of loopback
// or localhost, where there is no token.
func (s *Server) notFromHere(w http.ResponseWriter, r *http.Request) string {
	h := w.Header()
	if len(s.opts.CORSOrigins) > 0 {
		h.Add("Vary", "Origin")
	}
	origin := r.Header.Get("Origin")
	if origin != "" && slices.Contains(s.opts.CORSOrigins, origin) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Admin-Token")
		return ""
	}
	if origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Host != r.Host {
			return fmt.Sprintf("a page of %q may not use the API: allow it with --cors-origin", origin)
		}
	}
	if s.opts.AdminToken == "" && !s.opts.InsecureAdmin && !loopback(hostOnly(r.Host)) {
		return fmt.Sprintf("the API is not at %q: use a loopback address, such as http://127.0.0.1, or start the server with --admin-token", r.Host)
	}
	return ""
}

// checkOrigins refuses what no browser sends as its origin, and what would
// therefore let nobody in.
func checkOrigins(origins []string) error {
	for _, origin := range origins {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || origin != u.Scheme+"://"+u.Host {
			return fmt.Errorf("CORS origin %q: use scheme, host and, where it is not the usual one, port, like https://tools.example", origin)
		}
	}
	return nil
}

func hostOnly(hostport string) string {
	return strings.Trim(hostname(hostport), "[]")
}
