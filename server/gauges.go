package server

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Gauges are the metrics of what is the case now. They are read from where it
// is known when somebody asks, and cost nothing until then.
type gauges struct {
	control  *control
	breaker  *prometheus.Desc
	bulkhead *prometheus.Desc
	mode     *prometheus.Desc
}

func newGauges(c *control) *gauges {
	return &gauges{
		control:  c,
		breaker:  prometheus.NewDesc("mockforge_chaos_circuit_breaker_state", "State of the circuit breaker in front of a target: 0 closed, 1 open, 2 half-open. Absent: no layer has one.", []string{"circuit_name"}, nil),
		bulkhead: prometheus.NewDesc("mockforge_chaos_bulkhead_concurrent_requests", "Requests in progress behind the bulkhead in front of a target. Absent: no layer has one.", []string{"bulkhead_name"}, nil),
		mode:     prometheus.NewDesc("mockforge_active_scenario_mode", "What is in force: 0 nothing, 1 what slows down, 2 what fails, 3 an orchestration.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	out <- g.breaker
	out <- g.bulkhead
	out <- g.mode
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	numbers := map[string]float64{"closed": 0, "open": 1, "half_open": 2}
	for _, target := range g.control.known() {
		if state, ok := g.control.injector.BreakerState(target); ok {
			gauge(g.breaker, numbers[state], target)
		}
		if active, _, ok := g.control.injector.BulkheadState(target); ok {
			gauge(g.bulkhead, float64(active), target)
		}
	}
	gauge(g.mode, float64(g.control.mode()))
}

// The modes of mockforge_active_scenario_mode.
const (
	modeHealthy = iota
	modeDegraded
	modeError
	modeChaos
)

// mode sums up what is in force.
func (c *control) mode() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	mode := modeHealthy
	switch {
	case !c.enabled:
		return modeHealthy
	case c.inProgress():
		return modeChaos
	}
	for _, e := range c.standing.config().Effects() {
		if e.Section != "latency" && e.Section != "traffic_shaping" {
			return modeError
		}
		mode = modeDegraded
	}
	return mode
}
