package server

import (
	"encoding/json"
	"errors"
	"net/http"

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
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // whether the client still reads is its own affair
}

func writeError(w http.ResponseWriter, status int, message string, problems ...orchestrator.Problem) {
	writeJSON(w, status, Failure{Error: message, Problems: problems})
}

// A statusError is an error with the status that it is answered with.
type statusError struct {
	status  int
	message string
}

func (e *statusError) Error() string { return e.message }

// fail answers an error with the status that it deserves.
func fail(w http.ResponseWriter, err error) {
	if e, ok := errors.AsType[*statusError](err); ok {
		writeError(w, e.status, e.message)
		return
	}
	if e, ok := errors.AsType[*orchestrator.InvalidError](err); ok {
		writeError(w, http.StatusUnprocessableEntity, e.Error(), e.Problems...)
		return
	}
	if _, ok := errors.AsType[*runningError](err); ok || errors.Is(err, errDisabled) {
		writeError(w, http.StatusConflict, err.Error())
		return
	}
	writeError(w, http.StatusInternalServerError, err.Error())
}
