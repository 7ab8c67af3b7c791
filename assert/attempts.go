package assert

import "fmt"

// A Number is a plain number. Its methods panic on negative ones.
type Number struct{}

// AttemptsPerOperation is how many requests an operation cost on average: 1
// where nothing is retried.
func AttemptsPerOperation() Number { return Number{} }

// AtMost claims n or less.
func (m Number) AtMost(n float64) Expectation { return m.claim(atMost, n, 0) }

// AtLeast claims n or more.
func (m Number) AtLeast(n float64) Expectation { return m.claim(atLeast, n, 0) }

// Below claims less than n.
func (m Number) Below(n float64) Expectation { return m.claim(below, n, 0) }

// Above claims more than n.
func (m Number) Above(n float64) Expectation { return m.claim(above, n, 0) }

// Equal claims exactly n.
func (m Number) Equal(n float64) Expectation { return m.claim(equal, n, 0) }

// Between claims a number in [a, b].
func (m Number) Between(a, b float64) Expectation { return m.claim(between, a, b) }

const attemptsText = "attempts_per_operation"

func (m Number) claim(op operator, a, b float64) Expectation {
	mustBePlain(attemptsText, a, b)
	mustOrder(op, attemptsText, a, b)
	return numberClaim{limit[float64]{op, a, b}}
}

type numberClaim struct{ limit limit[float64] }

func (c numberClaim) String() string { return attemptsText + " " + c.limit.text(numberText) }

func (c numberClaim) Check(r Results) Verdict {
	v := Verdict{Subject: "client attempts per operation", Want: c.limit.text(numberText)}
	if r.Operations() == 0 {
		return v.unknown("operation", noOperations)
	}
	v.Got = fmt.Sprintf("%s (%s for %s)", rounded(r.AttemptsPerOperation(), c.limit.bounds()...),
		plural(r.Attempts(), "attempt"), plural(r.Operations(), "operation"))
	if r.Attempts() == 0 && r.Requests() > 0 {
		v.Status = Inconclusive
		v.hint("%s reached the chaos server past the recording client: use the client of step or env", plural(r.Requests(), "request"))
		return v
	}
	if got := r.AttemptsPerOperation(); !c.limit.holds(got, got) {
		v.Status = Fail
		v.Detail = c.evidence(r)
	}
	return v
}

func (c numberClaim) evidence(r Results) []string {
	return evidence(whenErrors(r), injectedLine(r), statesLine(r))
}

func (c numberClaim) on(side Side) (Expectation, error) { return clientOnly(c, attemptsText, side) }

func (c numberClaim) describe() []Subject { return []Subject{{Text: attemptsText, NeedsLoad: true}} }
