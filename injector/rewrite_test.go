package injector_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// Each way for a response to go past its client: through the handler over
// HTTP/1.1 and HTTP/2, and through the RoundTripper.
func throughSeams(t *testing.T, in *injector.Injector, h http.Handler) map[string]func(method, path string, header ...string) (*http.Response, string, error) {
	t.Helper()
	plain := httptest.NewServer(h)
	t.Cleanup(plain.Close)
	one, two := serveProtocol(t, in, h, false), serveProtocol(t, in, h, true)
	ask := func(c *http.Client, url string) func(method, path string, header ...string) (*http.Response, string, error) {
		return func(method, path string, header ...string) (*http.Response, string, error) {
			req, err := http.NewRequest(method, url+path, nil)
			require.NoError(t, err)
			for i := 0; i < len(header); i += 2 {
				req.Header.Add(header[i], header[i+1])
			}
			resp, err := c.Do(req)
			if err != nil {
				return nil, "", err
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			return resp, string(body), err
		}
	}
	return map[string]func(method, path string, header ...string) (*http.Response, string, error){
		"HTTP/1.1": ask(one.Client(), one.URL), "HTTP/2": ask(two.Client(), two.URL),
		"RoundTripper": ask(&http.Client{Transport: in.RoundTripper(plain.Client().Transport)}, plain.URL),
	}
}

// sized answers with a body of a known length that depends on its place, and
// says things about it; /chunked does so without a length, in 10 writes.
var sized = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body := []byte(strings.Repeat("0123456789", 100))
	h := w.Header()
	h.Set("Content-Type", "text/x-digits")
	h.Set("ETag", `"digits"`)
	h.Set("Server", "upstream")
	switch r.URL.Path {
	case "/204", "/304":
		status := 204
		if r.URL.Path == "/304" {
			status = 304
			h.Set("Content-Length", "1000")
		}
		w.WriteHeader(status)
	case "/206":
		h.Set("Content-Length", "10")
		h.Set("Content-Range", "bytes 0-9/1000")
		w.WriteHeader(206)
		_, _ = w.Write(body[:10])
	case "/chunked":
		h.Set("Trailer", "X-Sum")
		for i := range 10 {
			_, _ = w.Write(body[100*i : 100*i+100])
			w.(http.Flusher).Flush()
		}
		h.Set("X-Sum", "7")
		h.Set(http.TrailerPrefix+"X-Late", "8")
	default:
		h.Set("Content-Length", "1000")
		_, _ = w.Write(body)
	}
})

