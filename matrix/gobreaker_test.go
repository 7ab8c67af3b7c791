package matrix_test

import (
	"context"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/require"
)

// The breaker's life in full: it opens on the sixth failure in a row, lets two
// probes through 30 s later, and closes on their success. Its state is pushed
// from OnStateChange, and sampled; the expectations hold of both.
func TestGobreaker(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		observe func(env *chaostest.Env, settings *gobreaker.Settings) (made func(*gobreaker.CircuitBreaker[any]))
	}{
		{"tracked", func(env *chaostest.Env, settings *gobreaker.Settings) func(*gobreaker.CircuitBreaker[any]) {
			track := env.Track("payments")
			settings.OnStateChange = func(_ string, _, to gobreaker.State) { track(to.String()) }
			return func(*gobreaker.CircuitBreaker[any]) {}
		}},
		{"watched", func(env *chaostest.Env, _ *gobreaker.Settings) func(*gobreaker.CircuitBreaker[any]) {
			return func(breaker *gobreaker.CircuitBreaker[any]) {
				env.Watch("payments", func() string { return breaker.State().String() })
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var breaker *gobreaker.CircuitBreaker[any]
			chaostest.Run(t, "testdata/breaker.yaml", func(step *chaostest.Step) {
				step.Load(10, func(ctx context.Context) error {
					_, err := breaker.Execute(func() (any, error) { return fetch(ctx, step.Client(), step.URL) })
					return err
				})
				if step.Spec.Name == "outage" {
					step.Expect(assert.Requests().Equal(6)) // of 200 operations: the rest met an open breaker
				}
			}, chaostest.Setup(func(env *chaostest.Env) {
				settings := gobreaker.Settings{Name: "payments", MaxRequests: 2, Timeout: 30 * time.Second}
				made := tt.observe(env, &settings)
				breaker = gobreaker.NewCircuitBreaker[any](settings)
				made(breaker)
			}))
		})
	}
}

// Half-open begins with the first nanosecond after the time-out.
func TestGobreakerTimeout(t *testing.T) {
	t.Parallel()
	chaostest.RunOrchestration(t, document(outage("outage", 2*time.Minute)), func(step *chaostest.Step) {
		var opened time.Time
		breaker := gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
			Timeout:       30 * time.Second,
			OnStateChange: func(string, gobreaker.State, gobreaker.State) { opened = time.Now() },
		})
		for breaker.State() == gobreaker.StateClosed {
			_, err := breaker.Execute(func() (any, error) { return fetch(step.Context(), step.Client(), step.URL) })
			require.Error(step, err)
		}
		step.Clock().Advance(time.Until(opened.Add(30 * time.Second)))
		require.Equal(step, gobreaker.StateOpen, breaker.State())
		step.Clock().Advance(1)
		require.Equal(step, gobreaker.StateHalfOpen, breaker.State())
	})
}
