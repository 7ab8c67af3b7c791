package injector_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

const injectedError = `{"errors":[{"message":"injected GraphQL error of step step","extensions":{"code":"INTERNAL_SERVER_ERROR"}}],"data":null}`

// What is GraphQL is recognised; what is not, or not understood, reaches the
// upstream untouched.
func TestGraphQLRecognised(t *testing.T) {
	t.Parallel()
	big := strings.Repeat(" ", 1<<20)
	tests := []struct {
		name, method, query, kind, body string
		want                            string // Operation; "": it passes
		fields                          []int
		header                          string // Content-Encoding
	}{
		{"JSON", "POST", "", "application/json", op("query", "Cart"), "query Cart", []int{2}, ""},
		{"JSON with a charset", "POST", "", "application/json; charset=utf-8", `{"query":"{a}"}`, "query", []int{1}, ""},
		{"JSON with half a parameter", "POST", "", "application/json; charset", `{"query":"{a}"}`, "query", []int{1}, ""},
		{"response type", "POST", "", "application/graphql-response+json", op("mutation", "Pay"), "mutation Pay", []int{2}, ""},
		{"document", "POST", "", "application/graphql", "subscription Prices { a }", "subscription Prices", []int{1}, ""},
		{"document with a choice", "POST", "?operationName=B", "application/graphql", "query A { a } query B { b }", "query B", []int{1}, ""},
		{"chosen", "POST", "", "application/json", `{"query":"query A { a } mutation B { b c }","operationName":"B"}`, "mutation B", []int{2}, ""},
		{"null name", "POST", "", "application/json", `{"query":"query A { a }","operationName":null,"variables":null,"extensions":null}`, "query A", []int{1}, ""},
		{"persisted", "POST", "", "application/json", `{"operationName":"Cart","extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}`, "persisted Cart", []int{1}, ""},
		{"persisted without a name", "POST", "", "application/json", `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}`, "persisted", []int{1}, ""},
		{"extensions of a server that knows no objects", "POST", "", "application/json", `{"query":"{a}","extensions":[],"variables":[]}`, "query", []int{1}, ""},
		{"batch", "POST", "", "application/json", " [" + op("query", "A") + "," + op("mutation", "B") + "]", "query A; mutation B", []int{2, 2}, ""},
		{"GET", "GET", "?query=" + url.QueryEscape("query A { a }") + "&operationName=A", "", "", "query A", []int{1}, ""},
		{"GET persisted", "GET", "?operationName=A&extensions=" + url.QueryEscape(`{"persistedQuery":{"version":1}}`), "", "", "persisted A", []int{1}, ""},

		{"no document", "POST", "", "application/json", `{"query":"shoes"}`, "", nil, ""},
		{"a search", "POST", "", "application/json", `{"query":{"match_all":{}}}`, "", nil, ""},
		{"no query", "POST", "", "application/json", `{"name":"x"}`, "", nil, ""},
		{"no JSON", "POST", "", "application/json", `{"query":"{a}"`, "", nil, ""},
		{"another name", "POST", "", "application/json", `{"query":"query A { a }","operationName":"B"}`, "", nil, ""},
		{"text", "POST", "", "text/plain", op("query", "Cart"), "", nil, ""},
		{"form", "POST", "", "multipart/form-data; boundary=x", "--x--", "", nil, ""},
		{"coded", "POST", "", "application/json", op("query", "Cart"), "", nil, "x-reversed"},
		{"empty batch", "POST", "", "application/json", "[]", "", nil, ""},
		{"half a batch", "POST", "", "application/json", "[" + op("query", "A") + `,{"x":1}]`, "", nil, ""},
		{"too many in a batch", "POST", "", "application/json", "[" + strings.Repeat(op("query", "A")+",", 600) + op("query", "A") + "]", "", nil, ""},
		{"too large", "POST", "", "application/json", op("query", "Cart") + big, "", nil, ""},
		{"PUT", "PUT", "", "application/json", op("query", "Cart"), "", nil, ""},
		{"GET of no persisted query", "GET", "?extensions=" + url.QueryEscape(`{"persistedQuery":`), "", "", "", nil, ""},
		{"GET of a search", "GET", "?query=shoes", "", "", "", nil, ""},
		{"GET", "GET", "", "", "", "", nil, ""},
	}
	bothSeams(t, func(t *testing.T, rig func(http.Handler, ...injector.Option) (*injector.Injector, *http.Client, string)) {
		for _, chunked := range []bool{false, true} {
			for _, tt := range tests {
				up, seen := &graphServer{}, &events{}
				in, client, at := rig(up, injector.WithObserver(seen))
				in.Apply(graph(injector.GraphQL{Probability: new(1.0)}))
				r, err := http.NewRequest(tt.method, at+"/graphql"+tt.query, strings.NewReader(tt.body))
				require.NoError(t, err)
				r.Header.Set("Content-Type", tt.kind)
				if tt.header != "" {
					r.Header.Set("Content-Encoding", tt.header)
				}
				if tt.body == "" {
					r.Body = nil
				}
				if chunked && tt.body != "" {
					r.ContentLength = -1
				}
				_, body := send(t, client, r)
				require.Len(t, seen.requests, 1)
				q := seen.requests[0]
				require.Equal(t, tt.want, q.Operation, tt.name)
				require.Equal(t, tt.fields, q.TopFields, tt.name)
				if tt.want == "" {
					require.Empty(t, q.Protocol, tt.name)
					require.Empty(t, q.Decisions, tt.name)
					require.Equal(t, []string{tt.body}, up.asked(), tt.name)
					continue
				}
				require.Equal(t, injector.ProtocolGraphQL, q.Protocol, tt.name)
				require.Empty(t, up.asked(), tt.name)
				require.Contains(t, body, injectedError, tt.name)
			}
		}
	})
}

