package injector_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// A body may be closed while another goroutine reads it, which ends the read
// whatever it waits for.
func TestCloseWhileReading(t *testing.T) {
	t.Parallel()
	one := new(1.0)
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, strings.Repeat("x", 100))
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	}))
	t.Cleanup(endless.Close)
	for name, c := range map[string]injector.Config{
		"corruption": {FaultInjection: &injector.FaultInjection{PayloadCorruptionProbability: one}},
		"dribble":    {FaultInjection: &injector.FaultInjection{Dribble: &injector.Dribble{NumberOfChunks: 1, TotalDuration: time.Hour}}},
		"bandwidth":  {TrafficShaping: &injector.TrafficShaping{BandwidthLimit: 1}},
		"breaker":    {CircuitBreaker: &injector.CircuitBreaker{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := &events{}
			in := injector.New(injector.WithObserver(seen))
			in.Apply(injector.Layer{Name: "step", Config: c})
			resp, err := (&http.Client{Transport: in.RoundTripper(endless.Client().Transport)}).Get(endless.URL)
			require.NoError(t, err)
			ended := make(chan error, 1)
			go func() {
				_, err := io.Copy(io.Discard, resp.Body)
				ended <- err
			}()
			time.Sleep(20 * time.Millisecond) // let it read
			require.NoError(t, resp.Body.Close())
			select {
			case err := <-ended:
				require.Error(t, err)
			case <-time.After(10 * time.Second):
				t.Fatal("the read goes on")
			}
			require.Equal(t, 1, seen.done())
			require.Equal(t, 200, seen.outcomes[0].Status)
			require.False(t, seen.outcomes[0].Failed)
		})
	}
}

// What ends a wait is what the reader is told.
func TestWaitOfABodyEnds(t *testing.T) {
	t.Parallel()
	late := fmt.Errorf("late for lunch")
	virtual(t, sized, nil, func(w *world) {
		client := viaTransport(w, sized)
		w.in.Apply(faults(injector.FaultInjection{Dribble: &injector.Dribble{NumberOfChunks: 1, TotalDuration: time.Hour}}))
		ctx, cancel := context.WithTimeoutCause(w.Context(), time.Minute, late)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://test/", nil)
		require.NoError(w, err)
		_, _, err = do(client, req)
		require.ErrorIs(w, err, late)
		require.Equal(w, time.Minute, w.elapsed())
	})
}

// A response is one to the client's own request, whatever was sent of it.
func TestResponseHasItsRequest(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]injector.FaultInjection{
		"answered": {HTTPErrorProbability: new(1.0)}, "malformed": {ConnectionErrorProbability: new(1.0), ConnectionErrorKind: injector.MalformedChunk},
		"rewritten": {Rewrite: &injector.Rewrite{Status: 202}, OverrideHeaders: true},
	} {
		in := injector.New()
		in.Apply(faults(f))
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.Header.Set(injector.OverrideHeaderDelay, "1")
		resp, err := in.RoundTripper(upstream{}).RoundTrip(req)
		require.NoError(t, err, name)
		require.Same(t, req, resp.Request, name)
		resp.Body.Close()
	}
}
