package server

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// apiPrefix is where the API is. Nothing below it is ever injected into.
const apiPrefix = "/api/chaos"

// maxBody bounds what the API reads: a document of 1 MiB, as a JSON string.
const maxBody = 4 << 20

// apiTime is how long a call may take, event streams apart.
const apiTime = 30 * time.Second

// An endpoint is one call of the API. The OpenAPI description is checked
// against the list of them.
type endpoint struct {
	method, path string // below apiPrefix, in the language of http.ServeMux
	handle       func(http.ResponseWriter, *http.Request) error
	stream       bool // it has no end of its own
}

func (s *Server) endpoints() []endpoint {
	c := s.control
	list := []endpoint{
		{method: "GET", path: "/config", handle: c.getConfig},
		{method: "PUT", path: "/config", handle: c.putConfig},
		{method: "POST", path: "/enable", handle: c.postEnable},
		{method: "POST", path: "/disable", handle: c.postDisable},
		{method: "POST", path: "/reset", handle: c.postReset},
		{method: "GET", path: "/status", handle: s.getStatus},
		{method: "GET", path: "/stats", handle: s.getStats},
		{method: "GET", path: "/metrics/latency", handle: s.getLatency},
		{method: "GET", path: "/metrics/latency/stats", handle: s.getLatencyStats},

		{method: "GET", path: "/scenarios", handle: c.getScenarios},
		{method: "DELETE", path: "/scenarios", handle: c.deleteScenarios},
		{method: "GET", path: "/scenarios/predefined", handle: c.getPredefined},
		{method: "POST", path: "/scenarios/{name}", handle: c.postScenario},
		{method: "DELETE", path: "/scenarios/{name}", handle: c.deleteScenario},

		{method: "POST", path: "/orchestration/import", handle: c.postImport},
		{method: "POST", path: "/orchestration/start", handle: s.postStart},
		{method: "GET", path: "/orchestration/status", handle: c.getOrchestrationStatus},
		{method: "POST", path: "/orchestration/stop", handle: c.postStop},
		{method: "GET", path: "/orchestration/history", handle: c.getHistory},
		{method: "GET", path: "/orchestration/history/{id}", handle: c.getRun},
		{method: "GET", path: "/orchestrations", handle: c.getOrchestrations},
		{method: "GET", path: "/orchestrations/{name}", handle: c.getOrchestration},
		{method: "DELETE", path: "/orchestrations/{name}", handle: c.deleteOrchestration},
		{method: "GET", path: "/orchestrations/{name}/export", handle: c.getOrchestration},

		{method: "GET", path: "/profiles", handle: c.getProfiles},
		{method: "POST", path: "/profiles", handle: c.postProfile},
		{method: "POST", path: "/profiles/import", handle: c.postProfileImport},
		{method: "GET", path: "/profiles/{name}", handle: c.getProfile},
		{method: "DELETE", path: "/profiles/{name}", handle: c.deleteProfile},
		{method: "POST", path: "/profiles/{name}/apply", handle: c.postProfileApply},
		{method: "GET", path: "/profiles/{name}/export", handle: c.getProfileExport},

		{method: "GET", path: "/events", handle: c.getEvents, stream: true},
		{method: "GET", path: "/openapi.json", handle: getOpenAPI},
	}
	for _, section := range sections {
		list = append(list, endpoint{method: "PUT", path: "/config/" + section.path, handle: c.putSection(section)})
	}
	for _, path := range unbuilt {
		list = append(list, endpoint{method: "POST", path: path, handle: notBuilt})
	}
	return list
}

// unbuilt are documented calls whose protocols are not there yet. They say so,
// rather than confirm what has no effect.
var unbuilt = []string{ // constant
	"/protocols/grpc/status-codes", "/protocols/grpc/stream-interruption",
	"/protocols/websocket/close-codes", "/protocols/websocket/message-drop", "/protocols/websocket/message-corruption",
	"/protocols/graphql/error-codes", "/protocols/graphql/partial-data", "/protocols/graphql/resolver-latency",
}

func notBuilt(_ http.ResponseWriter, r *http.Request) error {
	protocol, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, apiPrefix+"/protocols/"), "/")
	return &statusError{http.StatusNotImplemented, "nothing injects " + protocol + " faults yet: nothing was changed"}
}