// What is recognised and not drawn reaches the upstream as it was sent, the
// response its client.
func TestGraphQLPassesByteForByte(t *testing.T) {
	t.Parallel()
	bothSeams(t, func(t *testing.T, rig func(http.Handler, ...injector.Option) (*injector.Injector, *http.Client, string)) {
		up := &graphServer{}
		in, client, at := rig(up)
		in.Apply(graph(injector.GraphQL{Operations: []string{"Other"}, Probability: new(1.0), PartialDataProbability: new(1.0)}))
		for _, body := range []string{"\t" + op("query", "Cart") + " \n", "[ " + op("query", "A") + " ]"} {
			resp, got := postJSON(t, client, at, body)
			require.Equal(t, 200, resp.StatusCode)
			require.Empty(t, resp.Header.Get("X-Mockforge-Fault"))
			require.NotContains(t, got, "errors")
			require.Contains(t, up.asked(), body)
		}
	})
}

// Where no layer has a section for GraphQL, nothing is looked at.
func TestGraphQLIsNotLookedFor(t *testing.T) {
	t.Parallel()
	seen := &events{}
	in := injector.New(injector.WithObserver(seen))
	s := serve(t, in, &graphServer{})
	in.Apply(faults(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(1.0)}))
	off := graph(injector.GraphQL{Enabled: new(false), Probability: new(1.0)})
	in.Apply(off)
	other := graph(injector.GraphQL{Probability: new(1.0)})
	other.Targets = []string{"elsewhere"}
	in.Apply(other)
	resp, _ := postJSON(t, s.Client(), s.URL, op("query", "Cart"))
	require.Equal(t, 503, resp.StatusCode)
	require.Empty(t, seen.requests[0].Operation)
	require.Empty(t, seen.requests[0].Protocol)
}

