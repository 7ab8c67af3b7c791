package client

import "context"

// ChaosStatus is what a server does at the moment.
type ChaosStatus struct {
	Enabled         bool     `json:"enabled"`          // the master switch
	ActiveScenarios []string `json:"active_scenarios"` // started by name
	Latency         bool     `json:"latency_enabled"`
	FaultInjection  bool     `json:"fault_injection_enabled"`
	RateLimit       bool     `json:"rate_limit_enabled"`
	TrafficShaping  bool     `json:"traffic_shaping_enabled"`
	CircuitBreaker  bool     `json:"circuit_breaker_enabled"`
	Bulkhead        bool     `json:"bulkhead_enabled"`
	GRPC            bool     `json:"grpc_enabled"`
	WebSocket       bool     `json:"websocket_enabled"`
	GraphQL         bool     `json:"graphql_enabled"`
	TCP             bool     `json:"tcp_enabled"`
	Orchestration   *Status  `json:"orchestration"` // the current one or the last; nil: there was none
	Targets         []Target `json:"targets"`
	Version         string   `json:"version"`
}

// A Target is an upstream that the server stands in front of.
type Target struct {
	Name     string `json:"name"`
	Upstream string `json:"upstream"` // "": the server answers itself
	URL      string `json:"url"`      // where clients reach it
}

// ChaosStatus asks what the server does at the moment.
func (c *Client) ChaosStatus(ctx context.Context) (ChaosStatus, error) {
	var s ChaosStatus
	err := c.json(ctx, call{method: "GET", path: path("status"), member: "enabled"}, &s)
	return s, err
}

// Stats counts what was injected since the server started. Endpoints are a
// method and a route pattern.
type Stats struct {
	Faults                   int                       `json:"faults_grand_total"`
	FaultsByType             map[string]int            `json:"faults_total_by_type"`
	FaultsByEndpoint         map[string]map[string]int `json:"faults_by_type"` // by type, then by endpoint
	RateLimitViolations      int                       `json:"rate_limit_violations_total"`
	ViolationsByEndpoint     map[string]int            `json:"rate_limit_violations_by_endpoint"`
	LatencySamplesByEndpoint map[string]int            `json:"latency_samples_by_endpoint"`
	LatencyAverageByEndpoint map[string]float64        `json:"latency_avg_ms_by_endpoint"` // milliseconds
}

// Stats asks what was injected since the server started.
func (c *Client) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	err := c.json(ctx, call{method: "GET", path: path("stats"), member: "faults_grand_total"}, &s)
	return s, err
}

// A LatencySample is one injected delay.
type LatencySample struct {
	Timestamp int64   `json:"timestamp"` // milliseconds since 1970
	Latency   float64 `json:"latency_ms"`
}

// LatencySamples returns the last delays that were injected, the oldest first.
func (c *Client) LatencySamples(ctx context.Context) ([]LatencySample, error) {
	var answer struct {
		Samples []LatencySample `json:"samples"`
	}
	err := c.json(ctx, call{method: "GET", path: path("metrics", "latency"), member: "samples"}, &answer)
	return answer.Samples, err
}

// LatencyStats sums up the samples, in milliseconds.
type LatencyStats struct {
	Count int     `json:"count"`
	Min   float64 `json:"min_ms"`
	Max   float64 `json:"max_ms"`
	Mean  float64 `json:"avg_ms"`
	P50   float64 `json:"p50_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
}

// LatencyStats sums up the last delays that were injected.
func (c *Client) LatencyStats(ctx context.Context) (LatencyStats, error) {
	var s LatencyStats
	err := c.json(ctx, call{method: "GET", path: path("metrics", "latency", "stats"), member: "count"}, &s)
	return s, err
}
