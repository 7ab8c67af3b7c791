package orchestrator

import (
	"strconv"

	"github.com/mockforge-go/mockforge/injector"
)

// acts reports whether a config can do anything to a request.
func acts(config injector.Config) bool { return len(config.Effects()) > 0 }

// A presentSection is a section of a config that is there.
type presentSection struct {
	name string
	on   bool
}

// sections lists the sections that are present, in the order of the format.
func sections(c injector.Config) []presentSection {
	var all []presentSection
	if s := c.Latency; s != nil {
		all = append(all, presentSection{"latency", on(s.Enabled)})
	}
	if s := c.FaultInjection; s != nil {
		all = append(all, presentSection{"fault_injection", on(s.Enabled)})
	}
	if s := c.RateLimit; s != nil {
		all = append(all, presentSection{"rate_limit", on(s.Enabled)})
	}
	if s := c.TrafficShaping; s != nil {
		all = append(all, presentSection{"traffic_shaping", on(s.Enabled)})
	}
	if s := c.CircuitBreaker; s != nil {
		all = append(all, presentSection{"circuit_breaker", on(s.Enabled)})
	}
	if s := c.Bulkhead; s != nil {
		all = append(all, presentSection{"bulkhead", on(s.Enabled)})
	}
	if s := c.GRPC; s != nil {
		all = append(all, presentSection{"grpc", on(s.Enabled)})
	}
	if s := c.WebSocket; s != nil {
		all = append(all, presentSection{"websocket", on(s.Enabled)})
	}
	if s := c.GraphQL; s != nil {
		all = append(all, presentSection{"graphql", on(s.Enabled)})
	}
	if s := c.TCP; s != nil {
		all = append(all, presentSection{"tcp", on(s.Enabled)})
	}
	return all
}

// on is the rule for sections: present is on, unless it says false.
func on(enabled *bool) bool { return enabled == nil || *enabled }

func trimFloat(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
