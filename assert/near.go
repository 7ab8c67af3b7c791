package assert

import (
	"fmt"
	"math"
)

const (
	nearFails    = 1e-9 // how surprising a count must be to fail
	nearWarns    = 1e-3 // … to be remarked on; also the interval's error
	intervalText = "99.9% interval"
)

// checkNear judges k of n against the probability c.limit.a.
func (c ratioClaim) checkNear(r Results, k, n int, v *Verdict) {
	p := c.limit.a
	if least, most, planned := c.plan(r); planned {
		if k < least || k > most {
			v.Status = Fail
			v.detail("plan", "%s for %s at %s", countRange(least, most), plural(n, "request"), percentText(p))
			for _, d := range r.Draws(c.of.fault) {
				if d.Probability != p {
					v.hint("its rule has a probability of %s", percentText(d.Probability))
				}
			}
		}
		return
	}
	lo, hi := clopperPearson(k, n, nearWarns)
	v.Got = fmt.Sprintf("%s; %s %s–%s)", v.Got[:len(v.Got)-1], intervalText, percentNear(lo), percentNear(hi))
	surprise := binomialTwoSided(k, n, p)
	switch {
	case surprise <= nearFails:
		v.Status = Fail
		v.detail("chance", "%.1g of so far from %s, if that were the probability", surprise, percentText(p))
	case n < nearNeeded(p):
		v.Status = Inconclusive
		v.hint("no count out of %d would be far enough from %s to fail: that takes %d", n, percentText(p), nearNeeded(p))
	case surprise <= nearWarns:
		v.detail("warning", "a chance of %.1g of so far from %s; it fails at %.0e", surprise, percentText(p), nearFails)
	}
}

// plan is the range of counts that exact sampling can have planned, where
// everything was sampled so.
func (c ratioClaim) plan(r Results) (least, most int, planned bool) {
	draws := r.Draws(c.of.fault)
	if c.of.kind != injectedRatio || !r.Virtual() || len(draws) == 0 {
		return 0, 0, false
	}
	for _, d := range draws {
		if !d.Exact {
			return 0, 0, false
		}
		l, m := plannedOver(d, c.limit.a)
		least, most = least+l, most+m
	}
	return least, most, true
}

// nearNeeded is the smallest sample of which some count would fail: all hits,
// or none.
func nearNeeded(p float64) int {
	if p <= 0 || p >= 1 {
		return 1
	}
	return int(math.Ceil(math.Log(nearFails/2) / math.Log(math.Min(p, 1-p))))
}

func countRange(least, most int) string {
	if least == most {
		return plural(least, "fault")
	}
	return fmt.Sprintf("%d–%d faults", least, most)
}
