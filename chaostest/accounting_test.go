package chaostest_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
)

// Every fault that was injected is somewhere: absorbed by the transport, by
// retries or by a fallback, or seen by the caller.
func TestWhereFaultsGo(t *testing.T) {
	t.Parallel()
	resets := injector.Config{FaultInjection: &injector.FaultInjection{
		ConnectionErrors: new(true), ConnectionErrorKind: injector.TCPReset, ConnectionErrorProbability: new(0.1),
	}}
	retrying := func(client *http.Client) func(context.Context, string) error {
		r := retryablehttp.NewClient()
		r.HTTPClient, r.Logger, r.RetryMax = client, nil, 3
		r.RetryWaitMin, r.RetryWaitMax = 10*time.Millisecond, 40*time.Millisecond
		return func(ctx context.Context, url string) error {
			req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err != nil {
				return err
			}
			resp, err := r.Do(req)
			if err != nil {
				return err
			}
			return resp.Body.Close()
		}
	}
	plain := func(client *http.Client) func(context.Context, string) error {
		return func(ctx context.Context, url string) error { return order(client, url)(ctx) }
	}
	posting := func(client *http.Client) func(context.Context, string) error {
		return func(ctx context.Context, url string) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
			if err != nil {
				return err
			}
			_, _, err = send(client, req)
			return err
		}
	}
	withFallback := func(client *http.Client) func(context.Context, string) error {
		return func(ctx context.Context, url string) error {
			_ = order(client, url)(ctx)
			return nil // the page of yesterday will do
		}
	}
	for _, tt := range []struct {
		name     string
		why      string
		config   injector.Config
		caller   func(*http.Client) func(context.Context, string) error
		kind     string
		injected int
		by       map[assert.Absorber]int
		visible  int
		attempts int
	}{
		{name: "by nobody", config: erring(0.1), caller: plain, kind: "http_error", injected: 100, visible: 100, attempts: 1000},
		{name: "by retries", config: erring(0.1), caller: retrying, kind: "http_error", injected: 111, visible: 0, attempts: 1111,
			by: map[assert.Absorber]int{assert.Retry: 100}, why: "a tenth of the repetitions fail, too"},
		{name: "by a fallback", config: erring(0.1), caller: withFallback, kind: "http_error", injected: 100, attempts: 1000,
			by: map[assert.Absorber]int{assert.Fallback: 100}},
		{name: "by the transport", config: resets, caller: plain, kind: "connection_error", injected: 110, visible: 10, attempts: 1000,
			by: map[assert.Absorber]int{assert.Transport: 90}, why: "net/http repeats a GET once, on a connection that is not a kept one"},
		{name: "by nobody, as the transport does not repeat a POST", config: resets, caller: posting, kind: "connection_error",
			injected: 100, visible: 100, attempts: 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in(t, chaos("faults", 100*time.Second, tt.config), func(step *chaostest.Step) {
				call := tt.caller(step.Client())
				step.Load(10, func(ctx context.Context) error { return call(ctx, step.URL) })
				r := step.Results()
				require.Equal(step, 1000, r.Operations())
				require.InDelta(step, tt.injected, r.Injected(tt.kind), 3, tt.why)
				require.InDelta(step, tt.visible, r.Visible(), 1)
				require.Equal(step, r.Visible(), r.Failed(), "nothing failed for another reason")
				require.InDelta(step, tt.attempts, r.Attempts(), 3)
				require.InDelta(step, float64(tt.attempts)/1000, r.AttemptsPerOperation(), 0.003)
				absorbed := 0
				for _, a := range []assert.Absorber{assert.Transport, assert.Retry, assert.Fallback} {
					require.InDelta(step, tt.by[a], r.AbsorbedBy(a), 12, a)
					absorbed += r.AbsorbedBy(a)
				}
				require.Equal(step, absorbed, r.Absorbed())
			})
		})
	}
}