// Operations are drawn by themselves: exactly as many as the probability says
// of those that match, at the same places every time.
func TestGraphQLErrors(t *testing.T) {
	t.Parallel()
	bothSeams(t, func(t *testing.T, rig func(http.Handler, ...injector.Option) (*injector.Injector, *http.Client, string)) {
		run := func(seed uint64) (hits string, codes map[string]int) {
			up, seen := &graphServer{}, &events{}
			in, client, at := rig(up, injector.WithSeed(seed), injector.WithObserver(seen))
			in.Apply(graph(injector.GraphQL{ErrorCodes: []string{"NOT_FOUND", "FORBIDDEN"}, Probability: new(0.25), Message: "no cart",
				Operations: []string{"Cart*"}, OperationTypes: []string{"query"}, Paths: []string{"/graphql"}}))
			codes = map[string]int{}
			for range 40 {
				for _, other := range []string{op("mutation", "Cart"), op("query", "Shop"), `{"query":"{ a }"}`} {
					resp, _ := postJSON(t, client, at+"/graphql", other)
					require.Empty(t, resp.Header.Get("X-Mockforge-Fault"))
				}
				_, _ = postJSON(t, client, at+"/other", op("query", "Cart"))
				resp, body := postJSON(t, client, at+"/graphql", op("query", "CartItems"))
				require.Equal(t, 200, resp.StatusCode)
				hit := resp.Header.Get("X-Mockforge-Fault") == "graphql_error"
				for _, code := range []string{"NOT_FOUND", "FORBIDDEN"} {
					if hit && body == `{"errors":[{"message":"no cart","extensions":{"code":"`+code+`"}}],"data":null}`+"\n" {
						codes[code]++
						hits += "x"
					}
				}
				if !hit {
					hits += "."
				}
			}
			require.Len(t, up.asked(), 40*5-10)
			last := seen.requests[len(seen.requests)-1]
			require.Equal(t, "query CartItems", last.Operation)
			return hits, codes
		}
		hits, codes := run(1)
		require.Len(t, hits, 40)
		require.Equal(t, 5, strings.Count(hits[:20], "x"))
		require.Equal(t, 5, strings.Count(hits[20:], "x"))
		require.Len(t, codes, 2)
		again, same := run(1)
		require.Equal(t, hits, again)
		require.Equal(t, codes, same)
		other, _ := run(2)
		require.NotEqual(t, hits, other)
	})
}

// The media type of an error is the one that the client asked for.
func TestGraphQLErrorMediaType(t *testing.T) {
	t.Parallel()
	in := injector.New()
	s := serve(t, in, &graphServer{})
	in.Apply(graph(injector.GraphQL{Probability: new(1.0)}))
	for accept, want := range map[string]string{
		"application/json": "application/json", "*/*": "application/json",
		"application/graphql-response+json; charset=utf-8, application/json;q=0.9": "application/graphql-response+json",
	} {
		resp, body := postJSON(t, s.Client(), s.URL, op("query", "Cart"), "Accept", accept)
		require.Equal(t, want, resp.Header.Get("Content-Type"))
		same(t, injectedError+"\n", body)
	}
}

// A persisted query has a type that nobody knows: it matches where any type
// does.
func TestGraphQLPersisted(t *testing.T) {
	t.Parallel()
	in := injector.New()
	s := serve(t, in, &graphServer{})
	const body = `{"operationName":"Cart","extensions":{"persistedQuery":{"version":1}}}`
	for _, tt := range []struct {
		g    injector.GraphQL
		want bool
	}{
		{injector.GraphQL{}, true},
		{injector.GraphQL{Operations: []string{"Cart"}}, true},
		{injector.GraphQL{Operations: []string{"Other"}}, false},
		{injector.GraphQL{OperationTypes: []string{"query", "mutation", "subscription"}}, false},
	} {
		tt.g.Probability = new(1.0)
		remove := in.Apply(graph(tt.g))
		_, got := postJSON(t, s.Client(), s.URL, body)
		require.Equal(t, tt.want, strings.Contains(got, "errors"), "%+v", tt.g)
		remove()
	}
}

// A body that takes too long to come is not waited for, and passes.
func TestGraphQLSlowBody(t *testing.T) {
	t.Parallel()
	up, seen := &graphServer{}, &events{}
	virtual(t, up, []injector.Option{injector.WithObserver(seen)}, func(w *world) {
		w.in.Apply(graph(injector.GraphQL{Probability: new(1.0)}))
		body := op("query", "Cart")
		r, err := http.NewRequest(http.MethodPost, "http://test/", &slowReader{parts: []string{body[:20], body[20:40], body[40:]}, every: 8 * time.Second})
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		_, got := send(t, w.client, r)
		require.Contains(t, got, `"name":"Cart"`)
		require.Equal(t, []string{body}, up.asked())
		require.Equal(t, 10*time.Second, seen.requests[0].At.Sub(w.start))
	})
}

// slowReader pauses before each part but the first.
type slowReader struct {
	parts []string
	every time.Duration
	begun bool
}

func (s *slowReader) Read(b []byte) (int, error) {
	if s.begun {
		time.Sleep(s.every)
	}
	s.begun = true
	if len(s.parts) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.parts[0])
	if s.parts[0] = s.parts[0][n:]; s.parts[0] == "" {
		s.parts = s.parts[1:]
	}
	return n, nil
}
