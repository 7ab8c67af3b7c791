package server

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// Stats count what was injected since the server started. Endpoints are
// methods with route patterns, in which ids are replaced; from the 501st on
// they are counted as "other". Times are milliseconds.
type Stats struct {
	FaultsByType              map[string]map[string]int64 `json:"faults_by_type"` // kind, endpoint
	FaultsTotalByType         map[string]int64            `json:"faults_total_by_type"`
	FaultsGrandTotal          int64                       `json:"faults_grand_total"`
	RateLimitByEndpoint       map[string]int64            `json:"rate_limit_violations_by_endpoint"`
	RateLimitTotal            int64                       `json:"rate_limit_violations_total"`
	LatencySamplesByEndpoint  map[string]int64            `json:"latency_samples_by_endpoint"`
	LatencyAverageByEndpoint  map[string]float64          `json:"latency_avg_ms_by_endpoint"`
	JitterSamplesByEndpoint   map[string]int64            `json:"jitter_samples_by_endpoint"`
	JitterAverageByEndpoint   map[string]float64          `json:"jitter_avg_ms_by_endpoint"`               // longer or shorter
	ThrottleSamples           map[string]int64            `json:"bandwidth_throttle_samples_by_direction"` // request, response
	ThrottleTotal             map[string]float64          `json:"bandwidth_throttle_total_ms"`             // by direction
	RequestsObserved          int64                       `json:"requests_observed"`                       // that met a layer
	RequestsFailed            int64                       `json:"requests_failed"`                         // of those: a 5xx, a connection or a time-out fault
	CircuitBreakerTransitions int64                       `json:"circuit_breaker_transitions"`
}

// A LatencySample is one injected delay.
type LatencySample struct {
	Timestamp int64   `json:"timestamp"` // milliseconds since 1970
	Latency   float64 `json:"latency_ms"`
}

