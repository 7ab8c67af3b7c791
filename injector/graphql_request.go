package injector

import (
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"time"
)

// The most of a GraphQL request that is looked at. What is larger passes
// untouched, and is not drawn.
const (
	maxGraphQLBody = 1 << 20 // of a request, and of a response that is changed
	maxOperations  = 4 << 10 // bytes of Request.Operation
)

// A graphqlRequest is a request that speaks GraphQL, and what becomes of its
// operations.
type graphqlRequest struct {
	ops     []pending
	batch   bool
	entries []json.RawMessage // of the batch, beside ops
	delay   time.Duration     // by resolvers: the operations of a batch run side by side
	hurt    bool              // the client was sent an injected error beside what the upstream said
	nulled  bool              // nulls were put into the response
}

// A pending is an operation on its way through the layers.
type pending struct {
	operation
	end      *graphqlError // what it is answered; nil: what the upstream says
	endedBy  int           // the stay
	was      string        // the stay's kind without that
	delay    time.Duration // by resolvers
	partials []partialDraw
}

// graphqlBody is the JSON of one operation.
type graphqlBody struct {
	Query         string
	OperationName string
	Extensions    json.RawMessage // looked at where there is no Query
}

// mayBeGraphQL reports whether a request's header says that it may speak
// GraphQL, in a body that can be looked at.
func mayBeGraphQL(r *http.Request) bool {
	switch {
	case ProtocolOf(r) != "":
		return false
	case methodOf(r) == http.MethodGet:
		return strings.Contains(r.URL.RawQuery, "query=") || strings.Contains(r.URL.RawQuery, "extensions=")
	case r.Method != http.MethodPost, r.Body == nil, r.Body == http.NoBody, r.ContentLength == 0, r.ContentLength > maxGraphQLBody,
		r.Header.Get("Content-Encoding") != "":
		return false
	}
	return graphqlType(r.Header) != ""
}

// graphqlType is the media type of a message that may be GraphQL: "" for
// others.
func graphqlType(h http.Header) string {
	switch kind, _, _ := mime.ParseMediaType(h.Get("Content-Type")); kind { // also where a parameter is wrong
	case typeJSON, typeResponse, "application/graphql+json", "application/graphql":
		return kind
	}
	return ""
}

const (
	typeJSON     = "application/json"
	typeResponse = "application/graphql-response+json"
)

// looks reports whether the request's body has to be looked at before its
// decisions are made.
func (p *passage) looks() bool {
	if p.looked || p.request == nil {
		return false
	}
	set := p.target.set.Load()
	return set != nil && set.graphql && mayBeGraphQL(p.request)
}

// look finds the operations of a request that may speak GraphQL.
func (p *passage) look() {
	p.looked = true
	var q *graphqlRequest
	switch r := p.request; {
	case methodOf(r) == http.MethodGet:
		q = urlOperation(r)
	default:
		body, ok := p.wholeBody(maxGraphQLBody)
		if !ok {
			return
		}
		if graphqlType(r.Header) == "application/graphql" {
			q = oneOperation(graphqlBody{Query: string(body), OperationName: r.URL.Query().Get("operationName")})
		} else {
			q = jsonOperations(body)
		}
	}
	if q == nil {
		return
	}
	text := q.text()
	if len(text) > maxOperations {
		return
	}
	p.graphql, p.operation = q, text
	p.listened, p.protocol = true, ProtocolGraphQL
}

func urlOperation(r *http.Request) *graphqlRequest {
	values := r.URL.Query()
	return oneOperation(graphqlBody{
		Query: values.Get("query"), OperationName: values.Get("operationName"), Extensions: json.RawMessage(values.Get("extensions")),
	})
}

// jsonOperations reads one operation, or a batch; nil: it is neither. A batch
// of which one entry cannot be read is not understood.
func jsonOperations(body []byte) *graphqlRequest {
	if trimmed := strings.TrimLeft(string(body[:min(len(body), 64)]), " \t\r\n"); !strings.HasPrefix(trimmed, "[") {
		var b graphqlBody
		if json.Unmarshal(body, &b) != nil {
			return nil
		}
		return oneOperation(b)
	}
	q := &graphqlRequest{batch: true}
	if json.Unmarshal(body, &q.entries) != nil || len(q.entries) == 0 || len(q.entries) > maxOperations/len(typeQuery) {
		return nil
	}
	for _, entry := range q.entries {
		var b graphqlBody
		if json.Unmarshal(entry, &b) != nil {
			return nil
		}
		o, ok := b.operation()
		if !ok {
			return nil
		}
		q.ops = append(q.ops, pending{operation: o})
	}
	return q
}

func oneOperation(b graphqlBody) *graphqlRequest {
	o, ok := b.operation()
	if !ok {
		return nil
	}
	return &graphqlRequest{ops: []pending{{operation: o}}}
}

// operation is what is known of the operation that a body asks for. Of a
// persisted one without a text that is its name, if it says one.
func (b graphqlBody) operation() (operation, bool) {
	if b.Query != "" {
		o, err := parseOperation(b.Query, b.OperationName)
		return o, err == nil
	}
	var extensions struct {
		PersistedQuery map[string]json.RawMessage
	}
	if json.Unmarshal(b.Extensions, &extensions) != nil || len(extensions.PersistedQuery) == 0 {
		return operation{}, false
	}
	o := operation{fields: 1}
	if isName(b.OperationName) {
		o.name = b.OperationName
	}
	return o, true
}

// The separators in Request.Operation.
const (
	operationsApart = "; "
	persisted       = "persisted" // in place of a type that is not known
)

// text is what Request.Operation says: "query Cart; mutation Pay".
func (q *graphqlRequest) text() string {
	var all []string
	for _, o := range q.ops {
		text := o.kind
		if text == "" {
			text = persisted
		}
		if o.name != "" {
			text += " " + o.name
		}
		all = append(all, text)
	}
	return strings.Join(all, operationsApart)
}

// topFields is what Request.TopFields says.
func (q *graphqlRequest) topFields() []int {
	out := make([]int, len(q.ops))
	for i, o := range q.ops {
		out[i] = o.fields
	}
	return out
}

// recalled are the operations that text and topFields told of.
func recalled(text string, fields []int) *graphqlRequest {
	q := &graphqlRequest{}
	for i, one := range strings.Split(text, operationsApart) {
		kind, name, _ := strings.Cut(one, " ")
		if kind == persisted {
			kind = ""
		}
		o := operation{kind: kind, name: name, fields: 1}
		if i < len(fields) {
			o.fields = fields[i]
		}
		q.ops = append(q.ops, pending{operation: o})
	}
	q.batch = len(q.ops) > 1
	return q
}

// place is what Decision.InBatch says of an operation.
func (q *graphqlRequest) place(op int) int {
	if len(q.ops) == 1 {
		return 0
	}
	return op + 1
}

// at is the operation that Decision.InBatch means; nil: there is none.
func (q *graphqlRequest) at(place int) *pending {
	if i := max(place-1, 0); q != nil && i < len(q.ops) {
		return &q.ops[i]
	}
	return nil
}
