package injector_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// graph is a layer with a section for GraphQL.
func graph(g injector.GraphQL) injector.Layer {
	return injector.Layer{Name: "step", Config: injector.Config{GraphQL: &g}}
}

// A graphServer answers operations with their names, and keeps what it was
// asked.
type graphServer struct {
	mu     sync.Mutex
	bodies []string
	coding string // that the last request accepts
	data   string // what it answers; "": {"name":NAME,"items":[{"price":1},{"price":2}]}
	header http.Header
	status int
}

func (s *graphServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.bodies = append(s.bodies, string(body))
	s.coding = r.Header.Get("Accept-Encoding")
	s.mu.Unlock()
	type op struct{ OperationName string }
	one := func(o op) json.RawMessage {
		if s.data != "" {
			return json.RawMessage(s.data)
		}
		return json.RawMessage(`{"data":{"name":"` + o.OperationName + `","items":[{"price":1},{"price":2}]}}`)
	}
	var out any
	var batch []op
	var single op
	if json.Unmarshal(body, &batch) == nil {
		all := []json.RawMessage{}
		for _, o := range batch {
			all = append(all, one(o))
		}
		out = all
	} else {
		_ = json.Unmarshal(body, &single) // a body of another kind has no name
		out = one(single)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	for k, v := range s.header {
		w.Header()[k] = v
	}
	if s.status != 0 {
		w.WriteHeader(s.status)
	}
	b, _ := json.Marshal(out)
	_, _ = w.Write(b)
}

func (s *graphServer) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.bodies...)
}

// bothSeams runs a test with the injector in front of a server, and inside its
// client.
func bothSeams(t *testing.T, f func(t *testing.T, rig func(h http.Handler, o ...injector.Option) (*injector.Injector, *http.Client, string))) {
	t.Helper()
	for _, seam := range []string{"handler", "transport"} {
		t.Run(seam, func(t *testing.T) {
			t.Parallel()
			f(t, func(h http.Handler, opts ...injector.Option) (*injector.Injector, *http.Client, string) {
				in := injector.New(opts...)
				front := h
				if seam == "handler" {
					front = in.Handler(h)
				}
				s := httptest.NewServer(front)
				t.Cleanup(s.Close)
				t.Cleanup(func() { in.Release() })
				client := &http.Client{Transport: s.Client().Transport}
				if seam == "transport" {
					client.Transport = in.RoundTripper(client.Transport)
				}
				return in, client, s.URL
			})
		})
	}
}

// postJSON sends JSON and returns the response and its body.
func postJSON(t *testing.T, c *http.Client, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return send(t, c, r)
}

func send(t *testing.T, c *http.Client, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	var b bytes.Buffer
	_, err = io.Copy(&b, resp.Body)
	require.NoError(t, err)
	return resp, b.String()
}

// awaited is events whose outcomes can be waited for: over a network a client
// may have its response before the request has ended.
type awaited struct {
	events
	ended chan *injector.Outcome
}

func newAwaited() *awaited { return &awaited{ended: make(chan *injector.Outcome, 100)} }

func (a *awaited) Done(o *injector.Outcome) { a.ended <- o }

// same requires two texts to be equal byte by byte.
func same(t *testing.T, want, got string, message ...any) {
	t.Helper()
	require.Equal(t, want, got, message...)
}

// op is the body of one operation.
func op(kind, name string) string {
	return `{"query":"` + kind + ` ` + name + ` { name items { price } }","operationName":"` + name + `"}`
}
