package server

import (
	"slices"
	"time"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// standingLayer is the name of the layer of the standing config, as
// X-Mockforge-Step shows it.
const standingLayer = "config"

// The standing config is what goes wrong while no orchestration runs: what
// flags, the API, started scenarios and profiles have set, in one layer. What
// was set last counts.
type standing struct {
	base    injector.Config
	started []startedScenario // in the order in which they were started
}

type startedScenario struct {
	orchestrator.Scenario
	at time.Time
}

// config is what is in force: the base, in which each started scenario replaces
// the sections that it has.
func (s *standing) config() injector.Config {
	out := s.base
	for _, started := range s.started {
		for _, section := range sections {
			if section.present(*started.Config) {
				section.copy(&out, *started.Config)
				out.Enabled = nil
			}
		}
	}
	return out
}

// start adds a scenario, or starts it anew.
func (s *standing) start(sc orchestrator.Scenario) {
	s.stop(sc.Name)
	s.started = append(s.started, startedScenario{sc, time.Now()})
}

// stop takes a scenario away and reports whether it was started.
func (s *standing) stop(name string) bool {
	before := len(s.started)
	s.started = slices.DeleteFunc(s.started, func(x startedScenario) bool { return x.Name == name })
	return len(s.started) < before
}

// replace sets everything.
func (s *standing) replace(c injector.Config) {
	s.base, s.started = c, nil
}

// set sets one section, over those of started scenarios.
func (s *standing) set(section section, c injector.Config) {
	section.copy(&s.base, c)
	for i := range s.started {
		own := *s.started[i].Config
		section.copy(&own, injector.Config{})
		s.started[i].Config = &own
	}
}

// A section of a config, for code that treats all alike.
type section struct {
	name    string // in documents
	path    string // in the API
	title   string // in messages
	present func(injector.Config) bool
	copy    func(to *injector.Config, from injector.Config)
}

var sections = []section{ // constant
	{"latency", "latency", "Latency", func(c injector.Config) bool { return c.Latency != nil },
		func(to *injector.Config, from injector.Config) { to.Latency = from.Latency }},
	{"fault_injection", "faults", "Fault injection", func(c injector.Config) bool { return c.FaultInjection != nil },
		func(to *injector.Config, from injector.Config) { to.FaultInjection = from.FaultInjection }},
	{"rate_limit", "rate-limit", "Rate limit", func(c injector.Config) bool { return c.RateLimit != nil },
		func(to *injector.Config, from injector.Config) { to.RateLimit = from.RateLimit }},
	{"traffic_shaping", "traffic", "Traffic shaping", func(c injector.Config) bool { return c.TrafficShaping != nil },
		func(to *injector.Config, from injector.Config) { to.TrafficShaping = from.TrafficShaping }},
	{"circuit_breaker", "circuit-breaker", "Circuit breaker", func(c injector.Config) bool { return c.CircuitBreaker != nil },
		func(to *injector.Config, from injector.Config) { to.CircuitBreaker = from.CircuitBreaker }},
	{"bulkhead", "bulkhead", "Bulkhead", func(c injector.Config) bool { return c.Bulkhead != nil },
		func(to *injector.Config, from injector.Config) { to.Bulkhead = from.Bulkhead }},
	{"grpc", "grpc", "gRPC", func(c injector.Config) bool { return c.GRPC != nil },
		func(to *injector.Config, from injector.Config) { to.GRPC = from.GRPC }},
	{"websocket", "websocket", "WebSocket", func(c injector.Config) bool { return c.WebSocket != nil },
		func(to *injector.Config, from injector.Config) { to.WebSocket = from.WebSocket }},
	{"graphql", "graphql", "GraphQL", func(c injector.Config) bool { return c.GraphQL != nil },
		func(to *injector.Config, from injector.Config) { to.GraphQL = from.GraphQL }},
	{"tcp", "tcp", "TCP", func(c injector.Config) bool { return c.TCP != nil },
		func(to *injector.Config, from injector.Config) { to.TCP = from.TCP }},
}
