package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/server/client"
)

// A seen request, as the server got it.
type seen struct {
	line   string // "GET /api/chaos/status"
	body   string
	header http.Header
}

// A recorder is a server that keeps what it is asked.
type recorder struct {
	*httptest.Server
	mu   sync.Mutex
	seen []seen
}

// record starts a server with a handler. Requests reach the handler with their
// body read and put back.
func record(t *testing.T, h http.HandlerFunc) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		r.mu.Lock()
		r.seen = append(r.seen, seen{request.Method + " " + request.URL.RequestURI(), string(body), request.Header})
		r.mu.Unlock()
		h(w, request)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) requests() []seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

// answer is a handler that always says the same.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func newClient(t *testing.T, url string, opts ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(url, append([]client.Option{client.WithPollInterval(time.Millisecond)}, opts...)...)
	require.NoError(t, err)
	return c
}
