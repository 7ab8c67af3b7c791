package matrix_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/stretchr/testify/require"
)

// Intervals of 1, 2, 4 and 8 s; the outage of 10 s is over at the fifth
// attempt. The library's jitter comes from math/rand/v2 and cannot be seeded,
// so it is off.
func TestBackoff(t *testing.T) {
	t.Parallel()
	o := document(outage("outage", 10*time.Second), quiet("healed", 10*time.Second))
	o.Steps[1].DelayBefore = 10 * time.Second // in which the last attempt falls
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		if step.Spec.Name == "healed" {
			return
		}
		policy := backoff.NewExponentialBackOff()
		policy.InitialInterval = time.Second
		policy.Multiplier = 2
		policy.RandomizationFactor = 0
		began := time.Now()
		attempts := 0
		_, err := backoff.Retry(context.Background(), func() (*http.Response, error) {
			attempts++
			return fetch(context.Background(), step.Client(), step.URL)
		}, backoff.WithBackOff(policy))
		require.NoError(step, err)
		require.Equal(step, 5, attempts)
		requireAfter(step, 15*time.Second, time.Since(began), 5)
	})
}

// It gives up when its time is over, and not a nanosecond later.
func TestBackoffGivesUp(t *testing.T) {
	t.Parallel()
	chaostest.RunOrchestration(t, document(quiet("hopeless", time.Minute)), func(step *chaostest.Step) {
		began := time.Now()
		_, err := backoff.Retry(step.Context(), func() (any, error) { return nil, http.ErrServerClosed },
			backoff.WithBackOff(backoff.NewConstantBackOff(3*time.Second)), backoff.WithMaxElapsedTime(20*time.Second))
		require.ErrorIs(step, err, http.ErrServerClosed)
		require.Equal(step, 18*time.Second, time.Since(began))
	})
}
