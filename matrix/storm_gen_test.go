package matrix_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A maker draws the parts of random documents.
type maker struct{ *rand.Rand }

func (m maker) coin(p float64) bool  { return m.Float64() < p }
func pick[T any](m maker, of ...T) T { return of[m.IntN(len(of))] }

func (m maker) p() *float64 {
	return new(pick(m, 0.05, 0.1, 0.15, 0.2, 0.25, 0.333, 0.5, 0.5, 1))
}
func (m maker) low() *float64 { return new(pick(m, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)) }

// of is a duration up to so many milliseconds.
func (m maker) of(ms int) time.Duration { return time.Duration(1+m.IntN(ms)) * time.Millisecond }
func (m maker) sampling() injector.Sampling {
	return pick(m, "", injector.Exact, injector.Bernoulli)
}

func (m maker) schedule() *injector.Schedule {
	switch m.IntN(8) {
	case 0:
		return &injector.Schedule{Type: "first", Count: 1 + m.IntN(40)}
	case 1:
		return &injector.Schedule{Type: "every", Count: 1 + m.IntN(5)}
	case 2:
		s := &injector.Schedule{Type: "window", From: m.of(500)}
		if m.coin(0.7) {
			s.To = s.From + m.of(500)
			if m.coin(0.5) {
				s.Period = s.To + m.of(300)
			}
		}
		return s
	case 3:
		s := &injector.Schedule{Type: "ramp"}
		if m.coin(0.5) {
			s.Start, s.End = m.p(), m.p()
		}
		return s
	}
	return nil
}

func (m maker) latency() *injector.Latency {
	l := &injector.Latency{Sampling: m.sampling(), Schedule: m.schedule()}
	switch m.IntN(3) {
	case 0:
		l.FixedDelay = m.of(200)
	case 1:
		l.RandomDelayRange = [2]time.Duration{m.of(50), time.Duration(0)}
		l.RandomDelayRange[1] = l.RandomDelayRange[0] + m.of(200)
	case 2:
		l.Distribution = &injector.Distribution{Type: pick(m, "lognormal", "normal", "exponential", "uniform")}
		switch l.Distribution.Type {
		case "lognormal":
			l.Distribution.Median, l.Distribution.Sigma = m.of(50), 0.5
		case "normal":
			l.Distribution.Mean, l.Distribution.StdDev = m.of(50), m.of(30)
		case "exponential":
			l.Distribution.Mean = m.of(50)
		}
		if m.coin(0.5) || l.Distribution.Type == "uniform" {
			l.Distribution.Min = m.of(20)
			l.Distribution.Max = l.Distribution.Min + m.of(300)
		}
	}
	if m.coin(0.4) {
		l.JitterPercent = float64(m.IntN(60))
	}
	if m.coin(0.6) {
		l.Probability = m.p()
	}
	return l
}

func (m maker) faults() *injector.FaultInjection {
	f := &injector.FaultInjection{Sampling: m.sampling(), Schedule: m.schedule()}
	if m.coin(0.6) {
		f.HTTPErrors, f.HTTPErrorProbability = pick(m, []int{500}, []int{503, 429}, []int{404, 500, 502}), m.low()
		if m.coin(0.3) {
			f.RetryAfter = new(time.Second)
		}
	}
	if m.coin(0.4) {
		f.ConnectionErrorKind, f.ConnectionErrorProbability = pick(m, injector.HTTP503, injector.TCPReset, injector.TCPClose, injector.MalformedChunk, injector.RandomData), m.low()
	}
	if m.coin(0.4) {
		f.Timeout, f.TimeoutProbability = new(m.of(500)), m.low()
	}
	if m.coin(0.3) {
		f.PartialResponseProbability = m.low()
	}
	if m.coin(0.3) {
		f.PayloadCorruptionProbability, f.CorruptionType = m.low(), pick(m, injector.RandomBytes, injector.Truncate, injector.BitFlip)
	}
	if m.coin(0.2) {
		f.ErrorPattern = pick(m, &injector.ErrorPattern{Type: "burst", Count: 2, Interval: m.of(500)},
			&injector.ErrorPattern{Type: "random", Probability: m.low()}, &injector.ErrorPattern{Type: "sequential", Sequence: []int{500, 200, 503}})
	}
	if m.coin(0.25) {
		f.Dribble = &injector.Dribble{NumberOfChunks: 1 + m.IntN(5), TotalDuration: m.of(300), Probability: m.p()}
	}
	if m.coin(0.25) {
		f.Rewrite = &injector.Rewrite{Status: pick(m, 0, 201, 503), SetHeaders: map[string]string{"X-Storm": "1"}, Probability: m.p()}
		if m.coin(0.5) {
			f.Rewrite.Body = new(pick(m, "", "rewritten", `{"data":{"cart":null}}`))
		}
	}
	if m.coin(0.25) {
		f.MaxActiveFaults = new(1 + m.IntN(3))
	}
	f.OverrideHeaders = m.coin(0.3)
	if m.coin(0.3) {
		f.RequestMatcher = pick(m, &injector.RequestMatcher{Methods: []string{"POST"}}, &injector.RequestMatcher{Paths: []string{"/orders/{id}", "/graphql", "/matrix.Desk/*"}},
			&injector.RequestMatcher{Headers: []injector.HeaderMatch{{Name: "X-Kind", Value: new("a")}}}, &injector.RequestMatcher{MinBodySize: new(int64(10))})
	}
	return f
}

