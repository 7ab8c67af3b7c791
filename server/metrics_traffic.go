package server

import (
	"slices"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// Request implements injector.Observer.
func (m *metrics) Request(r *injector.Request) {
	if len(r.Decisions) == 0 {
		return
	}
	endpoint := m.endpoints.of(r.Endpoint)
	delayed := false
	for _, d := range r.Decisions {
		if d.Masked || d.Pending() {
			continue
		}
		m.faults.WithLabelValues(d.Kind, endpoint).Inc()
		switch d.Kind {
		case injector.KindLatency:
			delayed = true
			m.latency.WithLabelValues(endpoint).Observe(milliseconds(d.Delay))
		case injector.KindRateLimit:
			m.violations.WithLabelValues(endpoint).Inc()
		}
	}
	if triggered(r.Decisions) {
		m.triggers.Inc()
	}
	if delayed && r.Jitter != 0 {
		m.jitter.WithLabelValues(endpoint).Observe(milliseconds(r.Jitter.Abs()))
	}
}

// triggered reports whether a fault is known to be injected before the end of
// its request.
func triggered(decisions []injector.Decision) bool {
	return slices.ContainsFunc(decisions, func(d injector.Decision) bool { return !d.Masked && !d.Pending() })
}

// Done implements injector.Observer.
func (m *metrics) Done(o *injector.Outcome) {
	if len(o.Layers) == 0 {
		return // a run watches the others too
	}
	m.requests.WithLabelValues(o.Target, ending(o, m.connections[o.Target])).Inc()
	came := o.Came()
	for _, d := range came {
		m.faults.WithLabelValues(d.Kind, m.endpoints.of(o.Endpoint)).Inc()
	}
	if len(came) > 0 && !triggered(o.Decisions) {
		m.triggers.Inc()
	}
	if o.HeldUp > 0 {
		m.throttle.WithLabelValues(m.endpoints.of(o.Endpoint), "request").Observe(milliseconds(o.HeldUp))
	}
	if o.HeldDown > 0 {
		m.throttle.WithLabelValues(m.endpoints.of(o.Endpoint), "response").Observe(milliseconds(o.HeldDown))
	}
}

// Transition implements injector.Observer: states are read when somebody asks.
func (m *metrics) Transition(*injector.Transition) {}

// ending is how a request ended, or a connection, in one of few words.
func ending(o *injector.Outcome, connection bool) string {
	switch {
	case o.Canceled:
		return "canceled"
	case connection && !o.Failed:
		return "closed"
	case o.Status < 100 || o.Status > 599:
		return "aborted"
	}
	return [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}[o.Status/100-1]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
