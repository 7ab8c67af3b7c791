package assert

import (
	"fmt"
	"strconv"
)

type countKind int

const (
	countOperations countKind = iota
	countRequests
	countInjected
)

// A Count is a number of things. Its methods panic on negative numbers. Where
// there was no operation, or no request, a claim that 0 meets is inconclusive.
// Only operations == 0 and server.requests == 0, or <= 0, are about just that.
type Count struct {
	kind  countKind
	fault string
}

// Operations is how many operations ended.
func Operations() Count { return Count{kind: countOperations} }

// Requests is how many requests the chaos server saw end.
func Requests() Count { return Count{kind: countRequests} }

// InjectedCount is how often a fault of a kind ("latency") fired.
func InjectedCount(fault string) Count { return Count{countInjected, fault} }

// AtMost claims n or fewer.
func (c Count) AtMost(n int) Expectation { return c.claim(atMost, n, 0) }

// AtLeast claims n or more.
func (c Count) AtLeast(n int) Expectation { return c.claim(atLeast, n, 0) }

// Below claims fewer than n.
func (c Count) Below(n int) Expectation { return c.claim(below, n, 0) }

// Above claims more than n.
func (c Count) Above(n int) Expectation { return c.claim(above, n, 0) }

// Equal claims exactly n.
func (c Count) Equal(n int) Expectation { return c.claim(equal, n, 0) }

// Between claims a to b, both included.
func (c Count) Between(a, b int) Expectation { return c.claim(between, a, b) }

func (c Count) claim(op operator, a, b int) Expectation {
	for _, n := range []int{a, b} {
		if n < 0 {
			panic(fmt.Sprintf("assert: %s is compared with %d; a count is not negative", c.text(), n))
		}
	}
	mustOrder(op, c.text(), a, b)
	return countClaim{c, limit[int]{op, a, b}}
}

func (c Count) text() string {
	switch c.kind {
	case countRequests:
		return "server.requests"
	case countInjected:
		return "injected." + nameText(c.fault)
	}
	return "operations"
}

type countClaim struct {
	of    Count
	limit limit[int]
}

func (c countClaim) String() string { return c.of.text() + " " + c.limit.text(strconv.Itoa) }

func (c countClaim) Check(r Results) Verdict {
	v := Verdict{Want: c.limit.text(strconv.Itoa)}
	var n int
	switch c.of.kind {
	case countRequests:
		v.Subject, n = "server requests", r.Requests()
		v.Got = strconv.Itoa(n)
	case countInjected:
		v.Subject, n = "injected "+c.of.fault, r.Injected(c.of.fault)
		v.Got = c.injectedGot(r, n)
	default:
		v.Subject, n = "client operations", r.Operations()
		v.Got = strconv.Itoa(n)
	}
	switch {
	case !c.limit.holds(n, n):
		v.Status = Fail
	case c.vacuous(r):
		v.Status = Inconclusive
	default:
		return v
	}
	v.Detail = c.evidence(r)
	return v
}

// vacuous reports whether nothing happened that could have been counted, and
// the claim is not just that: that there is not even one.
func (c countClaim) vacuous(r Results) bool {
	switch c.of.kind {
	case countInjected:
		return r.Requests() == 0 && len(r.Draws(c.of.fault)) == 0 && r.Injected(c.of.fault)+r.Masked(c.of.fault) == 0
	case countRequests:
		return r.Requests() == 0 && c.limit.holds(1, 1)
	}
	return r.Operations() == 0 && c.limit.holds(1, 1)
}

func (c countClaim) injectedGot(r Results, n int) string {
	drawn := 0
	for _, d := range r.Draws(c.of.fault) {
		drawn += d.Requests
	}
	masked := ""
	if m := r.Masked(c.of.fault); m > 0 {
		masked = fmt.Sprintf(", and %d masked", m)
	}
	if drawn == 0 && n > 0 && r.Requests() == 0 {
		return strconv.Itoa(n) + masked // in connections that have not ended
	}
	if drawn == 0 {
		return fmt.Sprintf("%d (of %s%s)", n, plural(r.Requests(), "request"), masked)
	}
	return fmt.Sprintf("%d (of %s that met its rule%s)", n, plural(drawn, "request"), masked)
}

func (c countClaim) evidence(r Results) []string {
	switch c.of.kind {
	case countInjected:
		if r.Injected(c.of.fault) == 0 && len(r.Draws(c.of.fault)) == 0 {
			return evidence(hintLine(noDraws(r, c.of.fault)), injectedLine(r))
		}
		return evidence(injectedLine(r))
	case countRequests:
		if r.Requests() == 0 {
			return evidence(hintLine(noRequests))
		}
		return evidence(whenRequests(r), injectedLine(r))
	}
	if r.Operations() == 0 {
		return evidence(hintLine(noOperations))
	}
	return evidence(whenOperations(r), injectedLine(r), statesLine(r))
}

func (c countClaim) on(side Side) (Expectation, error) {
	switch {
	case c.of.kind != countOperations && side == ClientSide:
		return nil, errServerOnly(c.of.text())
	case c.of.kind == countOperations && side == ServerSide:
		return nil, errClientOnly(c.of.text())
	}
	return c, nil
}

func (c countClaim) describe() []Subject {
	return []Subject{{
		Text: c.of.text(), NeedsLoad: c.of.kind == countOperations,
		Side: sideOf(c.of.kind != countOperations), Fault: c.of.fault,
	}}
}
