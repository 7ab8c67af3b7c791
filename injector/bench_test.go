package injector_test

import (
	"net/http"
	"testing"

	"github.com/mockforge-go/mockforge/injector"
)

// sink is a ResponseWriter that costs nothing.
type sink struct{ h http.Header }

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

func request() *http.Request {
	r, err := http.NewRequest(http.MethodGet, "http://test/orders/12345/items", nil)
	if err != nil {
		panic(err)
	}
	r.Header.Set("Accept", "*/*")
	r.Header.Set("X-Request-Id", "1")
	r.RemoteAddr = "127.0.0.1:40001"
	return r
}

func layers(p ...float64) *injector.Injector {
	in := injector.New(injector.WithSeed(1))
	for _, p := range p {
		in.Apply(faults(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: &p}))
	}
	return in
}

var nothing = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

func benchmarkHandler(b *testing.B, h http.Handler) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		w, r := &sink{h: http.Header{}}, request()
		for pb.Next() {
			h.ServeHTTP(w, r)
			if len(w.h) > 0 {
				clear(w.h)
			}
		}
	})
}

func BenchmarkHandler(b *testing.B) {
	b.Run("bare", func(b *testing.B) { benchmarkHandler(b, nothing) })
	b.Run("off", func(b *testing.B) { benchmarkHandler(b, layers().Handler(nothing)) })
	b.Run("miss", func(b *testing.B) { benchmarkHandler(b, layers(1e-9).Handler(nothing)) })
	b.Run("errors10", func(b *testing.B) { benchmarkHandler(b, layers(0.1).Handler(nothing)) })
	b.Run("errors100", func(b *testing.B) { benchmarkHandler(b, layers(1).Handler(nothing)) })
	b.Run("observed", func(b *testing.B) {
		in := injector.New(injector.WithObserver(quiet{}))
		benchmarkHandler(b, in.Handler(nothing))
	})
	b.Run("breaker", func(b *testing.B) {
		in := injector.New()
		in.Apply(injector.Layer{Config: injector.Config{CircuitBreaker: &injector.CircuitBreaker{}}})
		benchmarkHandler(b, in.Handler(nothing))
	})
	b.Run("limit", func(b *testing.B) {
		in := injector.New()
		in.Apply(injector.Layer{Config: injector.Config{RateLimit: &injector.RateLimit{RequestsPerSecond: 1e12, BurstSize: 1e9}}})
		benchmarkHandler(b, in.Handler(nothing))
	})
}

// quiet is an Observer that costs nothing.
type quiet struct{}

func (quiet) Request(*injector.Request)       {}
func (quiet) Done(*injector.Outcome)          {}
func (quiet) Transition(*injector.Transition) {}

type fixed struct{ resp http.Response }

func (f *fixed) RoundTrip(*http.Request) (*http.Response, error) { return &f.resp, nil }

func BenchmarkRoundTripper(b *testing.B) {
	for _, bb := range []struct {
		name string
		rt   func(next http.RoundTripper) http.RoundTripper
	}{
		{"bare", func(next http.RoundTripper) http.RoundTripper { return next }},
		{"off", layers().RoundTripper},
		{"miss", layers(1e-9).RoundTripper},
		{"errors10", layers(0.1).RoundTripper},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				rt, r := bb.rt(&fixed{}), request()
				for pb.Next() {
					if _, err := rt.RoundTrip(r); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func TestAllocations(t *testing.T) { // not parallel: it counts the process's allocations
	tests := []struct {
		name string
		in   *injector.Injector
		want float64
	}{
		{"off", layers(), 0},
		{"miss", layers(1e-9), 0},
		{"three layers miss", layers(1e-9, 1e-9, 0), 0},
	}
	for _, tt := range tests {
		h, w, r := tt.in.Handler(nothing), &sink{h: http.Header{}}, request()
		if got := testing.AllocsPerRun(1000, func() { h.ServeHTTP(w, r) }); got != tt.want {
			t.Errorf("%s: %v allocations a request, want %v", tt.name, got, tt.want)
		}
	}
}
