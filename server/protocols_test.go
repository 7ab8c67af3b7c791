package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProtocols(t *testing.T) {
	t.Parallel()
	over(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Add("X-Twice", "1")
		w.Header().Add("X-Twice", "2")
		w.Header().Set("X-Proto", r.Proto)
		w.Header().Set("X-Forwarded-Proto", r.Header.Get("X-Forwarded-Proto"))
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.RequestURI, body)
	}, func(p *plane, r route) {
		req, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.URL()+"/a?b=c", strings.NewReader("text"))
		require.NoError(p, err)
		resp, err := p.client.Do(req)
		require.NoError(p, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(p, err)
		require.Equal(p, http.StatusTeapot, resp.StatusCode)
		require.Equal(p, "POST /a?b=c text", string(body))
		require.Equal(p, []string{"1", "2"}, resp.Header["X-Twice"])
		require.Equal(p, map[string]string{"http": "HTTP/1.1", "https": "HTTP/2.0", "h2c": "HTTP/2.0"}[r.back], resp.Header.Get("X-Proto"))
		require.Equal(p, strings.HasPrefix(r.front, "HTTP/2"), resp.ProtoMajor == 2)
		require.Equal(p, strings.HasSuffix(r.front, "TLS"), resp.Header.Get("X-Forwarded-Proto") == "https")
	})
}

// What has no body stays so, whatever the layers do.
func TestBodyless(t *testing.T) {
	t.Parallel()
	over(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/304":
			w.Header().Set("ETag", `"x"`)
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("Content-Length", "1000")
			if r.Method != http.MethodHead {
				_, _ = w.Write(make([]byte, 1000))
			}
		}
	}, func(p *plane, _ route) {
		for _, l := range append(layers, struct{ name, config string }{"damage",
			`{"enabled": true, "fault_injection": {"partial_responses": true, "partial_response_probability": 1, "payload_corruption": true, "payload_corruption_probability": 1}}`}) {
			p.config(l.config)
			for _, tt := range []struct {
				method, path string
				status       int
				length       int64
			}{{"HEAD", "/", 200, 1000}, {"GET", "/204", 204, 0}, {"GET", "/304", 304, 0}, {"HEAD", "/304", 304, 0}} {
				req, err := http.NewRequestWithContext(p.Context(), tt.method, p.URL()+tt.path, nil)
				require.NoError(p, err)
				resp, err := p.client.Do(req)
				require.NoError(p, err, "%s %v", l.name, tt)
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				require.NoError(p, err, "%s %v", l.name, tt)
				require.Empty(p, body)
				require.Equal(p, tt.status, resp.StatusCode)
				require.Equal(p, tt.length, max(resp.ContentLength, 0), "%s %v", l.name, tt)
			}
		}
	})
}

func TestTrailers(t *testing.T) {
	t.Parallel()
	over(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Announced")
		_, _ = w.Write(body)
		w.Header().Set("X-Announced", r.Trailer.Get("X-Sum"))
		w.Header().Set(http.TrailerPrefix+"X-Unannounced", "yes")
	}, func(p *plane, _ route) {
		for _, l := range layers {
			p.config(l.config)
			req, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.URL(), nil)
			require.NoError(p, err)
			req.Trailer = http.Header{"X-Sum": nil}
			req.ContentLength = -1
			req.Body = io.NopCloser(io.MultiReader(strings.NewReader("body"), readerFunc(func([]byte) (int, error) {
				req.Trailer.Set("X-Sum", "42")
				return 0, io.EOF
			})))
			resp, err := p.client.Do(req)
			require.NoError(p, err, l.name)
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			require.NoError(p, err, l.name)
			require.Equal(p, "body", string(body), l.name)
			require.Equal(p, "42", resp.Trailer.Get("X-Announced"), l.name)
			require.Equal(p, "yes", resp.Trailer.Get("X-Unannounced"), l.name)
		}
	})
}

func TestEarlyHints(t *testing.T) {
	t.Parallel()
	over(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
	}, func(p *plane, _ route) {
		for _, l := range layers {
			p.config(l.config)
			hints := ""
			ctx := httptrace.WithClientTrace(p.Context(), &httptrace.ClientTrace{
				Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
					hints += fmt.Sprint(code, " ", h.Get("Link"))
					return nil
				},
			})
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL(), nil)
			require.NoError(p, err)
			resp, err := p.client.Do(req)
			require.NoError(p, err)
			resp.Body.Close()
			require.Equal(p, http.StatusAccepted, resp.StatusCode, l.name)
			require.Equal(p, "103 </style.css>; rel=preload", hints, l.name)
			if l.name == "latency" {
				require.Equal(p, "5", resp.Header.Get("X-Mockforge-Injected-Latency-Ms"))
			}
		}
	})
}

// The client sends its body only where the upstream wants it.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	over(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		_, _ = io.Copy(w, r.Body)
	}, func(p *plane, r route) {
		p.client.Transport.(*http.Transport).ExpectContinueTimeout = time.Minute
		for _, l := range layers {
			p.config(l.config)
			for path, status := range map[string]int{"/yes": 200, "/no": 417} {
				var asked *atomic.Bool
				within := false
				for tries := 0; !within; tries++ { // who is not answered within a second sends the body unasked
					require.Less(p, tries, 30, "the upstream never answers within a second")
					read := &atomic.Bool{}
					asked = read
					body := readerFunc(func([]byte) (int, error) {
						read.Store(true)
						return 0, io.EOF
					})
					req, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.URL()+path, io.NopCloser(body))
					require.NoError(p, err)
					req.ContentLength = -1
					req.Header.Set("Expect", "100-continue")
					start := time.Now()
					resp, err := p.client.Do(req)
					require.NoError(p, err, "%s %s", l.name, path)
					resp.Body.Close()
					require.Equal(p, status, resp.StatusCode, "%s %s", l.name, path)
					within = path == "/yes" || time.Since(start) < time.Second
				}
				if path == "/yes" || r.back == "http" && strings.HasPrefix(r.front, "HTTP/1.1") {
					require.Equal(p, path == "/yes", asked.Load(), "%s %s", l.name, path)
				}
			}
		}
	})
}
