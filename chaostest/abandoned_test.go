package chaostest_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// Most clients do not wait an injected time-out out. It counts all the same,
// and opens the breaker; a client that leaves a slow answer says nothing about
// the upstream.
func TestFaultThatTheClientDoesNotWaitOut(t *testing.T) {
	t.Parallel()
	always := 1.0
	hold := injector.Config{
		FaultInjection: &injector.FaultInjection{TimeoutProbability: &always},
		CircuitBreaker: &injector.CircuitBreaker{},
	}
	impatient := func(step *chaostest.Step) func(context.Context) error {
		client := *step.Client()
		client.Timeout = time.Second
		return order(&client, step.URL)
	}
	in(t, chaos("hold", 20*time.Second, hold), func(step *chaostest.Step) {
		step.Load(5, impatient(step))
		step.Expect(
			assert.Requests().Equal(100), assert.Server(assert.ErrorRate().AtLeast(0.9)),
			assert.CircuitBreaker("default").Becomes(assert.Open),
		)
	})
	late := slow(3 * time.Second)
	late.CircuitBreaker = &injector.CircuitBreaker{}
	in(t, chaos("slow", 20*time.Second, late), func(step *chaostest.Step) {
		step.Load(5, impatient(step))
		step.Expect(assert.Requests().AtLeast(99), assert.CircuitBreaker("default").Stays(assert.Closed))
	})
}

func TestUpstreamIsTheDefaultTargets(t *testing.T) {
	t.Parallel()
	teapot := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	o := document(quiet("calm", time.Second))
	o.Targets = map[string]orchestrator.Target{"a": {}, "default": {}}
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		for url, want := range map[string]int{step.URL: http.StatusTeapot, "http://127.0.0.1:1": http.StatusOK} {
			status, _, err := get(step.Context(), step.Client(), url)
			require.NoError(step, err)
			require.Equal(step, want, status, url)
		}
	}, chaostest.Upstream(teapot))
}

func TestStepSkippedByItsBodyIsNotJudged(t *testing.T) {
	t.Parallel()
	o := document(quiet("calm", time.Second))
	o.Steps[0].Expect = []assert.Expectation{assert.MustParse("p99 <= 1s")}
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) { step.Skip("later") })
}

// All layers of steps that start at once are on before any of their bodies.
func TestParallelLayersAreOnBeforeTheBodies(t *testing.T) {
	t.Parallel()
	o := document(chaos("a", time.Second, slow(100*time.Millisecond)), chaos("b", time.Second, erring(1)))
	o.Parallel = true
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		resp, err := step.Client().Get(step.URL)
		require.NoError(step, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		require.NoError(step, resp.Body.Close())
		require.Equal(step, []string{"a", "b"}, resp.Header.Values("X-Mockforge-Step"))
	})
}
