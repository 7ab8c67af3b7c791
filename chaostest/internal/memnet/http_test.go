package memnet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestHTTP holds what net/http does over this network, on virtual time,
// against what it does over loopback TCP in real time.
func TestHTTP(t *testing.T) {
	t.Parallel()
	sleeper := func(d time.Duration) http.HandlerFunc {
		return func(_ http.ResponseWriter, r *http.Request) { time.Sleep(d) }
	}
	// timed makes one request and tells when it was done and what came of it.
	timed := func(w *web, start time.Time) string {
		resp, err := w.client.Get("http://web/")
		took := time.Since(start)
		if err != nil {
			return fmt.Sprintf("%v: %v", took, err)
		}
		defer resp.Body.Close()
		return fmt.Sprintf("%v: %d", took, resp.StatusCode)
	}
	tests := []struct {
		name string
		why  string
		run  func(t *testing.T, start time.Time) (*web, string)
		want string
	}{
		{
			name: "handler sleeps",
			run: func(t *testing.T, start time.Time) (*web, string) {
				w := serve(t, sleeper(5*time.Second), nil)
				return w, timed(w, start)
			},
			want: "5s: 200",
		},
		{
			name: "client timeout",
			run: func(t *testing.T, start time.Time) (*web, string) {
				w := serve(t, sleeper(5*time.Second), func(w *web) { w.client.Timeout = time.Second })
				_, err := w.client.Get("http://web/")
				var timeout net.Error
				require.ErrorAs(t, err, &timeout)
				return w, fmt.Sprintf("%v: timeout %v", time.Since(start), timeout.Timeout())
			},
			want: "1s: timeout true",
		},
		{
			name: "context deadline",
			run: func(t *testing.T, start time.Time) (*web, string) {
				w := serve(t, sleeper(5*time.Second), nil)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://web/", nil)
				require.NoError(t, err)
				_, err = w.client.Do(req)
				return w, fmt.Sprintf("%v: deadline %v", time.Since(start), errors.Is(err, context.DeadlineExceeded))
			},
			want: "1s: deadline true",
		},
		{
			name: "server sees the client leave",
			run: func(t *testing.T, start time.Time) (*web, string) {
				seen := make(chan time.Duration, 1)
				w := serve(t, func(_ http.ResponseWriter, r *http.Request) {
					<-r.Context().Done()
					seen <- time.Since(start)
				}, func(w *web) { w.client.Timeout = time.Second })
				_, err := w.client.Get("http://web/")
				require.Error(t, err)
				return w, (<-seen).String()
			},
			want: "1s",
		},
		{
			name: "response header timeout",
			run: func(t *testing.T, start time.Time) (*web, string) {
				w := serve(t, sleeper(5*time.Second), func(w *web) { w.transport.ResponseHeaderTimeout = time.Second })
				return w, timed(w, start)
			},
			want: `1s: Get "http://web/": net/http: timeout awaiting response headers`,
		},
		{
			name: "server write timeout, small answer",
			why:  "an expired deadline fails a write although the buffer has room",
			run: func(t *testing.T, start time.Time) (*web, string) {
				w := serve(t, sleeper(2*time.Second), func(w *web) { w.server.WriteTimeout = time.Second })
				return w, timed(w, start)
			},
			want: `2s: Get "http://web/": EOF`,
		},
		{
			name: "server write timeout, stalled reader",
			run: func(t *testing.T, start time.Time) (*web, string) {
				failed := make(chan string, 1)
				w := serve(t, func(rw http.ResponseWriter, _ *http.Request) {
					for {
						if _, err := rw.Write(make([]byte, 32<<10)); err != nil {
							failed <- fmt.Sprintf("%v: timeout %v", time.Since(start), errors.Is(err, os.ErrDeadlineExceeded))
							return
						}
					}
				}, func(w *web) { w.server.WriteTimeout = time.Second })
				resp, err := w.client.Get("http://web/")
				require.NoError(t, err)
				defer resp.Body.Close()
				return w, <-failed
			},
			want: "1s: timeout true",
		},
		{
			name: "server read header timeout",
			run: func(t *testing.T, start time.Time) (*web, string) {
				w := serve(t, sleeper(0), func(w *web) { w.server.ReadHeaderTimeout = time.Second })
				c := dial(t, w.network, "web:80")
				defer c.Close()
				write(t, c, "GET / HTT")
				_, err := io.ReadAll(c)
				return w, fmt.Sprintf("%v: %v", time.Since(start), err)
			},
			want: "1s: <nil>",
		},
		{
			name: "server read timeout, slow body",
			run: func(t *testing.T, start time.Time) (*web, string) {
				failed := make(chan string, 1)
				w := serve(t, func(_ http.ResponseWriter, r *http.Request) {
					_, err := io.ReadAll(r.Body)
					failed <- fmt.Sprintf("%v: timeout %v", time.Since(start), errors.Is(err, os.ErrDeadlineExceeded))
				}, func(w *web) { w.server.ReadTimeout = time.Second })
				c := dial(t, w.network, "web:80")
				defer c.Close()
				write(t, c, "POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\nab")
				return w, <-failed
			},
			want: "1s: timeout true",
		},
		{
			name: "server idle timeout",
			run: func(t *testing.T, start time.Time) (*web, string) {
				w := serve(t, sleeper(0), func(w *web) { w.server.IdleTimeout = 10 * time.Second })
				c := dial(t, w.network, "web:80")
				defer c.Close()
				write(t, c, "GET / HTTP/1.1\r\nHost: web\r\n\r\n")
				_, err := io.ReadAll(c)
				return w, fmt.Sprintf("%v: %v", time.Since(start), err)
			},
			want: "10s: <nil>",
		},
		{
			name: "transport idle connection timeout",
			run: func(t *testing.T, start time.Time) (*web, string) {
				ended := make(chan time.Duration, 1)
				w := serve(t, sleeper(0), func(w *web) {
					w.transport.IdleConnTimeout = 10 * time.Second
					w.server.ConnState = func(_ net.Conn, s http.ConnState) {
						if s == http.StateClosed {
							ended <- time.Since(start)
						}
					}
				})
				require.Equal(t, "0s: 200", timed(w, start))
				return w, (<-ended).String()
			},
			want: "10s",
		},
		{
			name: "timeout handler",
			run: func(t *testing.T, start time.Time) (*web, string) {
				w := serve(t, nil, func(w *web) { w.server.Handler = http.TimeoutHandler(sleeper(5*time.Second), time.Second, "late") })
				return w, timed(w, start)
			},
			want: "1s: 503",
		},
		{
			name: "abort handler",
			run: func(t *testing.T, start time.Time) (*web, string) {
				w := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil)
				return w, timed(w, start)
			},
			want: `0s: Get "http://web/": EOF`,
		},
		{
			name: "slow stream",
			run: func(t *testing.T, start time.Time) (*web, string) {
				w := serve(t, func(rw http.ResponseWriter, _ *http.Request) {
					for range 10 {
						_, _ = io.WriteString(rw, "x")
						rw.(http.Flusher).Flush()
						time.Sleep(100 * time.Millisecond)
					}
				}, nil)
				resp, err := w.client.Get("http://web/")
				require.NoError(t, err)
				defer resp.Body.Close()
				var at []time.Duration
				for p := make([]byte, 1); err == nil; {
					_, err = io.ReadFull(resp.Body, p)
					at = append(at, time.Since(start))
				}
				return w, fmt.Sprintf("first %v, last %v, end %v: %v", at[0], at[9], at[10], err)
			},
			want: "first 0s, last 900ms, end 1s: EOF",
		},
		{
			name: "both write a lot at once",
			run: func(t *testing.T, start time.Time) (*web, string) {
				big := bytes.Repeat([]byte("x"), 1<<20)
				w := serve(t, func(rw http.ResponseWriter, r *http.Request) {
					_ = http.NewResponseController(rw).EnableFullDuplex()
					written := make(chan struct{})
					go func() {
						defer close(written)
						_, _ = rw.Write(big)
					}()
					_, _ = io.Copy(io.Discard, r.Body)
					<-written
				}, nil)
				resp, err := w.client.Post("http://web/", "text/plain", bytes.NewReader(big))
				require.NoError(t, err)
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				return w, fmt.Sprintf("%v: %d %v", time.Since(start), len(got), err)
			},
			want: "0s: 1048576 <nil>",
		},
		{
			name: "early answer to a large upload",
			why:  "the server half-closes and waits 500 ms before its close turns into a reset: the answer must arrive",
			run: func(t *testing.T, start time.Time) (*web, string) {
				w := serve(t, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusRequestEntityTooLarge) }, nil)
				resp, err := w.client.Post("http://web/", "text/plain", strings.NewReader(strings.Repeat("x", 8<<20)))
				require.NoError(t, err)
				_, err = io.Copy(io.Discard, resp.Body)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				return w, fmt.Sprintf("%v: %d", time.Since(start), resp.StatusCode)
			},
			want: "0s: 413",
		},
		{
			name: "hijacked and reset",
			run: func(t *testing.T, start time.Time) (*web, string) {
				w := serve(t, func(rw http.ResponseWriter, _ *http.Request) {
					c, _, _ := http.NewResponseController(rw).Hijack()
					_ = c.(interface{ SetLinger(int) error }).SetLinger(0)
					_ = c.Close()
				}, nil)
				_, err := w.client.Get("http://web/")
				return w, fmt.Sprintf("%v: reset %v", time.Since(start), errors.Is(err, syscall.ECONNRESET))
			},
			want: "0s: reset true",
		},
		{
			name: "nobody listens",
			run: func(t *testing.T, start time.Time) (*web, string) {
				w := serve(t, sleeper(0), nil)
				_, err := w.client.Get("http://127.0.0.1:9/")
				return w, err.Error()
			},
			want: `Get "http://127.0.0.1:9/": dial tcp 127.0.0.1:9: connect: connection refused`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, got := tt.run(t, time.Now())
				require.Equal(t, tt.want, got, tt.why)
				w.stop(t)
			})
		})
	}
}

func TestHTTPReusesItsConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := serve(t, func(rw http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(rw, r.RemoteAddr) }, nil)
		for range 3 {
			resp, err := w.client.Get("http://web/")
			require.NoError(t, err)
			got, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, "127.0.0.1:40001", string(got))
			time.Sleep(time.Minute)
		}
		w.stop(t)
	})
}
