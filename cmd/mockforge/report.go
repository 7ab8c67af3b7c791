package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// A report is what validate has to say, in the shape of its JSON.
type report struct {
	File        string                 `json:"file"`
	Valid       bool                   `json:"valid"`
	Name        string                 `json:"name,omitempty"`
	Description string                 `json:"description,omitempty"`
	Parallel    bool                   `json:"parallel"`
	Iterations  int                    `json:"iterations"` // 0: endless
	Endless     bool                   `json:"endless"`
	Seconds     float64                `json:"duration_seconds"` // of the run; endless: of one iteration
	Steps       []reportStep           `json:"steps,omitempty"`
	Problems    []orchestrator.Problem `json:"problems"`
	Warnings    []orchestrator.Problem `json:"warnings"`

	duration time.Duration
}

type reportStep struct {
	Name     string        `json:"name"`
	Start    float64       `json:"start_seconds"`
	End      float64       `json:"end_seconds"`
	Quiet    bool          `json:"quiet"`
	Scenario string        `json:"scenario,omitempty"`
	Sections []string      `json:"sections,omitempty"`
	Faults   []reportFault `json:"faults,omitempty"`
	Combined float64       `json:"combined_probability"`

	span orchestrator.Span
}

type reportFault struct {
	Kind        string  `json:"kind"`
	Probability float64 `json:"probability"`
}

func newReport(file string, o *orchestrator.Orchestration, warnings []orchestrator.Problem, invalid *orchestrator.InvalidError) report {
	r := report{File: file, Problems: []orchestrator.Problem{}, Warnings: append([]orchestrator.Problem{}, warnings...)}
	if invalid != nil {
		r.Problems = invalid.Problems
		return r
	}
	r.Valid, r.Name, r.Description, r.Parallel, r.Iterations = true, o.Name, o.Description, o.Parallel, o.Iterations()
	r.duration, r.Endless = o.TotalDuration()
	r.Seconds = r.duration.Seconds()
	for _, s := range o.Summarize().Steps {
		step := reportStep{
			Name: s.Name, Start: s.Span.Start.Seconds(), End: s.Span.End.Seconds(), Quiet: s.Quiet,
			Scenario: s.Scenario, Sections: s.Sections, Combined: s.Combined, span: s.Span,
		}
		for _, f := range s.Faults {
			step.Faults = append(step.Faults, reportFault{f.Kind, f.Probability})
		}
		r.Steps = append(r.Steps, step)
	}
	return r
}

// writeReport writes a report for people.
func writeReport(w io.Writer, r report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Validating orchestration file: %s\n", r.File)
	if r.Valid {
		b.WriteString("Orchestration file is valid\n\nSummary:\n")
		r.summary(&b)
	} else {
		b.WriteString("Orchestration file has errors:\n")
		for _, p := range r.Problems {
			fmt.Fprintf(&b, "  %s\n", p)
		}
	}
	if len(r.Warnings) > 0 {
		b.WriteString("\nWarnings:\n")
		for _, p := range r.Warnings {
			fmt.Fprintf(&b, "  %s\n", p)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r report) summary(b *strings.Builder) {
	fmt.Fprintf(b, "  Name: %s\n", r.Name)
	if r.Description != "" {
		fmt.Fprintf(b, "  Description: %s\n", strings.ReplaceAll(strings.TrimSpace(r.Description), "\n", "\n    "))
	}
	order := "one after another"
	if r.Parallel {
		order = "all at once"
	}
	fmt.Fprintf(b, "  Steps: %d, %s\n", len(r.Steps), order)
	switch {
	case r.Endless:
		fmt.Fprintf(b, "  Duration: %s for each iteration, without end\n", orchestrator.FormatDuration(r.duration))
	case r.Iterations > 1:
		fmt.Fprintf(b, "  Duration: %s, %d iterations\n", orchestrator.FormatDuration(r.duration), r.Iterations)
	default:
		fmt.Fprintf(b, "  Duration: %s\n", orchestrator.FormatDuration(r.duration))
	}
	b.WriteString("\n")
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  STEP\tFROM\tTO\tINJECTS\tANY FAULT")
	for _, s := range r.Steps {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", s.Name, orchestrator.FormatDuration(s.span.Start), orchestrator.FormatDuration(s.span.End), s.injects(), s.anyFault())
	}
	table.Flush() // a strings.Builder never fails
}

// injects says what a step does: "cascading_failure: latency 70%, rate_limit".
func (s reportStep) injects() string {
	if s.Quiet {
		return "nothing"
	}
	var parts []string
	drawn := map[string]bool{}
	for _, f := range s.Faults {
		parts = append(parts, f.Kind+" "+percentage(f.Probability))
		drawn[f.Kind] = true
	}
	for _, section := range s.Sections {
		switch section {
		case "rate_limit", "circuit_breaker", "bulkhead":
			parts = append(parts, section)
		case "graphql":
			if !drawn["graphql_error"] && !drawn["partial_data"] {
				parts = append(parts, section)
			}
		case "traffic_shaping":
			if !drawn["packet_loss"] {
				parts = append(parts, section)
			}
		case "fault_injection":
			if s.Combined == 0 {
				parts = append(parts, section)
			}
		}
	}
	text := strings.Join(parts, ", ")
	if s.Scenario != "" {
		text = s.Scenario + ": " + text
	}
	return text
}

func (s reportStep) anyFault() string {
	if s.Combined == 0 {
		return "-"
	}
	return percentage(s.Combined)
}

// percentage is a probability in percent, to a tenth.
func percentage(p float64) string {
	return strconv.FormatFloat(float64(int(p*1000+0.5))/10, 'f', -1, 64) + "%"
}
