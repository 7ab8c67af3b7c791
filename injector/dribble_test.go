package injector_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// arrivals reads a body and notes how many bytes came when, after its header.
func arrivals(t testing.TB, resp *http.Response) (came []string, body string) {
	start, got, n := time.Now(), []byte{}, 0
	b := make([]byte, 1<<20)
	for {
		m, err := resp.Body.Read(b)
		got = append(got, b[:m]...)
		at := fmt.Sprint(time.Since(start).Round(time.Microsecond))
		if m > 0 {
			if last := len(came) - 1; last >= 0 && strings.HasSuffix(came[last], " "+at) {
				n += m
				came[last] = fmt.Sprint(n, " ", at)
			} else {
				n = m
				came = append(came, fmt.Sprint(m, " ", at))
			}
		}
		if err == io.EOF {
			return came, string(got)
		}
		require.NoError(t, err)
	}
}

// viaTransport is a client whose RoundTripper injects, over a plain network.
func viaTransport(w *world, h http.Handler) *http.Client {
	lis := newMemory()
	server := &http.Server{Handler: h}
	go func() { _ = server.Serve(lis) }() // ends when the test closes it
	transport := &http.Transport{DialContext: lis.dial}
	time.AfterFunc(30*time.Minute, func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return &http.Client{Transport: w.in.RoundTripper(transport)}
}

func TestDribble(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	tests := []struct {
		name    string
		dribble injector.Dribble
		path    string
		want    string
		length  string
	}{
		{"equal pieces", injector.Dribble{NumberOfChunks: 4, TotalDuration: 1000 * ms}, "/", "250 250ms, 250 500ms, 250 750ms, 250 1s", "1000"},
		{"one", injector.Dribble{NumberOfChunks: 1, TotalDuration: 500 * ms}, "/", "1000 500ms", "1000"},
		{"the longer ones first", injector.Dribble{NumberOfChunks: 3, TotalDuration: 300 * ms}, "/", "334 100ms, 333 200ms, 333 300ms", "1000"},
		{"no more than bytes", injector.Dribble{NumberOfChunks: 5000, TotalDuration: time.Second}, "/short", "1 333.333ms, 1 666.667ms, 1 1s", "3"},
		{"of unknown length, each write", injector.Dribble{NumberOfChunks: 4, TotalDuration: 1000 * ms}, "/chunked", "100 250ms, 100 500ms, 100 750ms, 700 1s", ""},
		{"of unknown length, fewer writes", injector.Dribble{NumberOfChunks: 20, TotalDuration: 1000 * ms}, "/chunked",
			"100 50ms, 100 100ms, 100 150ms, 100 200ms, 100 250ms, 100 300ms, 100 350ms, 100 400ms, 100 450ms, 100 500ms", ""},
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/short" {
			w.Header().Set("Content-Length", "3")
			_, _ = io.WriteString(w, "abc")
			return
		}
		sized(w, r)
	})
	for _, tt := range tests {
		for _, seam := range []string{"Handler", "RoundTripper"} {
			t.Run(tt.name+" "+seam, func(t *testing.T) {
				t.Parallel()
				virtual(t, h, nil, func(w *world) {
					client := w.client
					if seam == "RoundTripper" {
						client = viaTransport(w, h)
					}
					defer w.in.Apply(faults(injector.FaultInjection{Dribble: &tt.dribble}))()
					resp, err := client.Get("http://test" + tt.path)
					require.NoError(w, err)
					defer resp.Body.Close()
					require.Zero(w, w.elapsed(), "the header is not late")
					require.Equal(w, "chunked_dribble_delay", resp.Header.Get("X-Mockforge-Fault"))
					require.Equal(w, tt.length, resp.Header.Get("Content-Length"))
					came, body := arrivals(w, resp)
					require.Equal(w, tt.want, strings.Join(came, ", "))
					want := strings.Repeat("0123456789", 100)
					if tt.path == "/short" {
						want = "abc"
					}
					require.Equal(w, want, body)
				})
			})
		}
	}
}

// A handler that says nothing of its body's length, and neither flushes it nor
// writes much, has a body of known length all the same, as with net/http; trailers
// stay.
func TestDribbleOfASilentHandler(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		handler http.HandlerFunc
		length  string
		want    []string
		trailer string
	}{
		{"short", func(w http.ResponseWriter, _ *http.Request) {
			for range 10 {
				_, _ = w.Write(make([]byte, 10))
			}
		}, "100", []string{"50 500ms", "50 1s"}, ""},
		{"with trailers", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 100))
			w.Header().Set(http.TrailerPrefix+"X-Sum", "7")
		}, "", []string{"100 500ms"}, "7"},
		{"long", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 60<<10))
			_, _ = w.Write(make([]byte, 5<<10))
		}, "", []string{"16384 500ms", "50176 1s"}, ""},
		{"empty", func(http.ResponseWriter, *http.Request) {}, "0", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			virtual(t, tt.handler, nil, func(w *world) {
				defer w.in.Apply(faults(injector.FaultInjection{Dribble: &injector.Dribble{NumberOfChunks: 2, TotalDuration: time.Second}}))()
				resp, err := w.client.Get("http://test/")
				require.NoError(w, err)
				defer resp.Body.Close()
				require.Equal(w, tt.length, resp.Header.Get("Content-Length"))
				came, _ := arrivals(w, resp)
				require.Equal(w, tt.want, came)
				require.Equal(w, tt.trailer, resp.Trailer.Get("X-Sum"))
			})
		})
	}
}

