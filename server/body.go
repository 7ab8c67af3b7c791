package server

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// readBody reads all of a call's body.
func readBody(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(r.Body)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", maxBody)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, refuse(http.StatusRequestTimeout, "the body did not arrive within %s", apiTime)
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the body cannot be read: %v", err)
	}
	return data, nil
}

// readValid reads a body that is JSON, whatever it says.
func readValid(r *http.Request) ([]byte, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if !json.Valid(body) {
		return nil, badJSON(body)
	}
	return body, nil
}

// badJSON says where a body stops being JSON.
func badJSON(body []byte) error {
	_, _, err := orchestrator.ParseConfig(body, orchestrator.JSON)
	if invalid, ok := errors.AsType[*orchestrator.InvalidError](err); ok {
		return &statusError{http.StatusBadRequest, "the body is not JSON: " + invalid.Error(), invalid.Problems}
	}
	return refuse(http.StatusBadRequest, "the body is empty: this call takes a JSON object")
}

// readJSON reads a body into a value with known fields.
func readJSON(r *http.Request, into any) error {
	body, err := readValid(r)
	if err != nil {
		return err
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	err = d.Decode(into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		what := "the body"
		if wrong.Field != "" {
			what = wrong.Field
		}
		return refuse(http.StatusBadRequest, "%s must not be a JSON %s", what, wrong.Value)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "the body is not what this call takes: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// importBody is a document in a JSON string.
type importBody struct {
	Content string `json:"content"`
	Format  string `json:"format"` // Default: yaml, which JSON is too
}

func (b importBody) format() (orchestrator.Format, error) {
	if b.Format == "" {
		return orchestrator.YAML, nil
	}
	return formatOf(b.Format)
}

// formatOf is the format that a call asks for. Default: JSON.
func formatOf(word string) (orchestrator.Format, error) {
	if word == "" {
		return orchestrator.JSON, nil
	}
	format, err := orchestrator.ParseFormat(word)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "%v", err)
	}
	return format, nil
}
