package matrix_test

import (
	"context"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Eventually polls on virtual time: an hour's patience costs nothing.
func TestEventually(t *testing.T) {
	t.Parallel()
	o := document(outage("outage", 50*time.Second), quiet("healed", time.Minute))
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		if step.Spec.Name == "healed" {
			return
		}
		began := time.Now()
		require.Eventually(step, func() bool { return time.Since(began) >= 20*time.Second }, time.Hour, time.Second)
		require.Less(step, time.Since(began), 22*time.Second)

		require.EventuallyWithT(step, func(c *assert.CollectT) {
			require.GreaterOrEqual(c, time.Since(began), 30*time.Second)
		}, time.Hour, time.Second)

		before := time.Now()
		require.Never(step, func() bool { return false }, 10*time.Second, time.Second)
		require.Equal(step, 10*time.Second, time.Since(before))
	})
}

// The service is down until the step ends; Eventually sees it come back.
func TestEventuallyRecovers(t *testing.T) {
	t.Parallel()
	o := document(outage("outage", 20*time.Second), quiet("healed", time.Minute))
	o.Steps[1].DelayBefore = 10 * time.Second
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		if step.Spec.Name == "healed" {
			return
		}
		began := time.Now()
		up := func() bool {
			_, err := fetch(context.Background(), step.Client(), step.URL)
			return err == nil
		}
		require.Eventually(step, up, time.Hour, time.Second)
		took := time.Since(began)
		require.Greater(step, took, 20*time.Second)
		require.Less(step, took, 22*time.Second)
	})
}
