package injector

// draws are the counts of every rule of a layer that samples.
func (l *layer) draws() []Draw {
	var out []Draw
	add := func(kind string, s *sampler, requests uint64) {
		if s != nil {
			out = append(out, Draw{
				Kind: kind, Probability: s.probability, Sampling: s.sampling,
				Requests: requests, Injected: s.injected.Load(), Masked: s.masked.Load(),
			})
		}
	}
	if r := l.loss; r != nil {
		out = append(out, r.draws())
	}
	if r := l.latency; r != nil && !r.times.ramps() { // a ramp has no one rate to compare with
		add(KindLatency, r.hits, r.count.n.Load())
	}
	if r := l.faults; r != nil && !r.times.ramps() {
		n := r.count.n.Load()
		if r.pattern == nil || r.pattern.codes != nil { // a burst has no rate to compare with
			add(KindHTTPError, r.httpCounts, n)
		}
		add(KindConnectionError, r.connection, n)
		add(KindTimeout, r.timeout, n)
		add(KindPartialResponse, r.partial, n)
		add(KindPayloadCorruption, r.corruption, n)
		add(KindChunkedDribble, r.dribble, n)
		add(KindResponseRewrite, r.rewrite, n)
	}
	if r := l.grpc; r != nil {
		n := r.count.n.Load()
		add(KindGRPCStatus, r.status, n)
		add(KindStreamInterruption, r.interruption, n)
	}
	if r := l.graphql; r != nil {
		n := r.count.n.Load()
		add(KindGraphQLError, r.errors, n)
		add(KindPartialData, r.partial, n-min(n, r.sent.Load()))
		if results := r.results.n.Load(); results > 0 {
			last := &out[len(out)-1] // results are counted where partial data are drawn
			last.Requests += results
			last.Injected += r.partialResults.injected.Load()
			last.Rules = 2
		}
	}
	for _, r := range l.toxics {
		out = append(out, r.draws())
	}
	if r := l.websocket; r != nil {
		out = append(out, r.draws()...)
	}
	return out
}

// draws counts both directions. In a partition the way up is all there is.
func (r *lossRule) draws() Draw {
	d := Draw{
		Kind: KindPacketLoss, Probability: r.up.probability, Sampling: r.up.sampling,
		Requests: r.ups.n.Load(), Injected: r.up.injected.Load(),
	}
	if !r.partition {
		d.Requests += r.downs.n.Load()
		d.Injected += r.down.injected.Load()
		d.Rules = 2
	}
	return d
}