func TestRewrite(t *testing.T) {
	t.Parallel()
	page := strings.Repeat("0123456789", 100)
	tests := []struct {
		name    string
		rewrite injector.Rewrite
		method  string
		path    string
		status  int
		body    string
		length  string
		header  map[string]string // "": not there
	}{
		{"status", injector.Rewrite{Status: 418}, "GET", "/", 418, page, "1000", map[string]string{"Etag": `"digits"`, "Content-Type": "text/x-digits"}},
		{"headers", injector.Rewrite{SetHeaders: map[string]string{"x-a": "1", "content-type": "text/x-more"}, RemoveHeaders: []string{"server", "etag"}}, "GET", "/",
			200, page, "1000", map[string]string{"X-A": "1", "Content-Type": "text/x-more", "Server": "", "Etag": ""}},
		{"set after removed", injector.Rewrite{SetHeaders: map[string]string{"Server": "new"}, RemoveHeaders: []string{"Server"}}, "GET", "/", 200, page, "1000", map[string]string{"Server": "new"}},
		{"what net/http would add", injector.Rewrite{RemoveHeaders: []string{"date", "content-type"}}, "GET", "/", 200, page, "1000", map[string]string{"Content-Type": "", "Date": "", "Etag": `"digits"`}},
		{"removed by one, set by the other", injector.Rewrite{RemoveHeaders: []string{"Date"}, SetHeaders: map[string]string{"Date": "never"}}, "GET", "/", 200, page, "1000", map[string]string{"Date": "never"}},
		{"body", injector.Rewrite{Body: new("short")}, "GET", "/", 200, "short", "5", map[string]string{"Etag": "", "Server": "upstream"}},
		{"body instead of a part", injector.Rewrite{Body: new("short")}, "GET", "/206", 200, "short", "5", map[string]string{"Content-Range": ""}},
		{"body and status instead of a part", injector.Rewrite{Status: 206, Body: new("short")}, "GET", "/206", 206, "short", "5", nil},
		{"a part stays one", injector.Rewrite{SetHeaders: map[string]string{"X-A": "1"}}, "GET", "/206", 206, page[:10], "10", map[string]string{"Content-Range": "bytes 0-9/1000"}},
		{"a longer body", injector.Rewrite{Body: new(page + page)}, "GET", "/", 200, page + page, "2000", nil},
		{"an empty body", injector.Rewrite{Body: new("")}, "GET", "/", 200, "", "0", nil},
		{"body instead of chunks", injector.Rewrite{Body: new("short")}, "GET", "/chunked", 200, "short", "5", map[string]string{"Trailer": ""}},
		{"body with an ETag of its own", injector.Rewrite{Body: new("short"), SetHeaders: map[string]string{"ETag": `"x"`}}, "GET", "/", 200, "short", "5", map[string]string{"Etag": `"x"`}},
		{"status without a body", injector.Rewrite{Status: 204}, "GET", "/", 204, "", "", nil},
		{"chunks without a body", injector.Rewrite{Status: 204}, "GET", "/chunked", 204, "", "", map[string]string{"Trailer": ""}},
		{"not modified", injector.Rewrite{Status: 304}, "GET", "/", 304, "", "", nil},
		{"status without a body, and a body", injector.Rewrite{Status: 204, Body: new("x")}, "GET", "/", 204, "", "", nil},
		{"a 204 that becomes a 200", injector.Rewrite{Status: 200}, "GET", "/204", 200, "", "0", nil},
		{"a 304 that becomes a 200", injector.Rewrite{Status: 200}, "GET", "/304", 200, "", "0", nil},
		{"a 204 that gets a body", injector.Rewrite{Status: 200, Body: new("x")}, "GET", "/204", 200, "x", "1", nil},
		{"HEAD", injector.Rewrite{Status: 202, SetHeaders: map[string]string{"X-A": "1"}}, "HEAD", "/", 202, "", "1000", map[string]string{"X-A": "1"}},
		{"HEAD with a body", injector.Rewrite{Body: new("short")}, "HEAD", "/", 200, "", "5", map[string]string{"Etag": ""}},
		{"a status of one's own", injector.Rewrite{Status: 599, Body: new("x")}, "GET", "/", 599, "x", "1", nil},
		{"nonsense is left out", injector.Rewrite{Status: 7, SetHeaders: map[string]string{"Content-Length": "3", "X-A": "a\r\nb", "X-B": "b"}, RemoveHeaders: []string{"Content-Length"}}, "GET", "/",
			200, page, "1000", map[string]string{"X-A": "", "X-B": "b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			seen := &events{}
			in := injector.New(injector.WithObserver(seen))
			in.Apply(faults(injector.FaultInjection{Rewrite: &tt.rewrite}))
			n := 0
			for name, ask := range throughSeams(t, in, sized) {
				for range 2 { // the connection can be used again
					resp, body, err := ask(tt.method, tt.path)
					require.NoError(t, err, name)
					require.Equal(t, tt.status, resp.StatusCode, name)
					require.Equal(t, tt.body, body, name)
					require.Equal(t, tt.length, resp.Header.Get("Content-Length"), name)
					if tt.length != "" {
						require.Equal(t, tt.length, fmt.Sprint(resp.ContentLength), name)
					}
					require.Equal(t, "response_rewrite", resp.Header.Get("X-Mockforge-Fault"), name)
					require.Contains(t, resp.Status, fmt.Sprint(tt.status))
					for key, want := range tt.header {
						require.Equal(t, want, resp.Header.Get(key), "%s: %s", name, key)
					}
					if tt.rewrite.Body != nil || tt.rewrite.Status == 204 {
						require.Empty(t, resp.Trailer, name)
					}
					n++
				}
			}
			require.Equal(t, n, seen.count("response_rewrite"))
			for _, o := range seen.outcomes {
				require.Equal(t, tt.status, o.Status)
				require.Equal(t, "response_rewrite", o.Fault)
				require.Equal(t, tt.status >= 500, o.Failed)
			}
		})
	}
}

// The outer layer comes last, and other faults of the response act on what was
// rewritten.
func TestRewritesOfSeveralLayers(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(injector.Layer{Name: "outer", Config: injector.Config{FaultInjection: &injector.FaultInjection{
		Rewrite: &injector.Rewrite{Status: 203, SetHeaders: map[string]string{"X-A": "outer"}}, PayloadCorruptionProbability: new(1.0), CorruptionType: injector.Truncate}}})
	in.Apply(injector.Layer{Name: "inner", Config: injector.Config{FaultInjection: &injector.FaultInjection{
		Rewrite: &injector.Rewrite{Status: 202, SetHeaders: map[string]string{"X-A": "inner", "X-B": "inner"}, Body: new(strings.Repeat("x", 100))}}}})
	for name, ask := range throughSeams(t, in, sized) {
		resp, body, err := ask(http.MethodGet, "/")
		require.NoError(t, err, name)
		require.Equal(t, 203, resp.StatusCode)
		require.Equal(t, []string{"outer", "inner"}, []string{resp.Header.Get("X-A"), resp.Header.Get("X-B")})
		require.Less(t, len(body), 100)
		require.Equal(t, strings.Repeat("x", len(body)), body)
		require.NotEmpty(t, body)
	}
}

