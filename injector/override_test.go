package injector_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// A request asks for faults by our headers or by Envoy's, and the upstream sees
// none of them.
func TestOverrideHeaders(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	tests := []struct {
		name   string
		header string
		status int
		delay  time.Duration
	}{
		{"nothing", "", 200, 0},
		{"a delay", "X-Mockforge-Fault-Delay-Ms: 150", 200, 150 * ms},
		{"a status", "X-Mockforge-Fault-Status: 418", 418, 0},
		{"both", "X-Mockforge-Fault-Delay-Ms: 150, X-Mockforge-Fault-Status: 418", 418, 150 * ms},
		{"Envoy's", "x-envoy-fault-delay-request: 20, x-envoy-fault-abort-request: 503", 503, 20 * ms},
		{"ours go first", "x-envoy-fault-delay-request: 20, X-Mockforge-Fault-Delay-Ms: 30", 200, 30 * ms},
		{"unless they are not valid", "x-envoy-fault-delay-request: 20, X-Mockforge-Fault-Delay-Ms: soon", 200, 20 * ms},
		{"certainly not", "X-Mockforge-Fault-Delay-Ms: 150, X-Mockforge-Fault-Delay-Percentage: 0, x-envoy-fault-abort-request: 503, x-envoy-fault-abort-request-percentage: 0", 200, 0},
		{"certainly", "X-Mockforge-Fault-Delay-Ms: 150, X-Mockforge-Fault-Delay-Percentage: 100, X-Mockforge-Fault-Status: 500, X-Mockforge-Fault-Status-Percentage: 100.0", 500, 150 * ms},
		{"a percentage that is none", "X-Mockforge-Fault-Status: 500, X-Mockforge-Fault-Status-Percentage: many", 500, 0},
		{"a percentage alone", "X-Mockforge-Fault-Delay-Percentage: 100", 200, 0},
		{"the longest", "X-Mockforge-Fault-Delay-Ms: 600000", 200, injector.MaxOverrideDelay},
		{"too long", "X-Mockforge-Fault-Delay-Ms: 600001", 200, 0},
		{"no whole number", "X-Mockforge-Fault-Delay-Ms: 1.5", 200, 0},
		{"negative", "X-Mockforge-Fault-Delay-Ms: -1, X-Mockforge-Fault-Status: -1", 200, 0},
		{"no status", "X-Mockforge-Fault-Status: 199", 200, 0},
		{"no status either", "X-Mockforge-Fault-Status: 600", 200, 0},
		{"not a number", "X-Mockforge-Fault-Status: NaN, X-Mockforge-Fault-Delay-Ms: Inf", 200, 0},
	}
	for _, tt := range tests {
		for _, seam := range []string{"Handler", "RoundTripper"} {
			t.Run(tt.name+" "+seam, func(t *testing.T) {
				t.Parallel()
				var saw http.Header
				upstream := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { saw = r.Header.Clone() })
				virtual(t, upstream, nil, func(w *world) {
					client := w.client
					if seam == "RoundTripper" {
						client = viaTransport(w, upstream)
					}
					defer w.in.Apply(faults(injector.FaultInjection{OverrideHeaders: true}))()
					req, err := http.NewRequest(http.MethodGet, "http://test/", nil)
					require.NoError(w, err)
					req.Header.Set("X-Kept", "1")
					for _, line := range strings.Split(tt.header, ", ") {
						if name, value, ok := strings.Cut(line, ": "); ok {
							req.Header.Set(name, value)
						}
					}
					before := req.Header.Clone()
					resp, err := client.Do(req)
					require.NoError(w, err)
					resp.Body.Close()
					require.Equal(w, tt.status, resp.StatusCode)
					require.Equal(w, tt.delay, w.elapsed())
					require.Equal(w, before, req.Header, "the client's own request is left alone")
					if tt.delay > 0 {
						requireMs(w.T, tt.delay, resp.Header)
					}
					if tt.status != 200 {
						require.Nil(w, saw)
						require.Equal(w, "http_error", resp.Header.Get("X-Mockforge-Fault"))
						return
					}
					require.Equal(w, "1", saw.Get("X-Kept"))
					for name := range saw {
						require.NotContains(w, strings.ToLower(name), "-fault-")
					}
				})
			})
		}
	}
}

// Without override_headers they are headers like any others.
func TestOverrideHeadersAreOffByDefault(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(faults(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(1e-9)}))
	saw := ""
	h := in.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { saw = r.Header.Get(injector.OverrideHeaderStatus) }))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set(injector.OverrideHeaderStatus, "500")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, 200, w.Code)
	require.Equal(t, "500", saw)
}

