package injector_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// failing is a layer in which every request of a schedule fails.
func failing(s injector.Schedule) injector.Layer {
	return faults(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(1.0), Schedule: &s})
}

// failures asks so often, and marks the requests that failed with x.
func failures(h http.Handler, n int) string {
	var out strings.Builder
	for range n {
		if code(h, "/") == 503 {
			out.WriteByte('x')
		} else {
			out.WriteByte('.')
		}
	}
	return out.String()
}

func TestScheduleCounts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		schedule injector.Schedule
		want     string
	}{
		{injector.Schedule{Type: "first", Count: 3}, "xxx......."},
		{injector.Schedule{Type: "every", Count: 3}, "x..x..x..x"},
		{injector.Schedule{Type: "every", Count: 1}, "xxxxxxxxxx"},
		{injector.Schedule{Type: "first"}, "xxxxxxxxxx"}, // what makes no sense is no schedule
		{injector.Schedule{Type: "every", Count: -1}, "xxxxxxxxxx"},
		{injector.Schedule{Type: "window", From: 2, To: 1}, "xxxxxxxxxx"},
		{injector.Schedule{Type: "sometimes"}, "xxxxxxxxxx"},
		{injector.Schedule{Type: "window", From: time.Hour}, ".........."},
		{injector.Schedule{Type: "window", To: time.Hour}, "xxxxxxxxxx"},
		{injector.Schedule{Type: "ramp"}, "xxxxxxxxxx"}, // of unknown length: at its end
		{injector.Schedule{Type: "ramp", Start: new(1.0), End: new(0.0)}, ".........."},
	}
	for _, tt := range tests {
		for _, observed := range []bool{false, true} { // also on the fast path
			var opts []injector.Option
			if observed {
				opts = append(opts, injector.WithObserver(&events{}))
			}
			in := injector.New(opts...)
			in.Apply(failing(tt.schedule))
			require.Equal(t, tt.want, failures(in.Handler(ok), 10), "%+v", tt.schedule)
		}
	}
}

// The counts of a layer go over its targets, and only over the requests that the
// matcher matches.
func TestScheduleCountsWhatReachesIt(t *testing.T) {
	t.Parallel()
	in := injector.New()
	l := failing(injector.Schedule{Type: "first", Count: 2})
	l.Config.FaultInjection.RequestMatcher = &injector.RequestMatcher{Paths: []string{"/pay"}}
	in.Apply(l)
	a, b := in.Target("a").Handler(ok), in.Target("b").Handler(ok)
	require.Equal(t, 200, code(a, "/"))
	require.Equal(t, 503, code(a, "/pay"))
	require.Equal(t, 503, code(b, "/pay"))
	require.Equal(t, 200, code(a, "/pay"))
}

// A probability holds for what the schedule lets in, exactly, and so do the
// draws.
func TestScheduleIsSampledByItself(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(injector.Layer{Name: "step", Config: injector.Config{
		Latency:        &injector.Latency{FixedDelay: time.Nanosecond, Probability: new(0.5), Schedule: &injector.Schedule{Type: "first", Count: 100}},
		FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(0.1), Schedule: &injector.Schedule{Type: "every", Count: 5}},
	}})
	got := failures(in.Handler(ok), 1000)
	require.Equal(t, 20, strings.Count(got, "x"))
	for i, c := range got {
		require.True(t, c == '.' || i%5 == 0)
	}
	require.Equal(t, []injector.Draw{
		{Kind: "latency", Probability: 0.5, Sampling: injector.Exact, Requests: 100, Injected: 50},
		{Kind: "http_error", Probability: 0.1, Sampling: injector.Exact, Requests: 200, Injected: 20},
	}, in.Draws(injector.LayerRef{Name: "step"}))
}

