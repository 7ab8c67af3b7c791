package chaostest

import (
	"fmt"
	"strings"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// describe is the text of a check that did not hold: what was found and what
// was wanted, then the evidence.
func describe(c orchestrator.Check) string {
	v := c.Verdict
	var b strings.Builder
	fmt.Fprintf(&b, "%s = %s, want %s", v.Subject, v.Got, v.Want)
	if v.Status == assert.Inconclusive {
		b.WriteString(" (inconclusive)")
	}
	for _, line := range v.Detail {
		b.WriteString("\n    " + line)
	}
	if ascii() {
		return toASCII.Replace(b.String())
	}
	return b.String()
}

// toASCII replaces what some terminals and logs cannot show.
var toASCII = strings.NewReplacer(
	"▁", ".", "▂", ":", "▃", "-", "▄", "=", "▅", "+", "▆", "*", "▇", "#", "█", "@",
	"→", "->", "×", "x", "–", "-", "·", "-", "≈", "~", "…", "...", "≤", "<=", "≥", ">=", "µ", "u",
)

// summary says how a step ended, for go test -v and for failures: the verdict,
// then what its client and the chaos server saw.
func summary(res orchestrator.StepResult) string {
	lines := []string{string(res.State)}
	switch {
	case res.State == orchestrator.StepPassed && len(res.Checks) > 0:
		lines[0] += ": " + plural(len(res.Checks), "expectation")
	case res.State == orchestrator.StepPassed || res.State == orchestrator.StepSkipped:
		lines[0] += " (" + res.Reason + ")"
	}
	r := res.Results
	if n := r.Operations(); n > 0 {
		text := fmt.Sprintf("    client   %s, %.3g%% failed, p99 %s", plural(n, "operation"), 100*r.ErrorRate(), brief(r.Quantile(0.99)))
		if attempts := r.AttemptsPerOperation(); attempts > 0 { // clients that dial make none that can be counted
			text += fmt.Sprintf(", %.3g attempts each", attempts)
		}
		if absorbed, visible := r.Absorbed(), r.Visible(); absorbed+visible > 0 {
			text += fmt.Sprintf("; hit by a fault: %d absorbed%s, %d visible", absorbed, absorbers(r), visible)
		}
		lines = append(lines, text)
	}
	if n := r.Requests(); n > 0 || len(r.InjectedKinds()) > 0 { // a connection is counted when it ends
		text := "    server   " + plural(n, "request")
		var faults []string
		for _, kind := range r.InjectedKinds() {
			faults = append(faults, fmt.Sprintf("%s × %d", kind, r.Injected(kind)))
		}
		if len(faults) > 0 {
			text += ", injected " + strings.Join(faults, ", ")
		}
		lines = append(lines, text)
	}
	text := strings.Join(lines, "\n")
	if ascii() {
		return toASCII.Replace(text)
	}
	return text
}

// brief rounds a duration to what virtual time can tell, and to four digits.
func brief(d time.Duration) string {
	d = d.Round(grid)
	unit := time.Duration(1)
	for d/unit >= 10_000 {
		unit *= 10
	}
	return assert.FormatDuration(d.Round(unit))
}

// absorbers says what hid faults from callers: " (retry 12, fallback 3)".
func absorbers(r assert.Results) string {
	var parts []string
	for _, a := range []assert.Absorber{assert.Transport, assert.Retry, assert.Fallback} {
		if n := r.AbsorbedBy(a); n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", a, n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
