package assert

import (
	"fmt"
	"math"
)

// A Rate is a number of operations a second. Its methods panic on negative
// numbers.
type Rate struct{}

// Throughput is how many operations ended, failed ones included, for each
// second of the step.
func Throughput() Rate { return Rate{} }

// AtMost claims perSecond or fewer.
func (r Rate) AtMost(perSecond float64) Expectation { return r.claim(atMost, perSecond, 0) }

// AtLeast claims perSecond or more.
func (r Rate) AtLeast(perSecond float64) Expectation { return r.claim(atLeast, perSecond, 0) }

// Below claims fewer than perSecond.
func (r Rate) Below(perSecond float64) Expectation { return r.claim(below, perSecond, 0) }

// Above claims more than perSecond.
func (r Rate) Above(perSecond float64) Expectation { return r.claim(above, perSecond, 0) }

// Equal claims exactly perSecond.
func (r Rate) Equal(perSecond float64) Expectation { return r.claim(equal, perSecond, 0) }

// Between claims a rate in [a, b].
func (r Rate) Between(a, b float64) Expectation { return r.claim(between, a, b) }

func (r Rate) claim(op operator, a, b float64) Expectation {
	mustBePlain("throughput", a, b)
	mustOrder(op, "throughput", a, b)
	return rateClaim{limit[float64]{op, a, b}}
}

type rateClaim struct{ limit limit[float64] }

func (c rateClaim) String() string { return "throughput " + c.limit.text(rateText) }

func (c rateClaim) Check(r Results) Verdict {
	v := Verdict{Subject: "client throughput", Want: c.limit.text(rateText)}
	if r.Operations() == 0 {
		return v.unknown("operation", noOperations)
	}
	if r.Duration() <= 0 {
		v = v.unknown("operation", "the step has no length: set duration_seconds")
		v.Got = fmt.Sprintf("unknown (%s in 0s)", plural(r.Operations(), "operation"))
		return v
	}
	got := r.Throughput()
	v.Got = fmt.Sprintf("%s/s (%s in %s)", rounded(got, c.limit.bounds()...), plural(r.Operations(), "operation"), FormatDuration(tidy(r, r.Duration())))
	if !c.limit.holds(got, got) {
		v.Status = Fail
		v.Detail = c.evidence(r)
	}
	return v
}

func (c rateClaim) evidence(r Results) []string {
	return evidence(whenOperations(r), injectedLine(r), statesLine(r))
}

func (c rateClaim) on(side Side) (Expectation, error) { return clientOnly(c, "throughput", side) }

func (c rateClaim) describe() []Subject { return []Subject{{Text: "throughput", NeedsLoad: true}} }

// mustBePlain refuses what cannot be meant, and has no text.
func mustBePlain(subject string, values ...float64) {
	for _, v := range values {
		if !(v >= 0 && v <= math.MaxFloat64) {
			panic(fmt.Sprintf("assert: %s is compared with %v; it is a number from 0 up", subject, v))
		}
	}
}