func (m maker) shaping() *injector.TrafficShaping {
	s := &injector.TrafficShaping{Sampling: m.sampling()}
	if m.coin(0.5) {
		s.BandwidthLimit = int64(pick(m, 3000, 20000, 100000))
	}
	if m.coin(0.6) {
		s.PacketLossPercent = pick(m, 1.0, 5, 10, 30, 100)
	}
	if m.coin(0.3) {
		s.MaxConnections = 1 + m.IntN(4)
	}
	if m.coin(0.5) {
		s.ConnectionTimeout = new(m.of(500))
	}
	return s
}

func (m maker) grpc() *injector.GRPC {
	g := &injector.GRPC{Sampling: m.sampling()}
	if m.coin(0.7) {
		g.StatusCodes, g.Probability = pick(m, nil, []string{"8"}, []string{"ABORTED", "INTERNAL", "5"}), m.low()
	}
	if m.coin(0.3) {
		g.Delay = new(m.of(200))
	}
	if m.coin(0.5) {
		g.StreamInterruptionProbability = m.p()
		g.InterruptAfterMessages = pick(m, [2]int{}, [2]int{1, 1}, [2]int{2, 6})
		g.InterruptionStatus = pick(m, "", "reset", "ABORTED")
	}
	if m.coin(0.3) {
		g.Exclude = pick(m, []string{"health"}, []string{"/matrix.Desk/Chat"})
	}
	return g
}

func (m maker) websocket() *injector.WebSocket {
	w := &injector.WebSocket{Sampling: m.sampling(), Direction: pick(m, "", injector.FromClient, injector.FromUpstream), ControlFrames: m.coin(0.3)}
	if m.coin(0.5) {
		w.CloseCodes, w.Probability, w.CloseAfterMessages = pick(m, nil, []int{1001, 3000}), m.p(), pick(m, [2]int{}, [2]int{2, 10})
	}
	if m.coin(0.5) {
		w.MessageDropProbability = m.low()
	}
	if m.coin(0.5) {
		w.MessageCorruptionProbability = m.low()
	}
	if m.coin(0.5) {
		w.MessageTruncationProbability = m.low()
	}
	if m.coin(0.5) {
		w.MessageDelay, w.MessageDelayProbability = new(m.of(100)), m.p()
	}
	return w
}

func (m maker) graphql() *injector.GraphQL {
	g := &injector.GraphQL{Sampling: m.sampling()}
	if m.coin(0.6) {
		g.ErrorCodes, g.Probability = pick(m, nil, []string{"A", "B"}), m.low()
	}
	if m.coin(0.6) {
		g.PartialDataProbability = m.p()
		if m.coin(0.5) {
			g.PartialDataPaths = pick(m, []string{"cart.items.*.price"}, []string{"cart", "user.name"})
		}
	}
	if m.coin(0.4) {
		g.ResolverLatency = new(true)
		if m.coin(0.5) {
			g.ResolverDelay = new(m.of(50))
		}
	}
	if m.coin(0.3) {
		g.Operations = pick(m, []string{"Cart"}, []string{"A*"})
	}
	if m.coin(0.2) {
		g.OperationTypes = []string{"query"}
	}
	return g
}

