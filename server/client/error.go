package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// ErrUnreachable is wrapped by the error of every call that got no answer: the
// connection failed, or the server took longer than WithTimeout allows. A call
// whose own context ended returns that context's error alone.
var ErrUnreachable = errors.New("the server cannot be reached")

// An Error is a call that the server refused. Find it with errors.As.
type Error struct {
	Method     string
	URL        string
	StatusCode int
	Message    string                 // the server's, one sentence
	Problems   []orchestrator.Problem // of an invalid document; may be empty
}

// Error is the message, then a line for each problem.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		fmt.Fprintf(&b, " (HTTP %d)", e.StatusCode)
	}
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}