// Of two spellings of one name the same one counts each time.
func TestRewriteOfANameSpelledTwice(t *testing.T) {
	t.Parallel()
	for range 20 {
		in := injector.New()
		in.Apply(faults(injector.FaultInjection{Rewrite: &injector.Rewrite{SetHeaders: map[string]string{"X-A": "1", "x-a": "2", "X-a": "3"}}}))
		require.Equal(t, []string{"2"}, asking(in.Handler(ok), "/").Header()["X-A"])
	}
}

// Where the upstream is not asked there is nothing to rewrite or to dribble, and
// a HEAD has nothing to dribble.
func TestResponseFaultsAreMasked(t *testing.T) {
	t.Parallel()
	both := injector.FaultInjection{Rewrite: &injector.Rewrite{Status: 202}, Dribble: &injector.Dribble{NumberOfChunks: 2, TotalDuration: time.Millisecond}}
	masked := func(f injector.FaultInjection, method string) map[string]bool {
		seen := &events{}
		in := injector.New(injector.WithObserver(seen))
		in.Apply(faults(f))
		in.Handler(ok).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, "/", nil))
		out := map[string]bool{}
		for _, d := range seen.requests[0].Decisions {
			out[d.Kind] = d.Masked
		}
		return out
	}
	require.Equal(t, map[string]bool{"response_rewrite": false, "chunked_dribble_delay": false}, masked(both, http.MethodGet))
	require.Equal(t, map[string]bool{"response_rewrite": false, "chunked_dribble_delay": true}, masked(both, http.MethodHead))
	both.HTTPErrorProbability = new(1.0)
	require.Equal(t, map[string]bool{"http_error": false, "response_rewrite": true, "chunked_dribble_delay": true}, masked(both, http.MethodGet))
}

// An upgraded connection is the upstream's own.
func TestRewriteLeavesUpgradesAlone(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(faults(injector.FaultInjection{Rewrite: &injector.Rewrite{Status: 418, Body: new("x")}}))
	s := serve(t, in, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Upgrade", "echo")
		w.Header().Set("Connection", "Upgrade")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, "echo")
			_ = conn.Close()
		}
	}))
	req, err := http.NewRequest(http.MethodGet, s.URL, nil)
	require.NoError(t, err)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := s.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 101, resp.StatusCode)
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "echo", string(b))
}

func TestRetryAfterOfInjectedErrors(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]string{0: "", time.Nanosecond: "1", 1500 * time.Millisecond: "2", 30 * time.Second: "30"} {
		in := injector.New()
		in.Apply(faults(injector.FaultInjection{HTTPErrorProbability: new(1.0), RetryAfter: &after}))
		for name, ask := range throughSeams(t, in, ok) {
			resp, _, err := ask(http.MethodGet, "/")
			require.NoError(t, err)
			require.Equal(t, want, resp.Header.Get("Retry-After"), name)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		in.Apply(injector.Layer{Name: "step", Config: injector.Config{
			RateLimit:      &injector.RateLimit{RequestsPerSecond: 0.1, BurstSize: 1},
			FaultInjection: &injector.FaultInjection{HTTPErrorProbability: new(1.0), RetryAfter: new(3 * time.Second)},
		}})
		h := in.Handler(ok)
		var got []string
		for range 2 {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			got = append(got, fmt.Sprint(w.Code >= 500, w.Header().Get("Retry-After")))
		}
		require.Equal(t, []string{"true3", "false10"}, got, "the rate limit has its own")
	})
}

// What the upstream writes into a body that is not sent costs it nothing.
func TestRewriteSwallowsTheBody(t *testing.T) {
	t.Parallel()
	for _, r := range []injector.Rewrite{{Status: 204}, {Body: new("x")}, {Status: 304, Body: new("x")}} {
		in := injector.New()
		in.Apply(faults(injector.FaultInjection{Rewrite: &r}))
		wrote := make(chan error, 1)
		s := serve(t, in, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.Copy(w, strings.NewReader(strings.Repeat("x", 100_000)))
			wrote <- err
		}))
		_, _, err := get(s.Client(), s.URL)
		require.NoError(t, err)
		require.NoError(t, <-wrote)
	}
}