func (m maker) tcp() *injector.TCP {
	t := &injector.TCP{}
	used := map[string]bool{}
	for range 1 + m.IntN(4) {
		x := injector.Toxic{Type: pick(m, injector.ToxicLatency, injector.ToxicLatency, injector.ToxicBandwidth, injector.ToxicLoss, injector.ToxicSlowClose, injector.ToxicTimeout, injector.ToxicReset,
			injector.ToxicClose, injector.ToxicSlicer, injector.ToxicLimitData, injector.ToxicRefuse, injector.ToxicDown), Sampling: m.sampling()}
		if x.Type != injector.ToxicRefuse && x.Type != injector.ToxicDown {
			x.Stream = pick(m, injector.Upstream, injector.Downstream)
		}
		if m.coin(0.7) {
			x.Toxicity = m.p()
		}
		if x.Type == injector.ToxicRefuse || x.Type == injector.ToxicDown {
			x.Toxicity = m.low()
		}
		key := fmt.Sprint(x.Type, x.Stream)
		if used[key] {
			continue
		}
		used[key] = true
		a := &x.Attributes
		switch x.Type {
		case injector.ToxicLatency:
			a.Latency, a.Jitter = m.of(100), m.of(50)
		case injector.ToxicBandwidth:
			a.Rate = int64(pick(m, 1, 5, 50))
		case injector.ToxicLoss:
			a.Percent = pick(m, 1.0, 10, 30, 100)
		case injector.ToxicSlowClose:
			a.Delay = m.of(100)
		case injector.ToxicTimeout, injector.ToxicReset, injector.ToxicClose:
			a.Timeout = pick(m, 0, m.of(200), m.of(600))
		case injector.ToxicSlicer:
			a.AverageSize, a.SizeVariation, a.Delay = int64(2+m.IntN(20)), int64(m.IntN(2)), time.Duration(m.IntN(3000))*time.Microsecond
		case injector.ToxicLimitData:
			a.Bytes = int64(m.IntN(300))
		}
		switch x.Type {
		case injector.ToxicLatency, injector.ToxicTimeout, injector.ToxicReset, injector.ToxicClose:
			if m.coin(0.4) {
				x.Per, x.Protocol = injector.PerMessage, pick(m, "lines", "lines", "redis", "kafka")
			}
		}
		t.Toxics = append(t.Toxics, x)
	}
	return t
}

func (m maker) config() *injector.Config {
	c := &injector.Config{}
	const often = 0.3
	if m.coin(often) {
		c.Latency = m.latency()
	}
	if m.coin(0.45) {
		c.FaultInjection = m.faults()
	}
	if m.coin(0.15) {
		c.RateLimit = &injector.RateLimit{RequestsPerSecond: float64(5 + m.IntN(60)), BurstSize: 1 + m.IntN(10), PerIP: m.coin(0.2), PerEndpoint: m.coin(0.3)}
	}
	if m.coin(often) {
		c.TrafficShaping = m.shaping()
	}
	if m.coin(0.2) {
		c.CircuitBreaker = &injector.CircuitBreaker{FailureThreshold: 1 + m.IntN(4), SuccessThreshold: 1 + m.IntN(2), Timeout: m.of(300), HalfOpenMaxRequests: 1 + m.IntN(2), RollingWindow: m.of(1000)}
	}
	if m.coin(0.2) {
		c.Bulkhead = &injector.Bulkhead{MaxConcurrentRequests: 1 + m.IntN(5), MaxQueueSize: new(m.IntN(4)), QueueTimeout: new(m.of(300))}
	}
	if m.coin(often) {
		c.GRPC = m.grpc()
	}
	if m.coin(often) {
		c.WebSocket = m.websocket()
	}
	if m.coin(often) {
		c.GraphQL = m.graphql()
	}
	if m.coin(0.5) {
		c.TCP = m.tcp()
	}
	return c
}

var stormTargets = []string{"web", "calls", "feed", "graph", "cache"}

// storm is a random orchestration over every kind of target.
func storm(seed uint64) orchestrator.Orchestration {
	m := maker{rand.New(rand.NewPCG(seed, 77))}
	o := orchestrator.Orchestration{Name: fmt.Sprint("storm ", seed), Targets: map[string]orchestrator.Target{}, Parallel: m.coin(0.4)}
	for _, t := range stormTargets {
		o.Targets[t] = orchestrator.Target{}
	}
	o.Targets["cache"] = orchestrator.Target{Kind: orchestrator.TCP}
	if m.coin(0.3) {
		o.Loop, o.MaxIterations = true, 2
	}
	for i := range 1 + m.IntN(3) {
		s := orchestrator.Step{Name: fmt.Sprint("s", i), Duration: time.Second + m.of(1500)}
		if m.coin(0.4) {
			s.DelayBefore = m.of(400)
		}
		if m.coin(0.9) {
			s.Scenario.Config = m.config()
		}
		if m.coin(0.4) {
			for _, t := range stormTargets {
				if m.coin(0.6) {
					s.Targets = append(s.Targets, t)
				}
			}
		}
		s.Keep = m.coin(0.15)
		o.Steps = append(o.Steps, s)
	}
	return o
}
