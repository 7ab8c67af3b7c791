package injector

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// errorEntry is an entry of errors in a response.
type errorEntry struct {
	Message    string          `json:"message"`
	Path       []any           `json:"path,omitempty"`
	Extensions errorExtensions `json:"extensions"`
}

type errorExtensions struct {
	Code string     `json:"code"`
	HTTP *errorHTTP `json:"http,omitempty"`
}

type errorHTTP struct {
	Status int `json:"status"`
}

func (e *graphqlError) entry(path []any) []byte {
	out := errorEntry{Message: e.message, Path: path, Extensions: errorExtensions{Code: e.code}}
	if e.status != 0 {
		out.Extensions.HTTP = &errorHTTP{e.status}
	}
	b, _ := json.Marshal(out) // strings and numbers only: it cannot fail
	return b
}

// response is the response to an operation that was not executed.
func (e *graphqlError) response() []byte {
	return append(append([]byte(`{"errors":[`), e.entry(nil)...), `],"data":null}`...)
}

// answer is the answer to a request of which every operation has its own.
func (q *graphqlRequest) answer(asked http.Header) *answer {
	a := &answer{status: http.StatusOK, kind: typeJSON}
	if strings.Contains(strings.Join(asked.Values("Accept"), ","), typeResponse) {
		a.kind = typeResponse
	}
	var all [][]byte
	for _, o := range q.ops {
		all = append(all, o.end.response())
		a.hurts = a.hurts || o.end.failed
	}
	a.body = all[0]
	if q.batch {
		a.body = jsonList(all)
	}
	a.body = append(a.body, '\n')
	a.length = []string{strconv.Itoa(len(a.body))}
	return a
}

// jsonList makes one list of several values.
func jsonList(values [][]byte) []byte {
	return append(append([]byte{'['}, bytes.Join(values, []byte{','})...), ']')
}
