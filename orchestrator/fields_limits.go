package orchestrator

import "github.com/mockforge-go/mockforge/injector"

func rateLimitFields() []field[injector.RateLimit] {
	type limit = injector.RateLimit
	return []field[limit]{
		{name: "enabled", def: "true", doc: enabledDoc,
			bind: func(r *limit) codec { return switched(&r.Enabled) }},
		{name: "requests_per_second", def: "100", doc: "How fast the bucket fills.",
			bind: func(r *limit) codec { return number(&r.RequestsPerSecond, positive) }},
		{name: "burst_size", def: "10", doc: "How many requests it holds.",
			bind: func(r *limit) codec { return integer(&r.BurstSize, fromOne) }},
		{name: "per_ip", def: "false", doc: "A bucket for each client address.",
			bind: func(r *limit) codec { return flag(&r.PerIP) }},
		{name: "per_endpoint", def: "false", doc: "A bucket for each method and route.",
			bind: func(r *limit) codec { return flag(&r.PerEndpoint) }},
	}
}

func shapingFields() []field[injector.TrafficShaping] {
	type shaping = injector.TrafficShaping
	return []field[shaping]{
		{name: "enabled", def: "true", doc: enabledDoc,
			bind: func(s *shaping) codec { return switched(&s.Enabled) }},
		{name: "bandwidth_limit_bps", def: "0", doc: "Bytes a second, shared by all connections of a target, each direction by itself; 0 is unlimited.",
			bind: func(s *shaping) codec { return integer(&s.BandwidthLimit, notNegative) }},
		{name: "packet_loss_percent", def: "0", doc: "Lost packets, which an application sees as stalls; 100 is a partition.",
			bind: func(s *shaping) codec { return number(&s.PacketLossPercent, percent) }},
		{name: "max_connections", def: "0", doc: "More are refused; 0 is unlimited.",
			bind: func(s *shaping) codec { return integer(&s.MaxConnections, limits{0, fromOne.most, false}) }},
		{name: "connection_timeout_ms", def: "30000", doc: "A stall that is longer ends in a reset.",
			bind: func(s *shaping) codec { return maybeMillis(&s.ConnectionTimeout) }},
		{name: "sampling", def: string(injector.Exact), doc: samplingDoc,
			bind: func(s *shaping) codec { return sampling(&s.Sampling) }},
	}
}

func breakerFields() []field[injector.CircuitBreaker] {
	type breaker = injector.CircuitBreaker
	return []field[breaker]{
		{name: "enabled", def: "true", doc: enabledDoc,
			bind: func(b *breaker) codec { return switched(&b.Enabled) }},
		{name: "failure_threshold", def: "5", doc: "Consecutive failures that open it.",
			bind: func(b *breaker) codec { return integer(&b.FailureThreshold, fromOne) }},
		{name: "success_threshold", def: "2", doc: "Consecutive successes that close it again.",
			bind: func(b *breaker) codec { return integer(&b.SuccessThreshold, fromOne) }},
		{name: "timeout_ms", def: "60000", doc: "From open to half-open.",
			bind: func(b *breaker) codec { return positiveMillis(&b.Timeout) }},
		{name: "half_open_max_requests", def: "3", doc: "Probes at once while half-open.",
			bind: func(b *breaker) codec { return integer(&b.HalfOpenMaxRequests, fromOne) }},
		{name: "failure_rate_threshold", def: "50", doc: "Percent of failures over the rolling window that open it.",
			bind: func(b *breaker) codec { return maybe(&b.FailureRateThreshold, percent) }},
		{name: "min_requests_for_rate", def: "10", doc: "Requests in the window from which the rate counts.",
			bind: func(b *breaker) codec { return integer(&b.MinRequestsForRate, fromOne) }},
		{name: "rolling_window_ms", def: "10000", doc: "The length of the rolling window.",
			bind: func(b *breaker) codec { return positiveMillis(&b.RollingWindow) }},
	}
}

func bulkheadFields() []field[injector.Bulkhead] {
	type bulkhead = injector.Bulkhead
	return []field[bulkhead]{
		{name: "enabled", def: "true", doc: enabledDoc,
			bind: func(b *bulkhead) codec { return switched(&b.Enabled) }},
		{name: "max_concurrent_requests", def: "100", doc: "How many are let through at once.",
			bind: func(b *bulkhead) codec { return integer(&b.MaxConcurrentRequests, fromOne) }},
		{name: "max_queue_size", def: "10", doc: "How many may wait; 0 is none.",
			bind: func(b *bulkhead) codec { return maybeInteger(&b.MaxQueueSize, limits{0, fromOne.most, false}) }},
		{name: "queue_timeout_ms", def: "5000", doc: "How long they wait.",
			bind: func(b *bulkhead) codec { return maybeMillis(&b.QueueTimeout) }},
	}
}
