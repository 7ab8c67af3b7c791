package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// plainEvery is how many seconds of a run pass at most without a line.
const plainEvery = 10

// plainProgress follows a run in lines, for logs: one when the steps in force
// change, one for each step that ends, and one every ten seconds.
type plainProgress struct {
	w       io.Writer
	begun   bool
	current string
	ended   int
	at      float64 // elapsed at the last line
	pace    pace
}

func (p *plainProgress) report(r orchestrator.Report) {
	now := p.pace.add(r)
	for _, s := range p.fresh(r) {
		p.line(r, "%s %s%s", oneLine(s.Name), outcome(s), because(s.Reason))
	}
	current := ""
	if len(r.Current) > 0 {
		current = list(r.Current)
	}
	position := fmt.Sprint(r.Iteration, current)
	switch {
	case r.State.Ended():
		return // the verdict follows
	case p.begun && position == p.current && r.Elapsed < p.at+plainEvery:
		return
	}
	p.begun, p.current = true, position
	var parts []string
	if r.Iterations != 1 {
		parts = append(parts, "iteration "+iteration(r))
	}
	if current == "" {
		current = "between steps"
	}
	parts = append(parts, current)
	parts = append(parts, activity(r, now)...)
	p.line(r, "%s", strings.Join(parts, " · "))
}

// fresh are the steps that ended since the last report.
func (p *plainProgress) fresh(r orchestrator.Report) []orchestrator.StepReport {
	var ended []orchestrator.StepReport
	for _, s := range r.Steps {
		if s.State != orchestrator.StepRunning {
			ended = append(ended, s)
		}
	}
	// The report of a long loop leaves its first steps out.
	before := max(0, p.ended-r.Dropped)
	p.ended = r.Dropped + len(ended)
	return ended[min(before, len(ended)):]
}

func (p *plainProgress) line(r orchestrator.Report, format string, args ...any) {
	p.at = r.Elapsed
	fmt.Fprintf(p.w, "[%6s %3.0f%%] %s\n", seconds(r.Elapsed), 100*r.Progress, fmt.Sprintf(format, args...))
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + oneLine(reason)
}

// activity is what happens now; nothing where nothing was seen.
func activity(r orchestrator.Report, now rates) (parts []string) {
	if r.Counts.Operations > 0 && now.known {
		parts = append(parts, fmt.Sprintf("operations %s, %s failed, p99 %s", perSecond(now.operations), percentage(now.failed), milliseconds(r.Counts.P99)))
	}
	if r.Counts.Requests > 0 && now.known {
		parts = append(parts, fmt.Sprintf("requests %s, %s errors", perSecond(now.requests), percentage(now.errors)))
	}
	if states := breakers(r.Breakers); states != "" {
		parts = append(parts, "breakers: "+states)
	}
	return parts
}
