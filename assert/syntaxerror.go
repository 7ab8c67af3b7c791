package assert

import (
	"fmt"
	"strings"
)

// A SyntaxError says what is wrong with the text of an expectation, and where.
type SyntaxError struct {
	Text       string
	Column     int    // in characters, from 1
	Problem    string // `unknown subject "p9"`
	Suggestion string // what may have been meant; "" when nothing is close
}

// Error is one line: the text, the column, the problem and the suggestion.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("expectation %q, column %d: %s", e.Text, e.Column, e.explanation())
}

func (e *SyntaxError) explanation() string {
	if e.Suggestion == "" {
		return e.Problem
	}
	return fmt.Sprintf("%s; did you mean \"%s\"?", e.Problem, e.Suggestion)
}

// Pointer is three lines: the text, a caret under the column, the problem.
func (e *SyntaxError) Pointer() string {
	text := strings.NewReplacer("\n", " ", "\t", " ", "\r", " ").Replace(e.Text)
	return text + "\n" + strings.Repeat(" ", e.Column-1) + "^\n" + e.explanation()
}

func (e *SyntaxError) suggest(s string) *SyntaxError {
	e.Suggestion = s
	return e
}
