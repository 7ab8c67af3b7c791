package assert

import (
	"fmt"
	"time"
)

// requestAllowance is by how much a response may be late, or early, in virtual
// time, where each leaves at an instant of its own. A latency is given so much
// for each of the operation's requests before it is compared, and an instant
// (becomes, recovers) once.
const requestAllowance = 20 * time.Microsecond

type latencyKind int

const (
	latencyQuantile latencyKind = iota
	latencyMean
	latencyMax
)

// A Quantile is a figure of the latencies of all operations, failed ones
// included. Its methods panic on negative durations.
//
// In virtual time 20 µs for each request of the operation are allowed for
// before comparing. In real time a quantile needs as many operations as leave
// one above it, 100 for p99, and is inconclusive with fewer.
type Quantile struct {
	kind latencyKind
	q    float64
}

// P50 is the median latency.
func P50() Quantile { return Latency(0.5) }

// P90 is the latency that 90 % of the operations did not exceed.
func P90() Quantile { return Latency(0.9) }

// P95 is the latency that 95 % of the operations did not exceed.
func P95() Quantile { return Latency(0.95) }

// P99 is the latency that 99 % of the operations did not exceed.
func P99() Quantile { return Latency(0.99) }

// Latency is the latency that the part q of the operations did not exceed:
// 0.999 for p99.9. It panics unless q is between 0 and 1, both excluded.
func Latency(q float64) Quantile {
	if !(q > 0 && q < 1) {
		panic(fmt.Sprintf("assert: Latency(%v): q is between 0 and 1, 0.99 for p99; see Max", q))
	}
	return Quantile{latencyQuantile, q}
}

// Max is the longest latency.
func Max() Quantile { return Quantile{kind: latencyMax} }

// Mean is the mean latency.
func Mean() Quantile { return Quantile{kind: latencyMean} }

// AtMost claims d or less.
func (q Quantile) AtMost(d time.Duration) Expectation { return q.claim(atMost, d, 0) }

// AtLeast claims d or more.
func (q Quantile) AtLeast(d time.Duration) Expectation { return q.claim(atLeast, d, 0) }

// Below claims less than d.
func (q Quantile) Below(d time.Duration) Expectation { return q.claim(below, d, 0) }

// Above claims more than d.
func (q Quantile) Above(d time.Duration) Expectation { return q.claim(above, d, 0) }

// Equal claims exactly d, but for the allowance in virtual time.
func (q Quantile) Equal(d time.Duration) Expectation { return q.claim(equal, d, 0) }

// Between claims a latency in [a, b].
func (q Quantile) Between(a, b time.Duration) Expectation { return q.claim(between, a, b) }

func (q Quantile) claim(op operator, a, b time.Duration) Expectation {
	if a < 0 || b < 0 {
		panic(fmt.Sprintf("assert: %s is compared with %v; a latency is not negative", q.text(), min(a, b)))
	}
	mustOrder(op, q.text(), a, b)
	return latencyClaim{q, limit[time.Duration]{op, a, b}}
}

func (q Quantile) text() string {
	switch q.kind {
	case latencyMean:
		return "mean"
	case latencyMax:
		return "max"
	}
	return "p" + hundredfold(q.q)
}

// measure returns the figure and the requests that it may owe allowance for.
func (q Quantile) measure(r Results) (d time.Duration, requests float64) {
	s := &r.t.latencies
	switch q.kind {
	case latencyMean:
		return s.mean(), ratio(s.attempts, s.n)
	case latencyMax:
		return s.most, float64(s.mostAttempts)
	}
	found := s.quantile(q.q)
	return found.latency, float64(found.attempts)
}

type latencyClaim struct {
	of    Quantile
	limit limit[time.Duration]
}

func (c latencyClaim) String() string { return c.of.text() + " " + c.limit.text(FormatDuration) }

func (c latencyClaim) Check(r Results) Verdict {
	v := Verdict{Subject: "client " + c.of.text(), Want: c.limit.text(FormatDuration)}
	n := r.Operations()
	if n == 0 {
		return v.unknown("operation", noOperations)
	}
	got, requests := c.of.measure(r)
	shown, allowance := got, time.Duration(0)
	if r.Virtual() {
		allowance = time.Duration(requests * float64(requestAllowance))
	} else {
		shown = readable(got, c.limit.bounds()...)
	}
	v.Got = fmt.Sprintf("%s (%s)", FormatDuration(shown), plural(n, "operation"))
	if c.of.kind == latencyQuantile && r.Approximate() {
		v.Got = "≈" + v.Got
	}
	if need := samplesNeeded(c.of.q); c.of.kind == latencyQuantile && !r.Virtual() && n < need {
		v.Status = Inconclusive
		v.hint("%s in real time needs %d operations; there were %d", c.of.text(), need, n)
		return v
	}
	if !c.limit.holds(got-allowance, got+allowance) {
		v.Status = Fail
		v.Detail = c.evidence(r)
	}
	return v
}

func (c latencyClaim) evidence(r Results) []string {
	return evidence(whenLatency(r, c.of.kind == latencyMean), slowestLine(r), injectedLine(r), statesLine(r))
}

func (c latencyClaim) on(side Side) (Expectation, error) { return clientOnly(c, c.of.text(), side) }

func (c latencyClaim) describe() []Subject { return []Subject{{Text: c.of.text(), NeedsLoad: true}} }