// routes is the API in front of the data plane.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, e := range s.endpoints() {
		mux.Handle(e.method+" "+apiPrefix+e.path, s.call(e))
	}
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		if methods := allowed(mux, r); len(methods) > 0 {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			writeError(w, http.StatusMethodNotAllowed, fmt.Sprintf("%s %s: use %s", r.Method, r.URL.Path, strings.Join(methods, " or ")))
			return
		}
		writeError(w, http.StatusNotFound, fmt.Sprintf("the API has no %s; %s/openapi.json lists what it has", r.URL.Path, apiPrefix))
	})
	metrics := s.metrics.handler()
	guarded := s.guard(api)
	guardedMetrics := s.guard(metrics)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == apiPrefix || strings.HasPrefix(path, apiPrefix+"/"):
			guarded.ServeHTTP(w, r)
		case path == "/metrics":
			guardedMetrics.ServeHTTP(w, r)
		case path == "/health":
			writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": s.opts.Version})
		default:
			s.plane.ServeHTTP(w, r)
		}
	})
}

// allowed lists the methods that a path takes.
func allowed(mux *http.ServeMux, r *http.Request) (methods []string) {
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodPost, http.MethodPut} {
		other := *r
		other.Method = method
		if _, pattern := mux.Handler(&other); pattern != "" {
			methods = append(methods, method)
		}
	}
	return methods
}

// call bounds what a call may read and how long it may take.
func (s *Server) call(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !e.stream {
			control := http.NewResponseController(w)
			deadline := time.Now().Add(apiTime)
			_ = control.SetReadDeadline(deadline) // not every ResponseWriter has a connection
			_ = control.SetWriteDeadline(deadline)
			defer func() {
				_ = control.SetReadDeadline(time.Time{})
				_ = control.SetWriteDeadline(time.Time{})
			}()
			ctx, cancel := context.WithDeadline(r.Context(), deadline)
			defer cancel()
			r = r.WithContext(ctx)
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := e.handle(w, r); err != nil {
			fail(w, err)
		}
	})
}

// guard lets only those in who may control the server, and browsers only where
// a page of an allowed origin asks.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.fromHere(w, r) {
			writeError(w, http.StatusForbidden, "a page of another origin may not use the API: allow it with --cors-origin")
			return
		}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if want := s.opts.AdminToken; want != "" {
			got := token(r)
			if got == "" {
				w.Header().Set("WWW-Authenticate", `Bearer realm="mockforge"`)
				writeError(w, http.StatusUnauthorized, "the API needs the admin token: send Authorization: Bearer TOKEN")
				return
			}
			if subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
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

// fromHere refuses requests that a page of another origin makes a browser send:
// the server listens on loopback, where every page can reach it. Programs send
// no Origin. So that a name which a foreign page resolves to this machine does
// not count as here, the Host must be an address, localhost or the one listened
// on, where there is no token.
func (s *Server) fromHere(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return s.opts.AdminToken != "" || s.opts.InsecureAdmin || loopback(hostOnly(r.Host))
	}
	if slices.Contains(s.opts.CORSOrigins, origin) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Admin-Token")
		h.Add("Vary", "Origin")
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host && (s.opts.AdminToken != "" || s.opts.InsecureAdmin || loopback(hostOnly(r.Host)))
}

func hostOnly(hostport string) string {
	return strings.Trim(hostname(hostport), "[]")
}

// readJSON reads a call's body into a value with known fields.
func readJSON(r *http.Request, into any) error {
	data, err := readBody(r)
	if err != nil {
		return err
	}
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return &statusError{http.StatusBadRequest, "the body is not the JSON that this call takes: " + strings.TrimPrefix(err.Error(), "json: ")}
	}
	return nil
}

func readBody(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(r.Body)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, &statusError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", maxBody)}
	}
	if err != nil {
		return nil, &statusError{http.StatusBadRequest, "the body cannot be read: " + err.Error()}
	}
	return data, nil
}

// formatOf is the format that a call asks for. Default: JSON.
func formatOf(word string) (orchestrator.Format, error) {
	if word == "" {
		return orchestrator.JSON, nil
	}
	format, err := orchestrator.ParseFormat(word)
	if err != nil {
		return "", &statusError{http.StatusBadRequest, err.Error()}
	}
	return format, nil
}
