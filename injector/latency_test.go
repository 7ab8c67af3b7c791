package injector_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

func slow(d time.Duration) injector.Layer {
	return injector.Layer{Name: "slow", Config: injector.Config{Latency: &injector.Latency{FixedDelay: d}}}
}

func TestLatencyIsExact(t *testing.T) {
	t.Parallel()
	virtual(t, ok, nil, func(w *world) {
		w.in.Apply(slow(250 * time.Millisecond))
		resp, body, err := get(w.client, "http://test")
		require.NoError(w, err)
		require.Equal(w, 250*time.Millisecond, w.elapsed())
		require.Equal(w, "hello, world", body)
		require.Equal(w, "latency", resp.Header.Get("X-Mockforge-Fault"))
		require.Equal(w, "250", resp.Header.Get("X-Mockforge-Injected-Latency-Ms"))
	})
}

func TestDelaysOfLayersAddUp(t *testing.T) {
	t.Parallel()
	virtual(t, ok, nil, func(w *world) {
		w.in.Apply(slow(100 * time.Millisecond))
		w.in.Apply(injector.Layer{Name: "both", Config: injector.Config{
			Latency:        &injector.Latency{FixedDelay: 50500 * time.Microsecond},
			FaultInjection: &injector.FaultInjection{HTTPErrors: []int{500}, HTTPErrorProbability: new(1.0)},
		}})
		w.in.Apply(slow(time.Hour)) // never entered
		resp, _, err := get(w.client, "http://test")
		require.NoError(w, err)
		require.Equal(w, 150500*time.Microsecond, w.elapsed())
		require.Equal(w, []string{"latency", "http_error"}, resp.Header["X-Mockforge-Fault"])
		require.Equal(w, []string{"slow", "both"}, resp.Header["X-Mockforge-Step"])
		require.Equal(w, []string{"150.5"}, resp.Header["X-Mockforge-Injected-Latency-Ms"])
	})
}

func TestLatencyRange(t *testing.T) {
	t.Parallel()
	virtual(t, ok, []injector.Option{injector.WithSeed(5)}, func(w *world) {
		lo, hi := 100*time.Millisecond, 200*time.Millisecond
		w.in.Apply(injector.Layer{Config: injector.Config{Latency: &injector.Latency{RandomDelayRange: [2]time.Duration{lo, hi}}}})
		var seen []time.Duration
		for range 300 {
			before := time.Now()
			resp, _, err := get(w.client, "http://test")
			require.NoError(w, err)
			took := time.Since(before)
			require.GreaterOrEqual(w, took, lo)
			require.LessOrEqual(w, took, hi)
			requireMs(w.T, took, resp.Header)
			seen = append(seen, took)
		}
		sort.Slice(seen, func(i, j int) bool { return seen[i] < seen[j] })
		require.InDelta(w, 150e6, float64(seen[150]), 15e6, "the median of a uniform range")
	})
}

func TestDistributions(t *testing.T) {
	t.Parallel()
	ms := time.Millisecond
	tests := []struct {
		d        injector.Distribution
		median   float64 // in milliseconds
		min, max time.Duration
	}{
		{injector.Distribution{Type: "lognormal", Median: 80 * ms, Sigma: 0.6, Max: 300 * ms}, 80, 0, 300 * ms},
		{injector.Distribution{Type: "normal", Mean: 100 * ms, StdDev: 30 * ms, Min: 60 * ms}, 100, 60 * ms, 400 * ms},
		{injector.Distribution{Type: "exponential", Mean: 100 * ms}, 100 * math.Ln2, 0, 3 * time.Second},
		{injector.Distribution{Type: "uniform", Min: 10 * ms, Max: 30 * ms}, 20, 10 * ms, 30 * ms},
	}
	for _, tt := range tests {
		seen := &events{}
		in := injector.New(injector.WithSeed(2), injector.WithObserver(seen))
		in.Apply(injector.Layer{Config: injector.Config{Latency: &injector.Latency{Distribution: &tt.d}}})
		synctest.Test(t, func(t *testing.T) {
			h := in.Handler(nothing)
			for range 2000 {
				h.ServeHTTP(&sink{h: http.Header{}}, request())
			}
		})
		var delays []time.Duration
		for _, r := range seen.requests {
			require.GreaterOrEqual(t, r.Delay, tt.min, tt.d.Type)
			require.LessOrEqual(t, r.Delay, tt.max, tt.d.Type)
			delays = append(delays, r.Delay)
		}
		sort.Slice(delays, func(i, j int) bool { return delays[i] < delays[j] })
		require.InEpsilon(t, tt.median, float64(delays[1000])/1e6, 0.06, tt.d.Type)
	}
}

func TestWaitEndsWhenTheClientLeaves(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"no body": "", "a body": "payload"} {
		for _, sequenced := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " sequenced ", sequenced), func(t *testing.T) {
				t.Parallel()
				seen := &events{}
				opts := []injector.Option{injector.WithObserver(seen)}
				if sequenced {
					opts = append(opts, injector.WithSequencer(&sequencer{}))
				}
				virtual(t, ok, opts, func(w *world) {
					w.in.Apply(slow(time.Hour))
					ctx, cancel := context.WithTimeout(context.Background(), time.Second)
					defer cancel()
					req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://test", strings.NewReader(body))
					require.NoError(w, err)
					_, err = w.client.Do(req)
					require.ErrorIs(w, err, context.DeadlineExceeded)
					time.Sleep(time.Millisecond)
					seen.mu.Lock()
					defer seen.mu.Unlock()
					require.Len(w, seen.outcomes, 1, "the handler's wait ended with the client's")
					require.True(w, seen.outcomes[0].Canceled)
					require.WithinDuration(w, w.start.Add(time.Second), seen.outcomes[0].At, 20*time.Microsecond)
				})
			})
		}
	}
}

// gone is a connection that knows when its peer is gone.
type gone chan struct{}

func (g gone) PeerGone() <-chan struct{} { return g }

func TestWaitEndsWhenTheConnectionKnows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		in.Apply(slow(time.Hour))
		peer := make(gone)
		time.AfterFunc(time.Second, func() { close(peer) })
		r := request()
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, 1<<20))), 1<<20
		r = r.WithContext(context.WithValue(r.Context(), injector.ConnContextKey{}, peer))
		start := time.Now()
		require.PanicsWithValue(t, http.ErrAbortHandler, func() {
			in.Handler(ok).ServeHTTP(&sink{h: http.Header{}}, r)
		})
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestRemoveAndRelease(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		end  func(in *injector.Injector, remove func())
		want time.Duration
		why  string
	}{
		{"remove", func(_ *injector.Injector, remove func()) { remove() }, time.Minute, "a computed delay runs on"},
		{"release", func(in *injector.Injector, _ func()) { in.Release() }, time.Second, "every wait is cut short"},
		{"remove, then release", func(in *injector.Injector, remove func()) {
			remove()
			time.Sleep(time.Second)
			in.Release()
		}, 2 * time.Second, "of layers that were removed too"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			virtual(t, ok, nil, func(w *world) {
				remove := w.in.Apply(slow(time.Minute))
				go func() {
					time.Sleep(time.Second)
					tt.end(w.in, remove)
				}()
				_, body, err := get(w.client, "http://test")
				require.NoError(w, err)
				require.Equal(w, "hello, world", body)
				require.Equal(w, tt.want, w.elapsed(), tt.why)
				_, _, err = get(w.client, "http://test")
				require.NoError(w, err)
				require.Equal(w, tt.want, w.elapsed(), "the layer is off")
			})
		})
	}
}
