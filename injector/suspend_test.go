package injector_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// status is what a handler answers to one request.
func status(h http.Handler) int {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/orders", nil))
	return rec.Code
}

func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	in := injector.New()
	h := in.Handler(ok)
	in.Apply(faults(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(1.0)}))
	require.Equal(t, 503, status(h))

	in.Suspend()
	in.Suspend()
	require.Equal(t, 200, status(h))
	remove := in.Apply(faults(injector.FaultInjection{HTTPErrors: []int{500}, HTTPErrorProbability: new(1.0)}))
	require.Equal(t, 200, status(h), "a layer that is applied meanwhile rests too")

	in.Resume()
	require.Equal(t, 503, status(h), "the first layer is still the first")
	remove()
	in.Suspend()
	in.Release()
	in.Resume()
	require.Equal(t, 200, status(h))
}

func TestSuspendEndsWaits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		config injector.Config
	}{
		{"latency", injector.Config{Latency: &injector.Latency{FixedDelay: time.Hour}}},
		{"partition", injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 100}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				in := injector.New()
				h := in.Handler(ok)
				in.Apply(injector.Layer{Name: "slow", Config: tt.config})
				ask := func() <-chan time.Time {
					done := make(chan time.Time, 1)
					go func() {
						status(h)
						done <- time.Now()
					}()
					return done
				}
				start, first := time.Now(), ask()
				time.Sleep(time.Second)
				in.Suspend()
				require.Equal(t, time.Second, (<-first).Sub(start))

				in.Resume()
				second := ask()
				time.Sleep(time.Second)
				synctest.Wait()
				select {
				case <-second:
					require.Fail(t, "the layer does not act after Resume")
				default:
				}
				in.Release()
				require.Equal(t, 2*time.Second, (<-second).Sub(start))
			})
		})
	}
}

func TestLayerSeed(t *testing.T) {
	t.Parallel()
	faulty := func(seed *uint64, opts ...injector.Option) (hits []int) {
		in := injector.New(opts...)
		l := faults(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(0.3)})
		l.Seed = seed
		in.Apply(l)
		h := in.Handler(ok)
		for range 100 {
			hits = append(hits, status(h))
		}
		return hits
	}
	require.Equal(t, faulty(nil, injector.WithSeed(7)), faulty(new(uint64(7)), injector.WithSeed(1)))
	require.NotEqual(t, faulty(nil, injector.WithSeed(7)), faulty(nil, injector.WithSeed(1)))
}

func TestObserveAll(t *testing.T) {
	t.Parallel()
	seen := &events{}
	in := injector.New(injector.WithObserver(seen))
	h := in.Handler(ok)
	status(h)
	require.Len(t, seen.requests, 1)

	in.ObserveAll(false)
	status(h)
	require.Len(t, seen.requests, 1, "it met no layer")
	remove := in.Apply(injector.Layer{Name: "quiet"})
	status(h)
	require.Len(t, seen.requests, 2)
	require.Len(t, seen.outcomes, 2)
	remove()
	in.ObserveAll(true)
	status(h)
	require.Len(t, seen.requests, 3)
}
