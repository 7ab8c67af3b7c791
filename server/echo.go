package server

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"
)

// maxEcho is how much of a body the echo repeats.
const maxEcho = 64 << 10

// An echo answers every request with what it was, as JSON. It stands in for an
// upstream where there is none.
type echo struct{ target string }

type echoed struct {
	Target    string              `json:"target"`
	Method    string              `json:"method"`
	Path      string              `json:"path"`
	Query     map[string][]string `json:"query,omitempty"`
	Host      string              `json:"host"`
	Protocol  string              `json:"protocol"`
	Headers   map[string]string   `json:"headers,omitempty"`
	Body      string              `json:"body,omitempty"`
	BodyBytes int64               `json:"body_bytes"`
}

func (e echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := echoed{
		Target: e.target, Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Host: r.Host, Protocol: r.Proto, Headers: map[string]string{},
	}
	for name, values := range r.Header {
		out.Headers[name] = strings.Join(values, ", ")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEcho))
	if err != nil {
		return // the client has left
	}
	rest, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return
	}
	out.BodyBytes = int64(len(body)) + rest
	if utf8.Valid(body) {
		out.Body = string(body)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out) // whether the client still reads is its own affair
}
