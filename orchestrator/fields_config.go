package orchestrator

import "github.com/mockforge-go/mockforge/injector"

func configFields() []field[injector.Config] {
	type config = injector.Config
	return []field[config]{
		{name: "enabled", def: "true where there is a section", doc: "false switches everything off, whatever the sections say.",
			bind: func(c *config) codec { return switched(&c.Enabled) }},
		{name: "latency", doc: "Delays requests.",
			bind: func(c *config) codec { return section(&c.Latency, latencyFields()) }},
		{name: "fault_injection", doc: "Makes requests fail.",
			bind: func(c *config) codec { return section(&c.FaultInjection, faultFields()) }},
		{name: "rate_limit", doc: "Answers 429 above a rate.",
			bind: func(c *config) codec { return section(&c.RateLimit, rateLimitFields()) }},
		{name: "traffic_shaping", doc: "Limits what the connection carries.",
			bind: func(c *config) codec { return section(&c.TrafficShaping, shapingFields()) }},
		{name: "circuit_breaker", doc: "Stands in front of each target and opens after failures.",
			bind: func(c *config) codec { return section(&c.CircuitBreaker, breakerFields()) }},
		{name: "bulkhead", doc: "Limits how many requests of a target are in progress.",
			bind: func(c *config) codec { return section(&c.Bulkhead, bulkheadFields()) }},
		{name: "grpc", doc: "Makes calls of gRPC fail.",
			bind: func(c *config) codec { return section(&c.GRPC, grpcFields()) }},
		{name: "websocket", doc: "Closes WebSocket connections, and loses, changes or delays their messages.",
			bind: func(c *config) codec { return section(&c.WebSocket, websocketFields()) }},
		{name: "graphql", doc: "Makes operations of GraphQL fail.",
			bind: func(c *config) codec { return section(&c.GraphQL, graphqlFields()) }},
		{name: "tcp", doc: "Breaks connections and their bytes, on targets of kind tcp.",
			bind: func(c *config) codec { return section(&c.TCP, tcpFields()) }},
	}
}

func sampling(into *injector.Sampling) codec {
	return word(into, nil, injector.Exact, injector.Bernoulli)
}

const (
	samplingDoc = "exact: as many of every 20 requests as the probability says, at seeded places; bernoulli: a draw for each request."
	enabledDoc  = "A section that is present is on, unless this is false."
)

func latencyFields() []field[injector.Latency] {
	type latency = injector.Latency
	return []field[latency]{
		{name: "enabled", def: "true", doc: enabledDoc,
			bind: func(l *latency) codec { return switched(&l.Enabled) }},
		{name: "fixed_delay_ms", def: "none", doc: "The delay.",
			bind: func(l *latency) codec { return millis(&l.FixedDelay) }},
		{name: "random_delay_range_ms", def: "none", doc: "A delay drawn uniformly, both ends included, where `fixed_delay_ms` is not set.",
			bind: func(l *latency) codec { return span(&l.RandomDelayRange) }},
		{name: "jitter_percent", def: "0", doc: "± of the delay, uniform.",
			bind: func(l *latency) codec { return number(&l.JitterPercent, percent) }},
		{name: "probability", def: "1", doc: "Of delaying a request.",
			bind: func(l *latency) codec { return maybe(&l.Probability, probability) }},
		{name: "distribution", def: "none", doc: "A delay drawn from a distribution, where neither of the above is set.",
			bind: func(l *latency) codec { return section(&l.Distribution, distributionFields()) }},
		{name: "schedule", def: "always", doc: scheduleDoc,
			bind: func(l *latency) codec { return section(&l.Schedule, scheduleFields()) }},
		{name: "sampling", def: string(injector.Exact), doc: samplingDoc,
			bind: func(l *latency) codec { return sampling(&l.Sampling) }},
	}
}

func distributionFields() []field[injector.Distribution] {
	type distribution = injector.Distribution
	return []field[distribution]{
		{name: "type", required: true, doc: "The shape.",
			bind: func(x *distribution) codec {
				return word(&x.Type, nil, "lognormal", "normal", "exponential", "uniform")
			}},
		{name: "median_ms", doc: "lognormal: half of the delays are below.",
			bind: func(x *distribution) codec { return millis(&x.Median) }},
		{name: "sigma", def: "0.5", doc: "lognormal: standard deviation of the logarithm.",
			bind: func(x *distribution) codec { return number(&x.Sigma, limits{0, 10, true}) }},
		{name: "mean_ms", doc: "normal, exponential: the mean.",
			bind: func(x *distribution) codec { return millis(&x.Mean) }},
		{name: "std_dev_ms", doc: "normal: the standard deviation.",
			bind: func(x *distribution) codec { return millis(&x.StdDev) }},
		{name: "min_ms", def: "0", doc: "No delay is below.",
			bind: func(x *distribution) codec { return millis(&x.Min) }},
		{name: "max_ms", def: "none", doc: "No delay is above.",
			bind: func(x *distribution) codec { return millis(&x.Max) }},
	}
}