// asking sends a request with headers through a handler.
func asking(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The section's matcher, schedule and retry_after_seconds hold for what is
// asked; what it drew itself is masked by the error.
func TestOverridesWithinTheSection(t *testing.T) {
	t.Parallel()
	seen := &events{}
	in := injector.New(injector.WithObserver(seen))
	in.Apply(faults(injector.FaultInjection{
		OverrideHeaders: true, RetryAfter: new(3 * time.Second), ConnectionErrorProbability: new(1.0),
		RequestMatcher: &injector.RequestMatcher{Paths: []string{"/pay"}}, Schedule: &injector.Schedule{Type: "first", Count: 1},
	}))
	h := in.Handler(ok)
	require.Equal(t, 200, asking(h, "/", injector.OverrideHeaderStatus, "418").Code)
	w := asking(h, "/pay", injector.OverrideHeaderStatus, "418")
	require.Equal(t, 418, w.Code)
	require.Equal(t, "3", w.Header().Get("Retry-After"))
	require.Contains(t, w.Body.String(), "HTTP error that the request asked for")
	require.Equal(t, 200, asking(h, "/pay", injector.OverrideHeaderStatus, "418").Code, "the schedule is over")
	ref := injector.LayerRef{Name: "step"}
	require.Equal(t, []injector.Decision{
		{Layer: ref, Kind: "http_error", Status: 418, Retry: 3 * time.Second},
		{Layer: ref, Kind: "connection_error", Status: 503, Masked: true},
	}, seen.requests[1].Decisions)
	require.Equal(t, []injector.Draw{{Kind: "connection_error", Probability: 1, Sampling: injector.Exact, Requests: 1, Masked: 1}}, in.Draws(ref), "what was asked is not drawn")
}

// A percentage is a seeded draw for each request.
func TestOverridePercentages(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) string {
		in := injector.New(injector.WithSeed(seed))
		in.Apply(faults(injector.FaultInjection{OverrideHeaders: true}))
		h := in.Handler(ok)
		var out strings.Builder
		for range 1000 {
			out.WriteString(fmt.Sprint(asking(h, "/", injector.EnvoyHeaderStatus, "503", injector.EnvoyHeaderStatusPercentage, "30").Code, " "))
		}
		return out.String()
	}
	require.InDelta(t, 300, strings.Count(run(1), "503"), 70)
	first := run(1)
	require.Equal(t, first, run(1))
	require.NotEqual(t, run(1), run(2))
}

// At most so many requests of a target have a fault at once; more are masked and
// counted as planned.
func TestMaxActiveFaults(t *testing.T) {
	t.Parallel()
	for _, seam := range []string{"Handler", "RoundTripper"} {
		seen := &events{}
		virtual(t, ok, []injector.Option{injector.WithObserver(seen)}, func(w *world) {
			client := w.client
			if seam == "RoundTripper" {
				client = viaTransport(w, ok)
			}
			defer w.in.Apply(faults(injector.FaultInjection{TimeoutProbability: new(1.0), Timeout: new(time.Second), MaxActiveFaults: new(2)}))()
			ask := func(n int) (failed int) {
				var all sync.WaitGroup
				var mu sync.Mutex
				for range n {
					all.Go(func() {
						resp, _, err := get(client, "http://test/")
						if err != nil {
							w.Error(err)
							return
						}
						mu.Lock()
						defer mu.Unlock()
						if resp.StatusCode == 504 {
							failed++
						}
					})
				}
				all.Wait()
				return failed
			}
			require.Equal(w, 2, ask(5))
			require.Equal(w, time.Second, w.elapsed())
			require.Equal(w, 2, ask(3), "those have ended")
		})
		require.Equal(t, 4, seen.count("timeout"))
		masked := 0
		for _, r := range seen.requests {
			for _, d := range r.Decisions {
				if d.Masked {
					masked++
				}
			}
		}
		require.Equal(t, 4, masked)
	}
}

// A place is given back by whatever way its request ends.
func TestMaxActiveFaultsAreGivenBack(t *testing.T) {
	t.Parallel()
	aborts := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write([]byte("hello, world"))
	})
	tests := map[string]injector.FaultInjection{
		"answer":  {HTTPErrorProbability: new(1.0)},
		"reset":   {ConnectionErrorProbability: new(1.0), ConnectionErrorKind: injector.TCPReset},
		"garbage": {ConnectionErrorProbability: new(1.0), ConnectionErrorKind: injector.RandomData},
		"cut":     {PartialResponseProbability: new(1.0)},
		"body":    {PayloadCorruptionProbability: new(1.0)},
		"rewrite": {Rewrite: &injector.Rewrite{Status: 202}},
	}
	for name, f := range tests {
		for _, opts := range [][]injector.Option{nil, {injector.InOrder()}} {
			in := injector.New(opts...)
			f.MaxActiveFaults = new(1)
			in.Apply(faults(f))
			for seam, ask := range throughSeams(t, in, aborts) {
				for _, path := range []string{"/", "/panic", "/"} {
					_, _, _ = ask(http.MethodGet, path)
				}
				resp, body, err := ask(http.MethodGet, "/")
				require.True(t, err != nil || resp.StatusCode != 200 || body != "hello, world", "%s, %s: still a fault", name, seam)
			}
		}
	}
}

