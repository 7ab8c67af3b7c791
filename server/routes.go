package server

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// apiPrefix is where the API is. Nothing below it is ever injected into.
const apiPrefix = "/api/chaos"

// maxBody bounds what the API reads: a document of 1 MiB, as a JSON string.
const maxBody = 4 << 20

// apiTime is how long a client may take to send a call's body, and again to
// read the answer, event streams apart. The server's own time in between does
// not count: the answer to what was done must not be lost.
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
	for _, k := range knobs() {
		list = append(list, endpoint{method: "POST", path: "/protocols" + k.path, handle: c.postKnob(k)})
	}
	return append(list, unbuilt()...)
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
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut} {
		other := *r
		other.Method = method
		if _, pattern := mux.Handler(&other); pattern != "" {
			methods = append(methods, method)
		}
	}
	return methods
}

// call bounds what a call may read and how long its client may take.
func (s *Server) call(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if e.stream {
			s.handle(e, w, r)
			return
		}
		// Not every ResponseWriter has a connection to set deadlines of.
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(apiTime)) // net/http sets another one for the next request
		answer := &timed{ResponseWriter: w, control: control}
		s.handle(e, answer, r)
		answer.begin()
		_ = control.Flush() // or a client that does not read would have all the time in the world
		_ = control.SetWriteDeadline(time.Time{})
	})
}

// A timed answer gives its client apiTime to read it, from its beginning.
type timed struct {
	http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

func (w *timed) begin() {
	if !w.begun {
		w.begun = true
		_ = w.control.SetWriteDeadline(time.Now().Add(apiTime))
	}
}

func (w *timed) WriteHeader(status int) {
	w.begin()
	w.ResponseWriter.WriteHeader(status)
}

func (w *timed) Write(b []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(b)
}

func (w *timed) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// handle makes a call. What was the server's own fault is logged.
func (s *Server) handle(e endpoint, w http.ResponseWriter, r *http.Request) {
	err := e.handle(w, r)
	if err != nil && fail(w, err) == http.StatusInternalServerError {
		s.opts.Logger.Error("API call failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
}
