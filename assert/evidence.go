package assert

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// evidenceLines is how many lines of evidence a verdict has at most.
const evidenceLines = 5

const (
	noOperations = "drive load with step.Every, step.Load or step.Client; 0 operations never pass"
	noRequests   = "no request reached the chaos server; 0 requests never pass"
)

// evidence drops what has nothing to say.
func evidence(lines ...string) []string {
	lines = slices.DeleteFunc(lines, func(s string) bool { return s == "" })
	return lines[:min(len(lines), evidenceLines)]
}

// line puts a label before its text, so that texts align.
func line(label, text string) string { return fmt.Sprintf("%-8s %s", label, text) }

func hintLine(text string) string { return line("hint", text) }

// noDraws says why an injected ratio has no samples.
func noDraws(r Results, kind string) string {
	known := r.tally().faults.known()
	if slices.Contains(known, kind) {
		if r.Requests() == 0 {
			return noRequests
		}
		return fmt.Sprintf("a rule injects %s, and no request met it: look at what it is about, such as its target, matcher, methods, operations or schedule", kind)
	}
	hint := "no request met a fault of kind " + kind
	if len(known) > 0 {
		hint += "; there are rules for " + shortList(known)
	}
	if meant := closest(kind, known); meant != "" {
		hint += fmt.Sprintf("; did you mean %q?", meant)
	}
	return hint
}

// firstLine shows the first operation that failed.
func firstLine(r Results) string {
	op, failed := r.FirstFailure()
	if !failed {
		return ""
	}
	outcome := op.Error
	if op.Status != 0 {
		outcome = fmt.Sprint(op.Status)
	}
	if outcome == "" {
		outcome = "failed"
	}
	return line("first", fmt.Sprintf("%s → %s at %s after %s%s",
		operationText(op), oneLine(outcome), instantText(r, op.At), durationText(r, op.Latency), faultText(op)))
}

// slowestLine shows the operation that took longest.
func slowestLine(r Results) string {
	op, ok := r.Slowest()
	if !ok {
		return ""
	}
	text := fmt.Sprintf("%s at %s took %s", operationText(op), instantText(r, op.At), durationText(r, op.Latency))
	if op.Attempts > 1 {
		text += fmt.Sprintf(" in %d attempts", op.Attempts)
	}
	return line("slowest", text+faultText(op))
}

func operationText(op Operation) string {
	if op.Name == "" {
		return fmt.Sprintf("#%d", op.N)
	}
	return fmt.Sprintf("#%d %s", op.N, oneLine(op.Name))
}

func faultText(op Operation) string {
	if op.Fault == "" {
		return ""
	}
	return " (" + op.Fault + ")"
}

func instantText(r Results, at time.Duration) string {
	if r.Virtual() {
		at = gridded(at)
	}
	return offset(readable(at))
}

// durationText is rounded, in virtual time to its grid.
func durationText(r Results, d time.Duration) string {
	if r.Virtual() {
		d = gridded(d)
	}
	return FormatDuration(readable(d))
}

// oneLine keeps a message of the user's from breaking the evidence.
func oneLine(s string) string {
	const most = 120
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

// injectedLine counts what was injected, by kind, and how many operations met a
// fault and succeeded all the same.
func injectedLine(r Results) string {
	f := r.tally().faults
	var parts []string
	for _, kind := range r.InjectedKinds() {
		parts = append(parts, faultCountText(kind, f.of(kind)))
	}
	switch {
	case len(parts) > 0:
		return line("injected", shortList(parts)+" · "+absorbedText(r))
	case r.Requests() > 0:
		return line("injected", "nothing, in "+plural(r.Requests(), "request"))
	case r.Operations() > 0:
		return line("injected", "nothing: no request reached the chaos server")
	}
	return ""
}

// absorbedText says what hid faults from callers. What is not known to be
// something else is taken for a retry.
func absorbedText(r Results) string {
	transport, fallback := r.AbsorbedBy(Transport), r.AbsorbedBy(Fallback)
	text := fmt.Sprintf("absorbed by retries %d", r.Absorbed()-transport-fallback)
	if transport > 0 {
		text += fmt.Sprintf(", the transport %d", transport)
	}
	if fallback > 0 {
		text += fmt.Sprintf(", fallbacks %d", fallback)
	}
	return text
}

// faultCountText is one kind: http_error 503 × 11, latency 50ms–150ms × 112.
func faultCountText(kind string, c *faultCount) string {
	text := kind
	if len(c.statuses) == 1 {
		for status := range c.statuses {
			text += fmt.Sprintf(" %d", status)
		}
	}
	switch {
	case c.delay == 0:
	case c.shortest == c.delay:
		text += " " + FormatDuration(c.delay)
	default:
		text += " " + FormatDuration(readable(c.shortest)) + "–" + FormatDuration(readable(c.delay))
	}
	text += fmt.Sprintf(" × %d", c.fired)
	if c.masked > 0 {
		text += fmt.Sprintf(" (and %d masked)", c.masked)
	}
	return text
}

// statesLine shows the states of up to three names, the client's first.
func statesLine(r Results) string {
	var parts []string
	for _, side := range []Side{ClientSide, ServerSide} {
		for _, name := range r.StateNames(side) {
			log := r.tally().states[stateKey{side, name}]
			if !log.any {
				continue
			}
			text := stateText(name, log)
			if side == ServerSide {
				text = "server " + text
			}
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	if more := len(parts) - 3; more > 0 {
		parts = append(parts[:3], fmt.Sprintf("%d more", more))
	}
	return line("breaker", strings.Join(parts, " · "))
}

// stateText is the way of one name: payments closed@0s → open@+3s.
func stateText(name string, log *stateLog) string {
	const most = 6
	steps := make([]string, 0, most+1)
	for _, c := range log.changes[:min(len(log.changes), most)] {
		steps = append(steps, c.State+"@"+offset(readable(c.At)))
	}
	if more := len(log.changes) + log.more - len(steps); more > 0 {
		steps = append(steps, fmt.Sprintf("%d more, %s at the end", more, log.last))
	}
	return name + " " + strings.Join(steps, " → ")
}

// shortList joins at most eight names.
func shortList(names []string) string {
	const most = 8
	if more := len(names) - most; more > 0 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}
