package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// Failure is the body of every error of the API.
type Failure struct {
	Error    string                 `json:"error"`
	Problems []orchestrator.Problem `json:"problems,omitempty"` // of a document or a config
}

// Message is the body of an answer that only confirms.
type Message struct {
	Message  string                 `json:"message"`
	Warnings []orchestrator.Problem `json:"warnings,omitempty"` // what is valid and probably not meant
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		status = http.StatusInternalServerError
		text.Reset()
		fmt.Fprintf(&text, "{\"error\":%q}\n", "the answer cannot be written as JSON: "+err.Error())
	}
	write(w, status, "application/json", text.Bytes())
}

func write(w http.ResponseWriter, status int, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // whether the client still reads is its own affair
}

func writeError(w http.ResponseWriter, status int, message string, problems ...orchestrator.Problem) {
	writeJSON(w, status, Failure{Error: message, Problems: problems})
}

// A statusError is an error with the status that it is answered with.
type statusError struct {
	status   int
	message  string
	problems []orchestrator.Problem
}

func (e *statusError) Error() string { return e.message }

func refuse(status int, format string, args ...any) error {
	return &statusError{status: status, message: fmt.Sprintf(format, args...)}
}

// fail answers an error with the status that it deserves, and returns that.
func fail(w http.ResponseWriter, err error) (status int) {
	status, message := http.StatusInternalServerError, err.Error()
	var problems []orchestrator.Problem
	if e, ok := errors.AsType[*statusError](err); ok {
		status, message, problems = e.status, e.message, e.problems
	} else if e, ok := errors.AsType[*orchestrator.InvalidError](err); ok {
		status, message, problems = http.StatusUnprocessableEntity, e.Error(), e.Problems
	} else if _, ok := errors.AsType[*runningError](err); ok || errors.Is(err, errDisabled) {
		status = http.StatusConflict
	} else if errors.Is(err, errClosed) {
		status = http.StatusServiceUnavailable
	}
	writeError(w, status, message, problems...)
	return status
}