// Windows count from when the layer went on, and come again.
func TestScheduleWindows(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	tests := []struct {
		schedule injector.Schedule
		want     string // of a request every 100 ms
	}{
		{injector.Schedule{Type: "window", From: 300 * ms, To: 500 * ms}, "...xx......."},
		{injector.Schedule{Type: "window", From: 300*ms + 1, To: 500*ms + 1}, "....xx......"},
		{injector.Schedule{Type: "window", From: 900 * ms}, ".........xxx"},
		{injector.Schedule{Type: "window", To: 100 * ms, Period: 400 * ms}, "x...x...x..."},
		{injector.Schedule{Type: "window", From: 300 * ms, Period: 400 * ms}, "...x...x...x"},
		{injector.Schedule{Type: "window", From: 100 * ms, To: 300 * ms, Period: 500 * ms}, ".xx...xx...x"},
	}
	for _, tt := range tests {
		virtual(t, ok, nil, func(w *world) {
			h := w.in.Handler(ok)
			time.Sleep(1234 * time.Millisecond)
			w.in.Apply(failing(tt.schedule))
			var got strings.Builder
			for range 12 {
				got.WriteString(failures(h, 1))
				time.Sleep(100 * ms)
			}
			require.Equal(w, tt.want, got.String(), "%+v", tt.schedule)
		})
	}
}

// A ramp hits what the area under it says, whatever the seed, with every share of
// the requests in its place.
func TestRamp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		p          float64
		start, end *float64
		sampling   injector.Sampling
		want, give int
		halves     [2]int // in the first half of the step, and in the second; ± give
	}{
		{"up", 0.1, nil, nil, injector.Exact, 50, 5, [2]int{12, 38}},
		{"down", 0.1, new(1.0), new(0.0), injector.Exact, 50, 5, [2]int{38, 12}},
		{"of everything", 1, nil, nil, injector.Exact, 500, 8, [2]int{125, 375}},
		{"level", 0.5, new(0.5), new(0.5), injector.Exact, 250, 6, [2]int{125, 125}},
		{"part of the way", 0.2, new(0.5), nil, injector.Exact, 150, 6, [2]int{62, 87}},
		{"by chance", 0.5, nil, nil, injector.Bernoulli, 250, 70, [2]int{62, 187}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			differ := map[string]bool{}
			for seed := range uint64(4) {
				virtual(t, ok, []injector.Option{injector.WithSeed(seed)}, func(w *world) {
					l := faults(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: &tt.p, Sampling: tt.sampling,
						Schedule: &injector.Schedule{Type: "ramp", Start: tt.start, End: tt.end}})
					l.Duration = 10 * time.Second
					w.in.Apply(l)
					h := w.in.Handler(ok)
					var all strings.Builder
					for range 1000 {
						all.WriteString(failures(h, 1))
						time.Sleep(10 * time.Millisecond)
					}
					got := all.String()
					differ[got] = true
					require.InDelta(w, tt.want, strings.Count(got, "x"), float64(tt.give), "seed %d", seed)
					require.InDelta(w, tt.halves[0], strings.Count(got[:500], "x"), float64(tt.give), "seed %d", seed)
					require.InDelta(w, tt.halves[1], strings.Count(got[500:], "x"), float64(tt.give), "seed %d", seed)
					require.Nil(w, w.in.Draws(injector.LayerRef{Name: "step"}), "it has no one rate")
				})
			}
			require.Len(t, differ, 4)
		})
	}
}

// Patterns that do not sample are thinned out too, and latency ramps by itself.
func TestRampOfPatternsAndLatency(t *testing.T) {
	t.Parallel()
	virtual(t, ok, nil, func(w *world) {
		ramp := &injector.Schedule{Type: "ramp"}
		w.in.Apply(injector.Layer{Name: "step", Duration: 10 * time.Second, Config: injector.Config{
			Latency:        &injector.Latency{FixedDelay: time.Microsecond, Schedule: ramp},
			FaultInjection: &injector.FaultInjection{ErrorPattern: &injector.ErrorPattern{Type: "sequential", Sequence: []int{503}}, Schedule: ramp},
		}})
		h := w.in.Handler(ok)
		failed, late := 0, 0
		for i := range 1000 {
			time.Sleep(time.Until(w.start.Add(time.Duration(i) * 10 * time.Millisecond)))
			r := httptest.NewRecorder()
			h.ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/", nil))
			if r.Code == 503 {
				failed++
			}
			if time.Since(w.start)%(10*time.Millisecond) > 0 {
				late++
			}
		}
		require.InDelta(w, 500, failed, 8)
		require.InDelta(w, 500, late, 8)
	})
}
