package server

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are served in Prometheus' format under the documented names. They
// count what happened; what is the case now is read when somebody asks, see
// gauges.
type metrics struct {
	registry  *prometheus.Registry
	endpoints *vocabulary
	names     *vocabulary // of orchestrations
	steps     *vocabulary // with the name of their orchestration

	connections map[string]bool // the targets of kind tcp

	requests   *prometheus.CounterVec
	triggers   prometheus.Counter
	faults     *prometheus.CounterVec
	latency    *prometheus.HistogramVec
	jitter     *prometheus.HistogramVec
	throttle   *prometheus.HistogramVec
	violations *prometheus.CounterVec

	scenarios  *prometheus.CounterVec
	stepTime   *prometheus.HistogramVec
	executions *prometheus.CounterVec
	active     *prometheus.GaugeVec
	assertions *prometheus.CounterVec
}

const (
	maxNames = 100
	maxSteps = 300
)

// newMetrics bounds endpoints by a vocabulary that others may share.
func newMetrics(endpoints *vocabulary) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(), endpoints: endpoints, names: newVocabulary(maxNames), steps: newVocabulary(maxSteps),
		connections: map[string]bool{},
	}
	ms := []float64{10, 50, 100, 250, 500, 1000, 2500, 5000, 10000}
	fewer := []float64{1, 5, 10, 50, 100, 500, 1000, 5000}
	seconds := []float64{0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600}
	m.requests = m.counter("mockforge_chaos_requests_total", "Requests that met a layer, by how they ended: 1xx to 5xx, aborted, canceled by the client, or closed for a connection of kind tcp that no fault ended.", "target", "protocol", "status")
	m.triggers = prometheus.NewCounter(prometheus.CounterOpts{Name: "mockforge_chaos_triggers_total", Help: "Requests in which at least one fault was injected."})
	m.faults = m.counter("mockforge_chaos_faults_total", "Faults injected.", "fault_type", "endpoint")
	m.latency = m.histogram("mockforge_chaos_latency_ms", "Delays injected, in milliseconds.", ms, "endpoint")
	m.jitter = m.histogram("mockforge_chaos_jitter_ms", "By how much jitter lengthened or shortened injected delays, in milliseconds.", fewer, "endpoint")
	m.throttle = m.histogram("mockforge_chaos_bandwidth_throttle_ms", "How long bandwidth limits held back bytes of a request or a response, in milliseconds.", ms, "endpoint", "direction")
	m.violations = m.counter("mockforge_chaos_rate_limit_violations_total", "Requests that exceeded a rate limit.", "endpoint")
	m.scenarios = m.counter("mockforge_chaos_scenarios_total", "Scenarios started and ended, by themselves or in a step: started, stopped, or how the step ended.", "scenario_type", "status")
	m.stepTime = m.histogram("mockforge_chaos_orchestration_step_duration_seconds", "How long the faults of steps were in force, in seconds.", seconds, "orchestration", "step")
	m.executions = m.counter("mockforge_chaos_orchestration_executions_total", "Runs that ended, by how.", "orchestration", "status")
	m.active = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "mockforge_chaos_active_orchestrations", Help: "Runs in progress."}, []string{"orchestration"})
	m.assertions = m.counter("mockforge_chaos_assertion_results_total", "Expectations that were judged: pass, fail or inconclusive.", "orchestration", "result")
	m.registry.MustRegister(m.triggers, m.active, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *metrics) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(h)
	return h
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Timeout: 10 * time.Second})
}
