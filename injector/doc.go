// Package injector makes things go wrong on purpose: it delays, refuses, breaks
// and corrupts what passes through an http.Handler, an http.RoundTripper or a
// net.Listener.
//
//	in := injector.New(injector.WithSeed(1))
//	remove := in.Apply(injector.Layer{Name: "peak", Config: injector.Config{
//		Latency:        &injector.Latency{FixedDelay: 200 * time.Millisecond},
//		FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(0.1)},
//	}})
//	defer remove()
//	http.ListenAndServe("127.0.0.1:8080", in.Handler(shop))
//
// # Layers
//
// A Config says what goes wrong; a Layer puts it in force. A request passes
// through every layer in force, in the order in which they were applied, and
// each layer decides by itself: delays add up, the first fault that ends a
// request wins, every limit holds. Within a layer the order is circuit breaker,
// bulkhead, rate limit, connection limit, packet loss, latency, faults, the
// upstream, faults of the response, bandwidth.
//
// All decisions about a request are made when it arrives. Each is a pure
// function of the seed, the layer's name and iteration, the rule, the kind of
// fault, and how many requests the rule saw before; limits, queues and breakers
// add the time and what is in progress. In real time the clock is read only
// where something needs it.
//
// # Responses
//
// A response that a layer made or touched says so: X-Mockforge-Fault and
// X-Mockforge-Step once for each layer that acted, X-Mockforge-Injected-Latency-Ms
// with the sum of their delays.
//
// # Limits of what can be seen and done
//
// A wait ends when the client leaves. net/http notices that only once the
// request's body was read, so bodies of known length up to 64 KiB are read
// ahead (without Expect: 100-continue) when a request has to wait; for others
// see ConnContextKey.
//
// A partial response to HEAD, 204 or 304 has nothing to cut: it passes. A HEAD
// is known in advance and counts as masked.
//
// On HTTP/2 a reset resets the stream, not the connection. A client of net/http
// retries a GET by itself when a connection that it used before is reset or
// closed before the first byte of the response.
package injector
