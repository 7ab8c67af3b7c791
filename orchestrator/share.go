package orchestrator

import (
	"slices"

	"github.com/mockforge-go/mockforge/assert"
)

// ForLeader is the orchestration as a leader is to carry it out, see Follow:
// without the expectations that only this run can judge, since they are about
// operations where the document drives no load, or about a state that is given
// to Watch or Track here.
func (r *Run) ForLeader() Orchestration {
	o := *r.o
	o.Seed = &r.seed
	if o.Loop {
		o.MaxIterations = r.rounds
	}
	theirs := func(list []assert.Expectation, load bool) []assert.Expectation {
		return slices.DeleteFunc(slices.Clone(list), func(e assert.Expectation) bool { return r.ours(e, load) })
	}
	o.Expect = theirs(o.Expect, slices.ContainsFunc(o.Steps, r.o.loaded))
	o.Steps = slices.Clone(o.Steps)
	for i := range o.Steps {
		o.Steps[i].Expect = theirs(o.Steps[i].Expect, r.o.loaded(o.Steps[i]))
	}
	return o
}

// ours reports whether an expectation is this run's to judge. load says whether
// the leader drives any.
func (r *Run) ours(e assert.Expectation, load bool) bool {
	for _, s := range assert.Describe(e) {
		switch {
		case s.Custom, s.NeedsLoad && !load:
			return true
		case s.State != "" && s.Side == assert.ClientSide && !s.AnySide:
			return true
		case s.State != "" && s.AnySide && r.watches(s.State):
			return true
		}
	}
	return false
}

// watches reports whether a state of that name is the user's own.
func (r *Run) watches(name string) bool {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	_, seen := r.watch.last[name]
	return seen || slices.Contains(r.watch.names, name)
}

// shared judges a document's expectations: those that are ours on the results,
// the others as the leader has.
func (r *Run) shared(list []assert.Expectation, load bool, reports []CheckReport, results assert.Results) (checks []Check) {
	for i, e := range list {
		c := Check{Expectation: e, Documented: true, Index: i}
		switch {
		case r.ours(e, load):
			c.Verdict = e.Check(results)
		case len(reports) == 0:
			continue
		default:
			c.Verdict = verdictOf(reports[0])
			reports = reports[1:]
		}
		checks = append(checks, c)
	}
	return checks
}

func verdictOf(c CheckReport) assert.Verdict {
	v := assert.Verdict{Status: assert.Inconclusive, Subject: c.Subject, Got: c.Got, Want: c.Want, Detail: c.Detail}
	for _, s := range []assert.Status{assert.Pass, assert.Fail} {
		if c.Status == s.String() {
			v.Status = s
		}
	}
	return v
}
