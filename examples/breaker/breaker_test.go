package breaker_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/mockforge-go/mockforge/chaostest"
)

// The first three requests fail, so the caller's breaker opens. After its
// time-out it is half-open, and one good answer closes it.
func TestFirstFewFail(t *testing.T) {
	var call func(ctx context.Context) error
	chaostest.Run(t, "testdata/first_few_fail.yaml", func(step *chaostest.Step) {
		step.Load(10, call)
	}, chaostest.Setup(func(env *chaostest.Env) {
		changed := env.Track("payments")
		breaker := gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
			Timeout:       5 * time.Second,
			ReadyToTrip:   func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 3 },
			OnStateChange: func(_ string, _, to gobreaker.State) { changed(to.String()) },
		})
		call = func(ctx context.Context) error {
			_, err := breaker.Execute(func() (struct{}, error) { return struct{}{}, charge(ctx, env) })
			return err
		}
	}))
}

func charge(ctx context.Context, env *chaostest.Env) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, env.Target("payments").URL+"/charge", nil)
	if err != nil {
		return err
	}
	resp, err := env.Client().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("payments answered %d", resp.StatusCode)
	}
	return nil
}
