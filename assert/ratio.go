package assert

import (
	"fmt"
	"math"
)

// ratioKind is which ratio it is.
type ratioKind int

const (
	clientErrors ratioKind = iota
	serverErrors
	injectedRatio
)

// A Ratio is a part of a whole, from 0 to 1: 1 % is 0.01. Its methods panic on
// anything outside that range, so that AtMost(5) for 5 % does not pass for ever.
//
// In real time a ratio that holds is inconclusive when the sample is too small
// for it to mean anything: see the package documentation.
type Ratio struct {
	kind  ratioKind
	fault string
}

// ErrorRate is the part of the operations that failed. Server(…) makes it the
// part of the requests that did, as the chaos server saw them.
func ErrorRate() Ratio { return Ratio{kind: clientErrors} }

// Injected is the part of the requests that met the rule of a fault kind
// ("http_error") for which the fault fired or was masked by an earlier one. For
// a kind that is not drawn, such as rate_limit, it is the part of all requests.
func Injected(fault string) Ratio { return Ratio{injectedRatio, fault} }

// AtMost claims that the ratio is p or less.
func (r Ratio) AtMost(p float64) Expectation { return r.claim(atMost, p, 0) }

// AtLeast claims that the ratio is p or more.
func (r Ratio) AtLeast(p float64) Expectation { return r.claim(atLeast, p, 0) }

// Below claims that the ratio is less than p.
func (r Ratio) Below(p float64) Expectation { return r.claim(below, p, 0) }

// Above claims that the ratio is more than p.
func (r Ratio) Above(p float64) Expectation { return r.claim(above, p, 0) }

// Equal claims that the ratio is exactly p; see Near.
func (r Ratio) Equal(p float64) Expectation { return r.claim(equal, p, 0) }

// Between claims that the ratio is in [a, b].
func (r Ratio) Between(a, b float64) Expectation { return r.claim(between, a, b) }

// Near claims that p is the probability behind the ratio. For a fault under
// exact sampling in virtual time the count must be one that can be planned for
// p. Otherwise it is an exact binomial test, which fails at 1e-9 (two-sided)
// and warns at 1e-3.
func (r Ratio) Near(p float64) Expectation { return r.claim(near, p, 0) }

func (r Ratio) claim(op operator, a, b float64) Expectation {
	for _, p := range []float64{a, b} {
		if !(p >= 0 && p <= 1) {
			panic(fmt.Sprintf("assert: %s is compared with %v; a ratio is between 0 and 1, and 5%% is 0.05", r.text(), p))
		}
	}
	mustOrder(op, r.text(), a, b)
	return ratioClaim{r, limit[float64]{op, a, b}}
}

func (r Ratio) text() string {
	switch r.kind {
	case serverErrors:
		return "server.error_rate"
	case injectedRatio:
		return "injected." + nameText(r.fault)
	}
	return "error_rate"
}

// count returns the ratio as k of n things.
func (r Ratio) count(results Results) (k, n int, thing string) {
	switch r.kind {
	case serverErrors:
		return results.ServerErrors(), results.Requests(), "request"
	case injectedRatio:
		k = results.Injected(r.fault) + results.Masked(r.fault)
		for _, d := range results.Draws(r.fault) {
			n += d.Requests
		}
		if n == 0 && k > 0 {
			n = results.Requests()
		}
		return min(k, n), n, "request"
	}
	return results.Failed(), results.Operations(), "operation"
}

type ratioClaim struct {
	of    Ratio
	limit limit[float64]
}

func (c ratioClaim) String() string { return c.of.text() + " " + c.limit.text(percentText) }

func (c ratioClaim) Check(r Results) Verdict {
	k, n, thing := c.of.count(r)
	v := Verdict{Subject: c.subject(), Want: c.limit.text(percentText)}
	if n == 0 {
		return v.unknown(thing, c.hint(r))
	}
	p := ratio(k, n)
	v.Got = fmt.Sprintf("%s (%s%d of %s)", percentNear(p, c.limit.bounds()...), c.masked(r), k, plural(n, thing))
	switch {
	case c.limit.op == near:
		c.checkNear(r, k, n, &v)
	case !c.limit.holds(p, p):
		v.Status = Fail
	case !r.Virtual() && n < c.needed():
		v.Status = Inconclusive
		v.hint("%s cannot show that it is %s: that takes %d (95 %% confidence)", plural(n, thing), v.Want, c.needed())
	}
	if v.Status == Fail {
		v.Detail = append(v.Detail, c.evidence(r)...)
	}
	return v
}

// needed is how many samples a ratio must hold for in real time: so many that
// the bound itself would have shown a miss with 95 % confidence. A bound that
// leaves no room (<= 0%, >= 100%) is decided by every single sample, and is
// refuted by the first miss; it needs one.
func (c ratioClaim) needed() int {
	const miss = 0.05
	upper, lower := 1.0, 0.0
	switch c.limit.op {
	case atMost, below:
		upper = c.limit.a
	case atLeast, above:
		lower = c.limit.a
	case between:
		lower, upper = c.limit.a, c.limit.b
	}
	need := 1
	if upper > 0 && upper < 1 {
		need = max(need, int(math.Ceil(math.Log(miss)/math.Log1p(-upper))))
	}
	if lower > 0 && lower < 1 {
		need = max(need, int(math.Ceil(math.Log(miss)/math.Log(lower))))
	}
	return need
}

func (c ratioClaim) subject() string {
	switch c.of.kind {
	case serverErrors:
		return "server error rate"
	case injectedRatio:
		return "injected " + c.of.fault
	}
	return "client error rate"
}

// masked says how many of an injected ratio's hits nobody could see.
func (c ratioClaim) masked(r Results) string {
	if m := r.Masked(c.of.fault); c.of.kind == injectedRatio && m > 0 {
		return fmt.Sprintf("%d fired and %d masked, ", r.Injected(c.of.fault), m)
	}
	return ""
}

func (c ratioClaim) hint(r Results) string {
	switch c.of.kind {
	case serverErrors:
		return noRequests
	case injectedRatio:
		return noDraws(r, c.of.fault)
	}
	return noOperations
}

func (c ratioClaim) evidence(r Results) []string {
	switch c.of.kind {
	case serverErrors:
		return evidence(whenServerErrors(r), injectedLine(r), statesLine(r))
	case injectedRatio:
		return evidence(injectedLine(r))
	}
	return evidence(whenErrors(r), firstLine(r), injectedLine(r), statesLine(r))
}

func (c ratioClaim) on(side Side) (Expectation, error) {
	switch {
	case c.of.kind == injectedRatio && side == ClientSide:
		return nil, errServerOnly(c.of.text())
	case c.of.kind == clientErrors && side == ServerSide:
		c.of.kind = serverErrors
	case c.of.kind == serverErrors && side == ClientSide:
		c.of.kind = clientErrors
	}
	return c, nil
}

func (c ratioClaim) describe() []Subject {
	return []Subject{{
		Text: c.of.text(), NeedsLoad: c.of.kind == clientErrors, Side: sideOf(c.of.kind != clientErrors), Fault: c.of.fault,
	}}
}