// Bytes are never changed, whatever their number and however they are written.
func TestDribbleKeepsTheBytes(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 999, 70_000, 300_001} {
		for _, step := range []int{1 << 20, 7919} {
			virtual(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", fmt.Sprint(size))
				for b := noise(size); len(b) > 0; b = b[min(step, len(b)):] {
					_, _ = w.Write(b[:min(step, len(b))])
				}
			}), nil, func(w *world) {
				defer w.in.Apply(faults(injector.FaultInjection{Dribble: &injector.Dribble{NumberOfChunks: 17, TotalDuration: time.Second}}))()
				_, body, err := get(w.client, "http://test/")
				require.NoError(w, err)
				require.Equal(w, string(noise(size)), body)
				require.Equal(w, time.Second, w.elapsed())
			})
		}
	}
}

func noise(size int) []byte {
	out := make([]byte, size)
	for i := range out {
		out[i] = byte(injector.Mix(7, uint64(i)))
	}
	return out
}

// Of two layers' dribbles the slower one is what the client sees; a client that
// leaves ends it, and so does Release.
func TestDribbleEnds(t *testing.T) {
	t.Parallel()
	slow := injector.Dribble{NumberOfChunks: 2, TotalDuration: time.Second}
	virtual(t, sized, nil, func(w *world) {
		w.in.Apply(faults(injector.FaultInjection{Dribble: &slow}))
		w.in.Apply(faults(injector.FaultInjection{Dribble: &injector.Dribble{NumberOfChunks: 4, TotalDuration: 400 * time.Millisecond}}))
		resp, err := w.client.Get("http://test/")
		require.NoError(w, err)
		defer resp.Body.Close()
		came, _ := arrivals(w, resp)
		require.Equal(w, []string{"500 500ms", "500 1s"}, came)
	})
	virtual(t, sized, nil, func(w *world) {
		remove := w.in.Apply(faults(injector.FaultInjection{Dribble: &slow}))
		time.AfterFunc(100*time.Millisecond, remove)       // what was decided stays
		time.AfterFunc(700*time.Millisecond, w.in.Release) // cuts it short
		resp, err := w.client.Get("http://test/")
		require.NoError(w, err)
		defer resp.Body.Close()
		came, _ := arrivals(w, resp)
		require.Equal(w, []string{"500 500ms", "500 700ms"}, came)
	})
	seen := &events{}
	virtual(t, sized, []injector.Option{injector.WithObserver(seen)}, func(w *world) {
		w.in.Apply(faults(injector.FaultInjection{Dribble: &slow}))
		w.client.Timeout = 700 * time.Millisecond
		_, body, err := get(w.client, "http://test/")
		require.Error(w, err)
		require.Len(w, body, 500)
		time.Sleep(time.Minute) // the server notices
	})
	require.Len(t, seen.outcomes, 1)
	require.True(t, seen.outcomes[0].Canceled)
}

// Its header leaves before its body, and says the same of it as one that does
// not dribble: the type too, which net/http finds out from the first bytes.
func TestDribbleKeepsTheHeader(t *testing.T) {
	t.Parallel()
	page := "<html>" + strings.Repeat("0123456789", 100)
	answer := func(header string, steps ...int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if name, value, ok := strings.Cut(header, ": "); ok {
				w.Header().Set(name, value)
			}
			w.Header()["Date"] = nil
			b := page
			for _, n := range steps {
				_, _ = io.WriteString(w, b[:n])
				b = b[n:]
			}
			_, _ = io.WriteString(w, b)
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"of unknown length": answer(""), "of known length": answer("Content-Length: 1006"),
		"by bytes": answer("", 1, 1), "of known length, by bytes": answer("Content-Length: 1006", 1, 2),
		"encoded": answer("Content-Encoding: x"), "of a type": answer("Content-Type: text/x"),
		"long": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat(page, 100)) },
		"without": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, page)
		},
		"empty":      func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "0") },
		"no content": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"flushed first": func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, page)
		},
	} {
		plain, dribbles := injector.New(), injector.New()
		rewrite := injector.FaultInjection{Rewrite: &injector.Rewrite{SetHeaders: map[string]string{"X-A": "a"}}}
		plain.Apply(faults(rewrite))
		rewrite.Dribble = &injector.Dribble{NumberOfChunks: 2, TotalDuration: 2 * time.Millisecond}
		dribbles.Apply(faults(rewrite))
		seams := throughSeams(t, dribbles, h)
		for seam, ask := range throughSeams(t, plain, h) {
			want, wantBody, err := ask(http.MethodGet, "/")
			require.NoError(t, err)
			got, body, err := seams[seam](http.MethodGet, "/")
			require.NoError(t, err)
			require.Equal(t, wantBody, body, "%s, %s", name, seam)
			want.Header.Del("Date")
			got.Header.Del("Date")
			require.Equal(t, want.Header, got.Header, "%s, %s", name, seam)
			require.Equal(t, want.ContentLength, got.ContentLength, "%s, %s", name, seam)
		}
	}
}

// So does a body that stands in place of the upstream's.
func TestDribbleOfARewrittenBody(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(faults(injector.FaultInjection{
		Rewrite: &injector.Rewrite{Body: new("<html>")}, Dribble: &injector.Dribble{NumberOfChunks: 2, TotalDuration: 2 * time.Millisecond},
	}))
	resp, body, err := get(fresh(), serve(t, in, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).URL)
	require.NoError(t, err)
	require.Equal(t, "<html>", body)
	require.Equal(t, "text/html; charset=utf-8", resp.Header.Get("Content-Type"))
}
