package orchestrator

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one thing that is wrong with an orchestration, or worth a
// second look: the same type serves errors and warnings.
type Problem struct {
	File       string `json:"file,omitempty"`       // "": the document came from memory
	Line       int    `json:"line,omitempty"`       // from 1; 0: not from a document
	Column     int    `json:"column,omitempty"`     // from 1, in characters; 0: not from a document
	Path       string `json:"path,omitempty"`       // "steps[1].scenario.config.latency"; "": the document as a whole
	Message    string `json:"message"`              // one line
	Suggestion string `json:"suggestion,omitempty"` // what may have been meant
	Rule       Rule   `json:"rule,omitempty"`       // of a warning; "" for an error
}

// String is the problem in one line: file:line:col: path: problem; did you
// mean "x"?
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File + ":")
	}
	if p.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", p.Line, p.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message + didYouMean(p.Suggestion))
	return b.String()
}

func didYouMean(suggestion string) string {
	if suggestion == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", suggestion)
}

// An InvalidError holds everything that is wrong with an orchestration, in the
// order of the document. Find it with errors.As.
type InvalidError struct {
	Problems []Problem // at least one; at most 1,000
}

// Error is one line for each problem.
func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// maxProblems bounds what one document can make us say.
const maxProblems = 1000

// sortProblems puts problems in the order of the document.
func sortProblems(problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