// So is that of a request whose client leaves, wherever it is.
func TestPlacesOfClientsThatLeave(t *testing.T) {
	t.Parallel()
	hour := time.Hour
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 100))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(hour):
		}
	})
	for name, f := range map[string]injector.FaultInjection{
		"held":       {TimeoutProbability: new(1.0), Timeout: &hour},
		"in a piece": {Dribble: &injector.Dribble{NumberOfChunks: 1, TotalDuration: hour}},
		"upstream":   {Rewrite: &injector.Rewrite{SetHeaders: map[string]string{"X-A": "1"}}},
		"asked for":  {OverrideHeaders: true},
	} {
		for _, seam := range []string{"Handler", "RoundTripper"} {
			for _, opt := range []injector.Option{injector.InOrder(), injector.WithSequencer(&sequencer{})} {
				seen := &events{}
				virtual(t, slow, []injector.Option{injector.WithObserver(seen), opt}, func(w *world) {
					client := w.client
					if seam == "RoundTripper" {
						client = viaTransport(w, slow)
					}
					f.MaxActiveFaults = new(2)
					w.in.Apply(faults(f))
					for _, patience := range []time.Duration{0, time.Minute, time.Minute, time.Minute} {
						ctx, cancel := context.WithTimeout(w.Context(), patience)
						req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://test/", nil)
						require.NoError(w, err)
						req.Header.Set(injector.OverrideHeaderDelay, "600000")
						_, _, err = do(client, req)
						require.Error(w, err)
						cancel()
						time.Sleep(time.Second) // the server notices
					}
				})
				for _, r := range seen.requests {
					require.False(t, r.Decisions[0].Masked, "%s, %s: there is room", name, seam)
				}
				require.GreaterOrEqual(t, len(seen.requests), 3)
				require.Len(t, seen.outcomes, len(seen.requests))
			}
		}
	}
}

// So is that of a request whose response nothing changes.
func TestDelaysAreGivenBack(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(faults(injector.FaultInjection{OverrideHeaders: true, MaxActiveFaults: new(1)}))
	h := in.Handler(ok)
	for range 3 {
		require.Equal(t, "1", asking(h, "/", injector.OverrideHeaderDelay, "1").Header().Get("X-Mockforge-Injected-Latency-Ms"))
	}
}

// 0 masks everything, also what is asked.
func TestNoActiveFaults(t *testing.T) {
	t.Parallel()
	seen := &events{}
	in := injector.New(injector.WithObserver(seen))
	in.Apply(faults(injector.FaultInjection{
		HTTPErrorProbability: new(1.0), Rewrite: &injector.Rewrite{Status: 202}, OverrideHeaders: true, MaxActiveFaults: new(0),
	}))
	w := asking(in.Handler(ok), "/", injector.OverrideHeaderStatus, "418", injector.OverrideHeaderDelay, "600000")
	require.Equal(t, 200, w.Code)
	require.Empty(t, w.Header().Get("X-Mockforge-Fault"))
	var kinds []string
	for _, d := range seen.requests[0].Decisions {
		require.True(t, d.Masked)
		kinds = append(kinds, d.Kind)
	}
	require.Equal(t, []string{"latency", "http_error", "http_error", "response_rewrite"}, kinds)
	require.EqualValues(t, 1, in.Draws(injector.LayerRef{Name: "step"})[0].Masked)
}

// FuzzOverrideHeaders: whatever the headers hold, what is asked stays in bounds.
func FuzzOverrideHeaders(f *testing.F) {
	f.Add("150", "50", "503", "12.5")
	f.Add("0x10", "1e2", "٣٠٠", "-0")
	f.Add("600001", "NaN", "99999999999999999999", "Inf")
	f.Fuzz(func(t *testing.T, delay, delayShare, status, statusShare string) {
		book := &notebook{}
		in := injector.New(injector.InOrder(), injector.WithObserver(book))
		in.Apply(faults(injector.FaultInjection{OverrideHeaders: true, MaxActiveFaults: new(0), HTTPErrorProbability: new(1.0)}))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header = http.Header{injector.OverrideHeaderDelay: {delay}, injector.OverrideHeaderDelayPercentage: {delayShare},
			injector.OverrideHeaderStatus: {status}, injector.OverrideHeaderStatusPercentage: {statusShare}}
		in.Handler(ok).ServeHTTP(httptest.NewRecorder(), r)
		r.Header = http.Header{"Content-Type": {"application/grpc"}, injector.OverrideHeaderGRPCStatus: {status}, injector.OverrideHeaderStatusPercentage: {statusShare}}
		in.Handler(ok).ServeHTTP(httptest.NewRecorder(), r)
		for _, note := range book.notes {
			if q, is := note.(injector.Request); is && q.Asked != nil {
				a := *q.Asked
				require.NotZero(t, a)
				require.True(t, a.Delay >= 0 && a.Delay <= injector.MaxOverrideDelay, a)
				require.True(t, a.Status == 0 || a.Status >= 200 && a.Status <= 599, a)
				require.True(t, a.GRPCStatus == nil || *a.GRPCStatus >= 0 && *a.GRPCStatus <= math.MaxInt32 && q.Protocol == injector.ProtocolGRPC, a)
				require.True(t, a.DelayPercentage >= 0 && a.DelayPercentage <= 100 && a.StatusPercentage >= 0 && a.StatusPercentage <= 100, a)
			}
		}
	})
}
