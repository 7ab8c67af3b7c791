package server

import (
	"net/http"
	"time"
)

// ChaosStatus is what GET /api/chaos/status answers.
type ChaosStatus struct {
	Enabled               bool                `json:"enabled"`
	ActiveScenarios       []string            `json:"active_scenarios"`
	LatencyEnabled        bool                `json:"latency_enabled"`
	FaultInjectionEnabled bool                `json:"fault_injection_enabled"`
	RateLimitEnabled      bool                `json:"rate_limit_enabled"`
	TrafficShapingEnabled bool                `json:"traffic_shaping_enabled"`
	CircuitBreakerEnabled bool                `json:"circuit_breaker_enabled"`
	BulkheadEnabled       bool                `json:"bulkhead_enabled"`
	GRPCEnabled           bool                `json:"grpc_enabled"`
	WebSocketEnabled      bool                `json:"websocket_enabled"`
	GraphQLEnabled        bool                `json:"graphql_enabled"`
	TCPEnabled            bool                `json:"tcp_enabled"`
	Orchestration         OrchestrationStatus `json:"orchestration"`
	Targets               []TargetStatus      `json:"targets"`
	Version               string              `json:"version"`
}

// TargetStatus is a target and where clients reach it.
type TargetStatus struct {
	Name     string `json:"name"`
	Upstream string `json:"upstream,omitempty"` // "": the JSON echo
	URL      string `json:"url"`                // base URL, without a slash at the end
}

// getStatus says what the standing config does; while an orchestration runs it
// waits, and the orchestration's steps say what they do.
func (s *Server) getStatus(w http.ResponseWriter, _ *http.Request) error {
	out := ChaosStatus{ActiveScenarios: []string{}, Orchestration: s.control.status(), Targets: s.Targets(), Version: s.opts.Version}
	s.control.view(func(enabled bool, st *standing) {
		out.Enabled = enabled
		for _, started := range st.started {
			out.ActiveScenarios = append(out.ActiveScenarios, started.Name)
		}
		acts := map[string]bool{}
		for _, e := range st.config().Effects() {
			acts[e.Section] = true
		}
		out.LatencyEnabled, out.FaultInjectionEnabled, out.RateLimitEnabled = acts["latency"], acts["fault_injection"], acts["rate_limit"]
		out.TrafficShapingEnabled, out.CircuitBreakerEnabled, out.BulkheadEnabled = acts["traffic_shaping"], acts["circuit_breaker"], acts["bulkhead"]
		out.GRPCEnabled, out.WebSocketEnabled, out.GraphQLEnabled, out.TCPEnabled = acts["grpc"], acts["websocket"], acts["graphql"], acts["tcp"]
	})
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *Server) getStats(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, s.stats.stats())
	return nil
}

func (s *Server) getLatency(w http.ResponseWriter, _ *http.Request) error {
	samples := s.stats.latencies(time.Now())
	if samples == nil {
		samples = []LatencySample{}
	}
	writeJSON(w, http.StatusOK, map[string][]LatencySample{"samples": samples})
	return nil
}

func (s *Server) getLatencyStats(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, summarize(s.stats.latencies(time.Now())))
	return nil
}
