package assert

import (
	"fmt"
	"slices"
	"strings"
)

// All claims that every member holds. It fails when one of them fails, and is
// otherwise inconclusive when one of them is. It panics without a member.
func All(e ...Expectation) Expectation {
	mustBeMembers("All", e)
	return allOf{slices.Clone(e)}
}

// Any claims that at least one member holds. Without one it is inconclusive
// when one of them is, and otherwise fails. It panics without a member.
func Any(e ...Expectation) Expectation {
	mustBeMembers("Any", e)
	return anyOf{slices.Clone(e)}
}

// Not claims the opposite of e. What is inconclusive stays so.
func Not(e Expectation) Expectation {
	mustBeMembers("Not", []Expectation{e})
	return notOf{e}
}

func mustBeMembers(of string, members []Expectation) {
	if len(members) == 0 {
		panic(fmt.Sprintf("assert: %s of nothing", of))
	}
	for i, m := range members {
		if m == nil {
			panic(fmt.Sprintf("assert: member %d of %s is nil", i+1, of))
		}
		if _, ok := m.(over); ok {
			panic(fmt.Sprintf("assert: %s: a window belongs around the whole condition: Over(%s(…), window)", m, of))
		}
	}
}

type (
	allOf struct{ members []Expectation }
	anyOf struct{ members []Expectation }
	notOf struct{ of Expectation }
)

func (a allOf) String() string { return "all(" + join(a.members, "; ") + ")" }
func (a anyOf) String() string { return "any(" + join(a.members, "; ") + ")" }
func (n notOf) String() string { return "not(" + n.of.String() + ")" }

func (a allOf) Check(r Results) Verdict {
	verdicts := checkEach(a.members, r)
	for _, status := range []Status{Fail, Inconclusive} {
		decisive := withStatus(verdicts, status)
		if len(decisive) == 0 {
			continue
		}
		v := decisive[0]
		own := v.Detail
		v.Detail = nil
		for _, other := range decisive[1:] {
			v.detail("also", "%s", other)
		}
		v.Detail = evidence(append(v.Detail, own...)...)
		return v
	}
	return Verdict{Subject: fmt.Sprintf("all of %d", len(verdicts)), Got: gots(verdicts), Want: join(a.members, " and ")}
}

func (a anyOf) Check(r Results) Verdict {
	verdicts := checkEach(a.members, r)
	if passed := withStatus(verdicts, Pass); len(passed) > 0 {
		return passed[0]
	}
	v := Verdict{Status: Fail, Subject: fmt.Sprintf("any of %d", len(verdicts)), Got: gots(verdicts), Want: join(a.members, " or ")}
	cause := verdicts[0]
	if unsure := withStatus(verdicts, Inconclusive); len(unsure) > 0 {
		v.Status, cause = Inconclusive, unsure[0]
	}
	v.Detail = cause.Detail
	return v
}

func (n notOf) Check(r Results) Verdict {
	v := n.of.Check(r)
	v.Want = "not " + v.Want
	switch v.Status {
	case Pass:
		v.Status, v.Detail = Fail, evidenceOf(n.of, r)
	case Fail:
		v.Status, v.Detail = Pass, nil
	}
	return v
}

func checkEach(members []Expectation, r Results) []Verdict {
	verdicts := make([]Verdict, len(members))
	for i, m := range members {
		verdicts[i] = m.Check(r)
	}
	return verdicts
}

func withStatus(verdicts []Verdict, status Status) []Verdict {
	var found []Verdict
	for _, v := range verdicts {
		if v.Status == status {
			found = append(found, v)
		}
	}
	return found
}

func gots(verdicts []Verdict) string {
	texts := make([]string, len(verdicts))
	for i, v := range verdicts {
		texts[i] = v.Subject + " " + v.Got
	}
	return strings.Join(texts, ", ")
}

func join(members []Expectation, separator string) string {
	texts := make([]string, len(members))
	for i, m := range members {
		texts[i] = m.String()
	}
	return strings.Join(texts, separator)
}

func (a allOf) on(side Side) (Expectation, error) {
	moved, err := moveEach(a.members, side)
	return allOf{moved}, err
}

func (a anyOf) on(side Side) (Expectation, error) {
	moved, err := moveEach(a.members, side)
	return anyOf{moved}, err
}

func (n notOf) on(side Side) (Expectation, error) {
	moved, err := onSide(side, n.of)
	return notOf{moved}, err
}

func moveEach(members []Expectation, side Side) ([]Expectation, error) {
	moved := make([]Expectation, len(members))
	for i, m := range members {
		var err error
		if moved[i], err = onSide(side, m); err != nil {
			return nil, err
		}
	}
	return moved, nil
}

func (a allOf) describe() []Subject { return describeEach(a.members) }
func (a anyOf) describe() []Subject { return describeEach(a.members) }
func (n notOf) describe() []Subject { return Describe(n.of) }

func describeEach(members []Expectation) []Subject {
	var all []Subject
	for _, m := range members {
		all = append(all, Describe(m)...)
	}
	return all
}

func (a allOf) evidence(r Results) []string { return evidenceOf(a.members[0], r) }
func (a anyOf) evidence(r Results) []string { return evidenceOf(a.members[0], r) }
func (n notOf) evidence(r Results) []string { return evidenceOf(n.of, r) }
