package server

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/mockforge-go/mockforge/injector"
)

// Metrics are served in Prometheus' format under the documented names. They
// are an injector.Observer.
type metrics struct {
	registry *prometheus.Registry
	control  *control
	faults   *prometheus.CounterVec
	latency  *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "mockforge_chaos_faults_total", Help: "Faults injected.",
		}, []string{"fault_type", "endpoint"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "mockforge_chaos_latency_ms", Help: "Delays injected, in milliseconds.",
			Buckets: []float64{10, 50, 100, 250, 500, 1000, 2500, 5000, 10000},
		}, []string{"endpoint"}),
	}
	m.registry.MustRegister(m.faults, m.latency, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Timeout: 10 * time.Second})
}

// Request implements injector.Observer.
func (m *metrics) Request(r *injector.Request) {
	for _, d := range r.Decisions {
		if d.Masked {
			continue
		}
		m.faults.WithLabelValues(d.Kind, r.Endpoint).Inc()
		if d.Kind == injector.KindLatency {
			m.latency.WithLabelValues(r.Endpoint).Observe(float64(d.Delay) / float64(time.Millisecond))
		}
	}
}

// Done implements injector.Observer.
func (m *metrics) Done(*injector.Outcome) {}

// Transition implements injector.Observer.
func (m *metrics) Transition(*injector.Transition) {}