// LatencyStats sum up the latency samples.
type LatencyStats struct {
	Count int     `json:"count"`
	Min   float64 `json:"min_ms"`
	Max   float64 `json:"max_ms"`
	Avg   float64 `json:"avg_ms"`
	P50   float64 `json:"p50_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
}

const (
	maxEndpoints = 500
	maxSamples   = 1000
	sampleAge    = 5 * time.Minute
)

// A statistician keeps Stats and the latest latency samples. It is an
// injector.Observer.
type statistician struct {
	names    *vocabulary // of endpoints
	requests atomic.Int64
	failed   atomic.Int64

	mu        sync.Mutex
	endpoints map[string]*endpointStats
	held      map[string]*heldStats // by direction
	changes   int64
	samples   []LatencySample // a ring once it is full
	next      int
}

type endpointStats struct {
	faults  map[string]int64
	delays  int64
	delayed time.Duration
	jitters int64
	jitter  time.Duration
}

type heldStats struct {
	samples int64
	total   time.Duration
}

func newStatistician(endpoints *vocabulary) *statistician {
	return &statistician{
		names: endpoints, endpoints: map[string]*endpointStats{}, held: map[string]*heldStats{"request": {}, "response": {}},
	}
}

// Request implements injector.Observer.
func (s *statistician) Request(r *injector.Request) {
	if len(r.Layers) == 0 {
		return
	}
	s.requests.Add(1)
	if len(r.Decisions) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range r.Decisions {
		if d.Masked || d.Pending() {
			continue
		}
		e := s.endpoint(r.Endpoint)
		e.faults[d.Kind]++
		if d.Kind == injector.KindLatency {
			e.delays++
			e.delayed += d.Delay
			s.sample(LatencySample{time.Now().UnixMilli(), milliseconds(d.Delay)})
		}
	}
	if r.Jitter != 0 {
		e := s.endpoint(r.Endpoint)
		e.jitters++
		e.jitter += r.Jitter.Abs()
	}
}

func (s *statistician) endpoint(name string) *endpointStats {
	name = s.names.of(name)
	e := s.endpoints[name]
	if e == nil {
		e = &endpointStats{faults: map[string]int64{}}
		s.endpoints[name] = e
	}
	return e
}

func (s *statistician) sample(l LatencySample) {
	if len(s.samples) < maxSamples {
		s.samples = append(s.samples, l)
		return
	}
	s.samples[s.next] = l
	s.next = (s.next + 1) % maxSamples
}

// Done implements injector.Observer.
func (s *statistician) Done(o *injector.Outcome) {
	if len(o.Layers) == 0 {
		return // a run watches the others too
	}
	if o.Failed {
		s.failed.Add(1)
	}
	came := o.Came()
	if o.HeldUp+o.HeldDown == 0 && came == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range came {
		s.endpoint(o.Endpoint).faults[d.Kind]++
	}
	for direction, d := range map[string]time.Duration{"request": o.HeldUp, "response": o.HeldDown} {
		if d > 0 {
			s.held[direction].samples++
			s.held[direction].total += d
		}
	}
}

// Transition implements injector.Observer.
func (s *statistician) Transition(t *injector.Transition) {
	if t.Component != "circuit_breaker" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
}

// stats is a snapshot.
func (s *statistician) stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Stats{
		FaultsByType: map[string]map[string]int64{}, FaultsTotalByType: map[string]int64{},
		RateLimitByEndpoint: map[string]int64{}, LatencySamplesByEndpoint: map[string]int64{}, LatencyAverageByEndpoint: map[string]float64{},
		JitterSamplesByEndpoint: map[string]int64{}, JitterAverageByEndpoint: map[string]float64{},
		ThrottleSamples: map[string]int64{}, ThrottleTotal: map[string]float64{},
		RequestsObserved: s.requests.Load(), RequestsFailed: s.failed.Load(), CircuitBreakerTransitions: s.changes,
	}
	for name, e := range s.endpoints {
		for kind, n := range e.faults {
			if out.FaultsByType[kind] == nil {
				out.FaultsByType[kind] = map[string]int64{}
			}
			out.FaultsByType[kind][name] = n
			out.FaultsTotalByType[kind] += n
			out.FaultsGrandTotal += n
			if kind == injector.KindRateLimit {
				out.RateLimitByEndpoint[name] = n
				out.RateLimitTotal += n
			}
		}
		if e.delays > 0 {
			out.LatencySamplesByEndpoint[name] = e.delays
			out.LatencyAverageByEndpoint[name] = milliseconds(e.delayed) / float64(e.delays)
		}
		if e.jitters > 0 {
			out.JitterSamplesByEndpoint[name] = e.jitters
			out.JitterAverageByEndpoint[name] = milliseconds(e.jitter) / float64(e.jitters)
		}
	}
	for direction, h := range s.held {
		out.ThrottleSamples[direction], out.ThrottleTotal[direction] = h.samples, milliseconds(h.total)
	}
	return out
}

// latencies are the injected delays of the last five minutes, at most 1,000,
// the oldest first.
func (s *statistician) latencies(now time.Time) []LatencySample {
	s.mu.Lock()
	all := append(slices.Clone(s.samples[s.next:]), s.samples[:s.next]...)
	s.mu.Unlock()
	oldest := now.Add(-sampleAge).UnixMilli()
	return slices.DeleteFunc(all, func(l LatencySample) bool { return l.Timestamp < oldest })
}

func summarize(samples []LatencySample) LatencyStats {
	out := LatencyStats{Count: len(samples)}
	if out.Count == 0 {
		return out
	}
	slices.SortFunc(samples, func(a, b LatencySample) int { return cmp.Compare(a.Latency, b.Latency) })
	for _, s := range samples {
		out.Avg += s.Latency / float64(out.Count)
	}
	// The smallest sample that so many do not exceed.
	rank := func(percent int) float64 { return samples[max(0, (out.Count*percent+99)/100-1)].Latency }
	out.Min, out.Max, out.P50, out.P95, out.P99 = samples[0].Latency, samples[out.Count-1].Latency, rank(50), rank(95), rank(99)
	return out
}
