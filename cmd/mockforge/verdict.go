package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// verdictError is nil for a run that passed; else it carries the exit code, and
// says nothing more.
func verdictError(state orchestrator.RunState) error {
	switch state {
	case orchestrator.RunCompleted:
		return nil
	case orchestrator.RunInconclusive:
		return &exitError{code: exitInconclusive}
	}
	return &exitError{code: exitFailed}
}

// shownSteps is how many steps a verdict shows; a loop may have many more.
const shownSteps = 50

// writeVerdict says how a run went, step by step, and what did not hold.
func writeVerdict(w io.Writer, r orchestrator.Report) error {
	var b strings.Builder
	b.WriteString(headline(r) + "\n\n")
	steps, left := selectSteps(r)
	loop := slices.ContainsFunc(steps, func(s orchestrator.StepReport) bool { return s.Iteration > 1 })
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	head := "  STEP\tVERDICT\tFROM\tTO\tOPERATIONS\tFAILED\tP99\tREQUESTS\tERRORS"
	if loop {
		head = "  #\tSTEP\tVERDICT\tFROM\tTO\tOPERATIONS\tFAILED\tP99\tREQUESTS\tERRORS"
	}
	fmt.Fprintln(table, head)
	for _, s := range steps {
		row := []string{oneLine(s.Name), verdict(s), seconds(s.Start), seconds(s.End)}
		if loop {
			row = append([]string{fmt.Sprint(s.Iteration)}, row...)
		}
		row = append(row, columns(s.Counts)...)
		fmt.Fprintln(table, "  "+strings.Join(row, "\t"))
	}
	table.Flush() // a strings.Builder never fails
	if left > 0 {
		fmt.Fprintf(&b, "  and %d more\n", left)
	}
	for _, s := range steps {
		title := oneLine(s.Name)
		if loop {
			title = fmt.Sprintf("%s, iteration %d", title, s.Iteration)
		}
		reason := s.Reason
		if unchecked(s) && s.Counts != nil && s.Counts.Requests > 0 {
			reason = "" // the table has it
		}
		writeFindings(&b, title+": "+outcome(s), reason, s.Problems, s.Checks)
	}
	writeFindings(&b, "whole run", "", nil, r.Checks)
	fmt.Fprintf(&b, "\nrequests: %s\ninjected: %s\n", requests(r.Counts), injected(r.Counts.Injected))
	if states := breakers(r.Breakers); states != "" {
		fmt.Fprintf(&b, "circuit breakers: %s\n", states)
	}
	fmt.Fprintf(&b, "run %s, seed %s\n", oneLine(r.ID), oneLine(r.Seed))
	_, err := io.WriteString(w, trimLines(b.String()))
	return err
}

// headline is "checkout failed after 1m3s: step peak_chaos failed".
func headline(r orchestrator.Report) string {
	word := string(r.State)
	switch r.State {
	case orchestrator.RunCompleted:
		word = "passed"
	case orchestrator.RunInconclusive:
		word = "inconclusive"
	}
	line := fmt.Sprintf("%s: %s after %s", oneLine(r.Name), oneLine(word), seconds(r.Elapsed))
	if !r.State.Ended() {
		line = fmt.Sprintf("%s: %s for %s", oneLine(r.Name), oneLine(word), seconds(r.Elapsed))
	}
	reason := strings.TrimPrefix(r.Reason, word+": ") // "stopped: on request"
	if reason != "" {
		line += ": " + oneLine(reason)
	}
	return line
}

// selectSteps are the steps to show: all of them, or those that did not pass
// and the last ones.
func selectSteps(r orchestrator.Report) (shown []orchestrator.StepReport, left int) {
	if len(r.Steps) <= shownSteps {
		return r.Steps, r.Dropped
	}
	quota := shownSteps
	for _, s := range r.Steps {
		if s.State != orchestrator.StepPassed {
			quota--
		}
	}
	passed := 0
	for i := len(r.Steps) - 1; i >= 0 && len(shown) < shownSteps; i-- {
		s := r.Steps[i]
		if s.State == orchestrator.StepPassed {
			if passed >= max(quota, 0) {
				continue
			}
			passed++
		}
		shown = append(shown, s)
	}
	slices.Reverse(shown)
	return shown, len(r.Steps) - len(shown) + r.Dropped
}

// outcome is how a step ended.
func outcome(s orchestrator.StepReport) string {
	word := oneLine(string(s.State))
	if s.Tolerated {
		word += " (tolerated)"
	}
	return word
}

// verdict is an outcome that does not look better than it is.
func verdict(s orchestrator.StepReport) string {
	if unchecked(s) {
		return outcome(s) + " (nothing checked)"
	}
	return outcome(s)
}

// unchecked reports whether a step passed because nothing was expected of it.
func unchecked(s orchestrator.StepReport) bool {
	return s.State == orchestrator.StepPassed && strings.HasPrefix(s.Reason, "nothing checked")
}

func columns(c *orchestrator.CountsReport) []string {
	row := []string{"-", "-", "-", "-", "-"}
	if c == nil {
		return row
	}
	if c.Operations > 0 {
		row[0], row[1], row[2] = fmt.Sprint(c.Operations), percentage(c.ErrorRate), milliseconds(c.P99)
	}
	row[3] = fmt.Sprint(c.Requests)
	if c.Requests > 0 {
		row[4] = percentage(c.ServerErrorRate)
	}
	return row
}

// writeFindings writes what did not hold, got before want; the reason where
// that says no more than the checks do.
func writeFindings(b *strings.Builder, title, reason string, problems []string, checks []orchestrator.CheckReport) {
	var found strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&found, "  %s\n", strings.ReplaceAll(strings.TrimSpace(p), "\n", "\n    "))
	}
	for _, c := range checks {
		if c.Status == "pass" {
			continue
		}
		fmt.Fprintf(&found, "  %s: %s = %s, want %s\n", oneLine(c.Status), oneLine(c.Subject), oneLine(c.Got), oneLine(c.Want))
		for _, d := range c.Detail {
			fmt.Fprintf(&found, "    %s\n", oneLine(d))
		}
	}
	if found.Len() == 0 && reason != "" {
		fmt.Fprintf(&found, "  %s\n", oneLine(reason))
	}
	if found.Len() > 0 {
		fmt.Fprintf(b, "\n%s\n%s", title, found.String())
	}
}

// trimLines takes the spaces off the ends of lines.
func trimLines(s string) string {
	all := strings.Split(s, "\n")
	for i := range all {
		all[i] = strings.TrimRight(all[i], " ")
	}
	return strings.Join(all, "\n")
}
