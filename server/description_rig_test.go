package server_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/server"
)

// A description holds what the API takes and answers to its OpenAPI
// description.
type description struct {
	doc    *openapi3.T
	routes *http.ServeMux // patterns are the paths of the description
}

// described is read once: it is the same for every server.
var described = sync.OnceValues(func() (*description, error) {
	s, err := server.New(server.Options{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	answer := httptest.NewRecorder()
	s.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://localhost/api/chaos/openapi.json", nil))
	doc, err := openapi3.NewLoader().LoadFromData(answer.Body.Bytes())
	if err != nil {
		return nil, err
	}
	d := &description{doc, http.NewServeMux()}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			d.routes.Handle(method+" "+path, http.NotFoundHandler())
		}
	}
	return d, nil
})

func describe(t *testing.T) *description {
	t.Helper()
	d, err := described()
	require.NoError(t, err)
	return d
}

// route is the operation that a request calls; nil: the API has none.
func (d *description) route(q *http.Request) *routers.Route {
	_, pattern := d.routes.Handler(q)
	if pattern == "" {
		return nil
	}
	path := pattern[len(q.Method)+1:]
	item := d.doc.Paths.Value(path)
	return &routers.Route{Spec: d.doc, Path: path, PathItem: item, Method: q.Method, Operation: item.GetOperation(q.Method)}
}

// check holds an answer to the description, and the request where it was
// accepted.
func (d *description) check(t *testing.T, q *http.Request, body []byte, status int, h http.Header, answer []byte) {
	t.Helper()
	route := d.route(q)
	if route == nil {
		require.Contains(t, []int{401, 403, 404, 405}, status, "%s %s is not described, and answers", q.Method, q.URL)
		d.conforms(t, "Failure", answer)
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: q.Clone(t.Context()), Route: route, PathParams: pathParams(route, q),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if status < 300 && len(body) > 0 && route.Operation.RequestBody != nil {
		in.Request.Body = io.NopCloser(bytes.NewReader(body))
		in.Request.Header.Set("Content-Type", "application/json")
		require.NoError(t, openapi3filter.ValidateRequest(t.Context(), in), "%s %s %s was accepted", q.Method, q.URL, body)
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: status, Header: h, Options: in.Options}
	out.SetBodyBytes(answer)
	require.NoError(t, openapi3filter.ValidateResponse(t.Context(), out), "%s %s answers %d %s", q.Method, q.URL, status, answer)
}

// pathParams are not empty and of no other form.
func pathParams(route *routers.Route, q *http.Request) map[string]string {
	out := map[string]string{}
	for _, p := range route.Operation.Parameters {
		if p.Value.In == "path" {
			out[p.Value.Name] = q.URL.Path
		}
	}
	return out
}

// conforms holds JSON to a schema of the description.
func (d *description) conforms(t *testing.T, schema string, data []byte) {
	t.Helper()
	value := decodeJSON(t, data)
	require.NoError(t, d.doc.Components.Schemas[schema].Value.VisitJSON(value, openapi3.EnableJSONSchema2020()), "%s: %s", schema, data)
}
