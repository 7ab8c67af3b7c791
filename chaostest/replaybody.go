package chaostest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

const (
	maxReplayBody = 1 << 20 // bytes of a body that is sent in an open loop
	maxTopFields  = 1000    // of an operation that is
)

// A replayBody is what an open loop sends in place of what was sent: zeros, or
// operations of GraphQL that are read as those of the recording were.
type replayBody struct {
	kind, query string // Content-Type and the URL's query; "": none
	data        []byte // nil: none
}

func newReplayBody(q *orchestrator.RecordedRequest) replayBody {
	length := int(min(max(q.Length, 0), maxReplayBody))
	if q.Protocol != injector.ProtocolGraphQL || q.Operation == "" {
		if length == 0 {
			return replayBody{}
		}
		return replayBody{data: make([]byte, length)}
	}
	all := operationsOf(q)
	if q.Method == http.MethodGet {
		return replayBody{query: all[0].values().Encode()}
	}
	var data []byte
	if len(all) == 1 {
		data, _ = json.Marshal(all[0]) // texts only: it cannot fail
	} else {
		data, _ = json.Marshal(all)
	}
	if more := length - len(data); more > 0 {
		data = append(data, bytes.Repeat([]byte{' '}, more)...)
	}
	return replayBody{kind: "application/json", data: data}
}

// A replayOperation is an operation that is sent.
type replayOperation struct {
	Query      string          `json:"query,omitempty"`
	Name       string          `json:"operationName,omitempty"`
	Extensions json.RawMessage `json:"extensions,omitempty"`
}

// operationsOf are the operations that a recording tells of, see
// injector.Request. What they ask for, every schema has.
func operationsOf(q *orchestrator.RecordedRequest) []replayOperation {
	var out []replayOperation
	for i, one := range strings.Split(q.Operation, "; ") {
		kind, name, _ := strings.Cut(one, " ")
		if kind == "persisted" {
			out = append(out, replayOperation{Name: name, Extensions: json.RawMessage(`{"persistedQuery":{"version":1}}`)})
			continue
		}
		fields := 1
		if i < len(q.TopFields) {
			fields = min(max(q.TopFields[i], 1), maxTopFields)
		}
		var query strings.Builder
		query.WriteString(one + " {")
		for n := range fields {
			fmt.Fprintf(&query, " f%d: __typename", n)
		}
		query.WriteString(" }")
		out = append(out, replayOperation{Query: query.String()})
	}
	return out
}

// values are the operation as a URL has it.
func (o replayOperation) values() url.Values {
	out := url.Values{}
	for name, value := range map[string]string{"query": o.Query, "operationName": o.Name, "extensions": string(o.Extensions)} {
		if value != "" {
			out.Set(name, value)
		}
	}
	return out
}
