package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/server"
)

// Where the client has gone, the upstream's work is for nothing.
func TestClientGone(t *testing.T) {
	t.Parallel()
	type visit struct{ arrived, cancelled chan struct{} }
	var visits sync.Map
	over(t, func(_ http.ResponseWriter, r *http.Request) {
		v, _ := visits.Load(r.URL.Path)
		// net/http tells of the end only to those who have read.
		go func() { _, _ = io.Copy(io.Discard, r.Body) }()
		close(v.(*visit).arrived)
		<-r.Context().Done()
		close(v.(*visit).cancelled)
	}, func(p *plane, r route) {
		for _, l := range layers {
			p.config(l.config)
			for name, body := range map[string]io.Reader{
				"none": nil, "short": strings.NewReader("text"), "long": noise(1 << 20), "endless": noise(1 << 60),
			} {
				v := &visit{make(chan struct{}), make(chan struct{})}
				path := "/" + strings.ReplaceAll(r.front+r.back, "/", "") + "/" + l.name + "/" + name
				path = strings.ReplaceAll(path, " ", "")
				visits.Store(path, v)
				ctx, cancel := context.WithCancel(p.Context())
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL()+path, body)
				require.NoError(p, err)
				failed := make(chan error, 1)
				go func() {
					resp, err := p.client.Do(req)
					if err == nil {
						resp.Body.Close()
					}
					failed <- err
				}()
				wait(p, v.arrived, path)
				cancel()
				wait(p, v.cancelled, path)
				require.Error(p, <-failed)
			}
		}
	})
}

// wait waits for what has to happen, long enough for any machine.
func wait(p *plane, c <-chan struct{}, what string) {
	p.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		require.Fail(p, "nothing happened: "+what)
	}
}

// A wait ends when the client leaves, also where nobody has read its body.
func TestClientGoneWhileHeldUp(t *testing.T) {
	t.Parallel()
	held := map[string]string{
		"latency":   `"latency": {"fixed_delay_ms": 3600000, "probability": 1}`,
		"timeout":   `"fault_injection": {"timeout_errors": true, "timeout_probability": 1, "timeout_ms": 3600000}`,
		"partition": `"traffic_shaping": {"packet_loss_percent": 100}`,
	}
	bodies := map[string]func(context.Context) io.Reader{
		"none":    func(context.Context) io.Reader { return nil },
		"short":   func(context.Context) io.Reader { return strings.NewReader("text") },
		"chunked": func(context.Context) io.Reader { return noise(16 << 10) }, // less than the kernel takes in by itself
		"begun": func(ctx context.Context) io.Reader {
			return io.MultiReader(strings.NewReader("text"), readerFunc(func([]byte) (int, error) {
				<-ctx.Done()
				return 0, ctx.Err()
			}))
		},
	}
	for _, front := range fronts {
		for fault, config := range held {
			for name, body := range bodies {
				if runtime.GOOS != "linux" && strings.HasPrefix(front, "HTTP/1.1") && (name == "chunked" || name == "begun") {
					continue // net/http notices only what it reads
				}
				t.Run(strings.ReplaceAll(front, "/", "")+" "+fault+" "+name, func(t *testing.T) {
					t.Parallel()
					p := startRoute(t, route{front, "http"}, say)
					p.config(`{"bulkhead": {"max_concurrent_requests": 1, "max_queue_size": 0}, ` + config + `}`)
					inside := func(n int) {
						t.Helper()
						series := fmt.Sprintf("\nmockforge_chaos_bulkhead_concurrent_requests{bulkhead_name=\"default\"} %d\n", n)
						require.True(t, eventually(func() bool { return strings.Contains(p.call("GET", "/metrics", ""), series) }),
							"it is never %d inside", n)
					}
					// Twice: who leaves makes room for the next.
					for range 2 {
						ctx, leave := context.WithCancel(t.Context())
						req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL(), body(ctx))
						require.NoError(t, err)
						left := make(chan error, 1)
						go func() {
							resp, err := p.client.Do(req)
							if err == nil {
								resp.Body.Close()
							}
							left <- err
						}()
						inside(1)
						resp, _, err := p.get("/")
						require.NoError(t, err)
						require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
						leave()
						require.Error(t, <-left)
						inside(0)
					}
				})
			}
		}
	}
}

func TestUpstreamGone(t *testing.T) {
	t.Parallel()
	over(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", "100")
		}
		_, _ = io.WriteString(w, "some")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}, func(p *plane, _ route) {
		for _, l := range layers {
			p.config(l.config)
			for _, path := range []string{"/length", "/chunked"} {
				resp, body, err := p.get(path)
				require.Error(p, err, "%s %s: %q is not all", l.name, path, body)
				require.NotNil(p, resp)
				require.Equal(p, "some", body, "%s %s", l.name, path)
			}
		}
	})
}

func TestUpstreamRefuses(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https", "h2c"} {
		p := startPlane(t, server.Options{Targets: []server.Target{{Name: "payments", Upstream: scheme + "://127.0.0.1:1"}}})
		resp, body, err := p.get("/payments/1")
		require.NoError(t, err)
		require.Equal(t, http.StatusBadGateway, resp.StatusCode)
		var failure server.Failure
		require.NoError(t, json.Unmarshal([]byte(body), &failure), body)
		require.Contains(t, failure.Error, "payments")
		require.Contains(t, failure.Error, "refused")
	}
}

// An upstream that hangs up without an answer is a 502, too, and one with a
// certificate that nobody trusts.
func TestUpstreamMisbehaves(t *testing.T) {
	t.Parallel()
	hangsUp := backend(t, "http", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for _, upstream := range []string{hangsUp, strings.Replace(hangsUp, "http:", "h2c:", 1), strings.Replace(hangsUp, "http:", "https:", 1), backend(t, "https", witness("x"))} {
		p := startPlane(t, server.Options{Upstream: upstream})
		resp, body, err := p.get("/")
		require.NoError(t, err)
		require.Equal(t, http.StatusBadGateway, resp.StatusCode, body)
		require.Contains(t, body, "the upstream of target default")
	}
}
