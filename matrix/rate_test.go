package matrix_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

// 101 tokens at 10 a second, of which the first is there already, take exactly
// 10 s, whoever waits for them.
func TestRate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		wait func(step *chaostest.Step, l *rate.Limiter)
	}{
		{"one caller", func(step *chaostest.Step, l *rate.Limiter) {
			for range 101 {
				require.NoError(step, l.Wait(step.Context()))
			}
		}},
		{"101 callers", func(step *chaostest.Step, l *rate.Limiter) {
			var wg sync.WaitGroup
			for range 101 {
				wg.Go(func() {
					if err := l.Wait(step.Context()); err != nil {
						step.Error(err)
					}
				})
			}
			wg.Wait()
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			chaostest.RunOrchestration(t, document(quiet("limited", time.Minute)), func(step *chaostest.Step) {
				began := time.Now()
				tt.wait(step, rate.NewLimiter(10, 1))
				require.Equal(step, 10*time.Second, time.Since(began))
			})
		})
	}
}

// Ten callers at once, every second: a client that spaces them out as the
// server wishes is never refused, one that does not gets no more than the burst
// through.
func TestRateKeepsWithinTheServersLimit(t *testing.T) {
	t.Parallel()
	chaostest.Run(t, "testdata/rate.yaml", func(step *chaostest.Step) {
		limit := rate.Inf
		if step.Spec.Name == "polite" {
			limit = 10
		}
		limiter := rate.NewLimiter(limit, 1)
		for range step.Every(time.Second) {
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					_ = step.Do(func(ctx context.Context) error { // counted: the document says how many fail
						if err := limiter.Wait(ctx); err != nil {
							return err
						}
						_, err := fetch(ctx, step.Client(), step.URL)
						return err
					})
				})
			}
			wg.Wait()
		}
	})
}
