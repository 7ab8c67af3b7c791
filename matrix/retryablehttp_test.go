package matrix_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/stretchr/testify/require"
)

// With its defaults, go-retryablehttp waits 1, 2 and 4 s: it asks at 0, 1, 3
// and 7 s. The outage ends at 5 s.
func TestRetryablehttp(t *testing.T) {
	t.Parallel()
	o := document(outage("outage", 5*time.Second), quiet("healed", 10*time.Second))
	o.Steps[1].DelayBefore = 5 * time.Second // in which the last attempt falls
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		if step.Spec.Name == "healed" {
			return
		}
		client := retryablehttp.NewClient()
		client.Logger = nil
		client.HTTPClient = step.Client()
		began := time.Now()
		resp, err := client.Get(step.URL)
		require.NoError(step, err)
		require.NoError(step, resp.Body.Close())
		require.Equal(step, http.StatusOK, resp.StatusCode)
		requireAfter(step, 7*time.Second, time.Since(began), 4)
	})
}

// Retries hide the outage from the caller, and the numbers say so.
func TestRetryablehttpAbsorbs(t *testing.T) {
	t.Parallel()
	chaostest.Run(t, "testdata/retryablehttp.yaml", func(step *chaostest.Step) {
		client := retryablehttp.NewClient()
		client.Logger = nil
		client.HTTPClient = step.Client()
		for range step.Every(time.Second) {
			err := step.Do(func(ctx context.Context) error {
				req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, step.URL, nil)
				if err != nil {
					return err
				}
				resp, err := client.Do(req)
				if err != nil {
					return err
				}
				return resp.Body.Close()
			})
			require.NoError(step, err)
		}
		step.Expect(assert.ErrorRate().Equal(0))
	})
}
