package injector_test

import (
	"context"
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

func TestObserverIsToldOfJitter(t *testing.T) {
	t.Parallel()
	seen := &events{}
	virtual(t, ok, []injector.Option{injector.WithObserver(seen)}, func(w *world) {
		for _, percent := range []float64{0, 50} {
			remove := w.in.Apply(injector.Layer{Name: "slow", Config: injector.Config{
				Latency: &injector.Latency{FixedDelay: 100 * time.Millisecond, JitterPercent: percent},
			}})
			for range 20 {
				_, _, err := get(w.client, "http://test/orders/1")
				require.NoError(w, err)
			}
			remove()
		}
	})
	require.Len(t, seen.requests, 40)
	longer, shorter := 0, 0
	for i, r := range seen.requests {
		require.Equal(t, 100*time.Millisecond+r.Jitter, r.Delay)
		switch {
		case i < 20:
			require.Zero(t, r.Jitter)
		case r.Jitter > 0:
			longer++
		case r.Jitter < 0:
			shorter++
		}
	}
	require.Equal(t, 20, longer+shorter)
	require.Positive(t, longer)
	require.Positive(t, shorter)
}

// An observer learns how long a limit held the bytes of each direction, and
// which endpoint they were of.
func TestObserverIsToldHowLongBytesWereHeld(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("x", 2000)
	answering := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, body[:1000])
	})
	seen := &events{}
	limits := shaped(injector.TrafficShaping{BandwidthLimit: 1000})
	virtual(t, answering, []injector.Option{injector.WithObserver(seen)}, func(w *world) {
		remove := w.in.Apply(limits)
		resp, err := w.client.Post("http://test/orders/7", "text/plain", strings.NewReader(body))
		require.NoError(w, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(w, err)
		require.NoError(w, resp.Body.Close())
		synctest.Wait() // for the server to be done
		remove()
		_, _, err = get(w.client, "http://test/orders/7")
		require.NoError(w, err)
	})
	require.Len(t, seen.outcomes, 2)
	require.Equal(t, 2*time.Second, seen.outcomes[0].HeldUp)
	require.Equal(t, time.Second, seen.outcomes[0].HeldDown)
	require.Equal(t, "POST /orders/{id}", seen.outcomes[0].Endpoint)
	require.Zero(t, seen.outcomes[1].HeldUp+seen.outcomes[1].HeldDown)
}

// The client's side has the same to say.
func TestObserverOfATransportIsToldHowLongBytesWereHeld(t *testing.T) {
	t.Parallel()
	seen := &events{}
	synctest.Test(t, func(t *testing.T) {
		in := injector.New(injector.WithObserver(seen))
		in.Apply(shaped(injector.TrafficShaping{BandwidthLimit: 1000}))
		client := &http.Client{Transport: in.RoundTripper(roundTrip(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: 500, Body: io.NopCloser(strings.NewReader(strings.Repeat("x", 500)))}, nil
		}))}
		resp, err := client.Post("http://test/", "text/plain", strings.NewReader(strings.Repeat("x", 1500)))
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	})
	require.Len(t, seen.outcomes, 1)
	require.Equal(t, 1500*time.Millisecond, seen.outcomes[0].HeldUp)
	require.Equal(t, 500*time.Millisecond, seen.outcomes[0].HeldDown)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type contextKey struct{}

func TestObserverGetsTheRequestsContext(t *testing.T) {
	t.Parallel()
	contexts := make(chan context.Context, 2)
	in := injector.New(injector.WithObserver(contextual{contexts}))
	in.Apply(faults(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(1.0)}))
	r := httptest.NewRequest("GET", "/", nil)
	in.Handler(ok).ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithValue(r.Context(), contextKey{}, "mine")))
	for range 2 {
		require.Equal(t, "mine", (<-contexts).Value(contextKey{}))
	}
}

type contextual struct{ contexts chan context.Context }

func (c contextual) Request(r *injector.Request)       { c.contexts <- r.Context }
func (c contextual) Done(o *injector.Outcome)          { c.contexts <- o.Context }
func (c contextual) Transition(t *injector.Transition) {}

func TestBulkheadState(t *testing.T) {
	t.Parallel()
	var release chan struct{} // made inside, where waiting for it lets time go on
	slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })
	virtual(t, slow, nil, func(w *world) {
		release = make(chan struct{})
		_, _, found := w.in.BulkheadState("default")
		require.False(w, found)
		remove := w.in.Apply(injector.Layer{Name: "limit", Config: injector.Config{Bulkhead: &injector.Bulkhead{MaxConcurrentRequests: 2}}})
		for range 3 {
			go func() { _, _, _ = get(w.client, "http://test") }() // what it gets is not the point
		}
		synctest.Wait()
		active, waiting, found := w.in.BulkheadState("default")
		require.Equal(w, []any{2, 1, true}, []any{active, waiting, found})
		active, waiting, found = w.in.BulkheadState("unused")
		require.Equal(w, []any{0, 0, true}, []any{active, waiting, found})
		close(release)
		synctest.Wait()
		active, waiting, _ = w.in.BulkheadState("default")
		require.Zero(w, active+waiting)
		remove()
		_, _, found = w.in.BulkheadState("default")
		require.False(w, found)
	})
}
