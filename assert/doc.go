// Package assert says what should hold while things go wrong.
//
//	step.Expect(assert.ErrorRate().AtMost(0.01), assert.P99().AtMost(800*time.Millisecond))
//
// An [Expectation] is a plain value. It is written in Go, as above, or as text,
// which documents use and [Parse] reads; its String gives the text:
//
//	error_rate <= 1%                        the caller's view, after retries and fallbacks
//	p50|p90|p95|p99|p99.9|mean|max <= 800ms
//	throughput >= 45/s
//	operations >= 1000
//	attempts_per_operation <= 1.5
//	server.requests >= 100                  the chaos server's view
//	server.error_rate <= 12%
//	injected.http_error ~ 10%               a percentage is a ratio
//	injected.latency >= 1                   a bare number is a count
//	circuit_breaker.payments is open        also: becomes open, becomes open within 3s,
//	                                        never open, stays closed
//	state.leader is node-1                  the same for what is not a breaker
//	recovers within 20s
//	all(a; b)   any(a; b)   not(a)
//
// Operators are <= >= < > == ~ and "between A and B". Durations are written
// 800ms, 1.5s, 1m30s, 2h or 20µs. A name that is not one word is quoted. A state
// takes client. or server. in front to choose whose it is. A stop condition may
// end in "over 30s", the length of the window that it is judged on.
//
// # What passes
//
// A check passes, fails, or is inconclusive, which never counts as passed.
//
//   - Nothing passes on zero samples: a ratio, a latency, a rate or a recovery of
//     nothing is inconclusive. A plain count of 0 is a result.
//   - In virtual time, where a run repeats exactly, ratios are compared as they
//     are, and latencies after an allowance of 20 µs for each request of the
//     operation, which is by how much a response may be moved.
//   - In real time a ratio that misses its bound fails. One that holds is
//     inconclusive when the sample is so small that it would probably hold at the
//     bound too: "<= p" needs n operations with (1-p)^n <= 5 %, 299 for 1 %, and
//     ">= p" needs p^n <= 5 %. A bound of 0 % or 100 % that allows no miss is
//     decided by every sample.
//   - In real time a quantile needs as many operations as leave one above it:
//     100 for p99.
//   - "~" compares with what exact sampling plans where a fault was sampled so in
//     virtual time. Otherwise it is an exact binomial test: it fails at 1e-9
//     (two-sided), warns at 1e-3, and is inconclusive where no count at all would
//     fail.
//   - all fails when one member fails, any passes when one passes; not turns pass
//     and fail around. What is inconclusive stays inconclusive unless another
//     member decides.
//
// A [Collector] records what happens, and its [Results] are what expectations
// are checked on. Nothing here knows a testing.T, reads a clock or does I/O.
package assert
