package chaostest

import (
	"fmt"
	"strings"

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

// summary is the line that says how a step ended, for go test -v and for
// failures.
func summary(res orchestrator.StepResult) string {
	r := res.Results
	parts := []string{string(res.State)}
	if len(res.Checks) > 0 && res.State == orchestrator.StepPassed {
		parts[0] = fmt.Sprintf("passed: %s", plural(len(res.Checks), "expectation"))
	} else if res.Reason != "" && (res.State == orchestrator.StepPassed || res.State == orchestrator.StepSkipped) {
		parts[0] += " (" + res.Reason + ")"
	}
	if n := r.Operations(); n > 0 {
		parts = append(parts, fmt.Sprintf("%s, %.3g%% failed, p99 %s",
			plural(n, "operation"), 100*r.ErrorRate(), assert.FormatDuration(r.Quantile(0.99).Round(grid))))
	}
	if n := r.Requests(); n > 0 {
		text := plural(n, "request")
		var faults []string
		for _, kind := range r.InjectedKinds() {
			faults = append(faults, fmt.Sprintf("%s × %d", kind, r.Injected(kind)))
		}
		if len(faults) > 0 {
			text += ", injected " + strings.Join(faults, ", ")
		}
		parts = append(parts, text)
	}
	line := strings.Join(parts, "; ")
	if ascii() {
		return toASCII.Replace(line)
	}
	return line
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
