package chaostest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
)

// Load is an open loop: what is slow does not slow it down, and it returns
// with the last call, after the step's end.
func TestLoad(t *testing.T) {
	t.Parallel()
	in(t, quiet("load", 10*time.Second), func(step *chaostest.Step) {
		var calls, most, now atomic.Int64
		step.Load(10, func(ctx context.Context) error {
			n := calls.Add(1)
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			require.InDelta(step, float64(n-1)*0.1, step.Clock().Elapsed().Seconds(), 30e-6, "ten a second, evenly")
			time.Sleep(2 * time.Second)
			require.NoError(step, ctx.Err(), "an operation may outlive its step")
			return nil
		})
		require.EqualValues(step, 100, calls.Load(), "none at the end")
		require.InDelta(step, 20, most.Load(), 1)
		require.InDelta(step, 11.9, step.Clock().Elapsed().Seconds(), 50e-6)
		require.Equal(step, 100, step.Results().Operations())
		step.Expect(assert.P99().Between(2*time.Second, 2*time.Second), assert.Throughput().Equal(10))
	})
}

// A call fails when it returns an error, panics or exits its goroutine.
func TestOperationsFail(t *testing.T) {
	t.Parallel()
	in(t, quiet("operations", time.Minute), func(step *chaostest.Step) {
		require.NoError(step, step.Do(func(context.Context) error { return nil }))
		sentinel := errors.New("no")
		require.Equal(step, sentinel, step.Do(func(context.Context) error { return sentinel }))
		require.ErrorContains(step, step.Do(func(context.Context) error { panic("an operation's panic") }), "an operation's panic")
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = step.Do(func(context.Context) error { runtime.Goexit(); return nil })
		}()
		<-done
		require.Equal(step, 4, step.Results().Operations())
		require.Equal(step, 3, step.Results().Failed())
		first, ok := step.Results().FirstFailure()
		require.True(step, ok)
		require.Equal(step, "no", first.Error)
	})
}

// Outside Do and Load each request of the step's client is an operation, to
// the end of its body; inside it is an attempt.
func TestStepClientRecords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name               string
		status             int
		operations, failed int
	}{
		{"a success", 200, 1, 0},
		{"the caller's own fault", 404, 1, 0},
		{"a server error", 500, 1, 1},
		{"too many requests", 429, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in(t, quiet("client", time.Minute), func(step *chaostest.Step) {
				resp, err := step.Client().Get(step.URL + "/orders/7")
				require.NoError(step, err)
				require.Zero(step, step.Results().Operations(), "the body is still open")
				time.Sleep(time.Second)
				require.NoError(step, resp.Body.Close())
				r := step.Results()
				require.Equal(step, tt.operations, r.Operations())
				require.Equal(step, tt.failed, r.Failed())
				require.Equal(step, time.Second, r.Max().Truncate(time.Millisecond))

				_ = step.Do(func(ctx context.Context) error {
					for range 3 {
						_, _, _ = get(ctx, step.Client(), step.URL)
					}
					return nil
				})
				r = step.Results()
				require.Equal(step, 2, r.Operations())
				require.Equal(step, 4, r.Attempts())
				require.Equal(step, 4, r.Requests())
			}, chaostest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				fmt.Fprint(w, "text")
			})))
		})
	}
}

func TestExpectAndRequireReturn(t *testing.T) {
	t.Parallel()
	in(t, quiet("expect", time.Minute), func(step *chaostest.Step) {
		require.NoError(step, step.Do(func(context.Context) error { return nil }))
		require.True(step, step.Expect())
		require.True(step, step.Expect(assert.Operations().Equal(1), assert.ErrorRate().AtMost(0)))
		step.Require(assert.Operations().Equal(1))
	})
}

func scenarioEnds(t *testing.T) {
	var tries atomic.Int64
	chaostest.RunOrchestration(t, document(
		tolerant("expect", time.Minute), tolerant("require", time.Minute), tolerant("load", time.Minute),
	), func(step *chaostest.Step) {
		switch step.Spec.Name {
		case "expect":
			ok := step.Expect(assert.Operations().AtLeast(1), assert.ErrorRate().AtMost(0.1))
			fmt.Println("expect returned", ok)
		case "require":
			step.Require(assert.Operations().AtLeast(1))
			fmt.Println("require returned")
		case "load":
			step.Load(10, func(context.Context) error {
				if tries.Add(1) == 5 {
					step.Require(assert.Operations().AtLeast(100))
				}
				return nil
			})
			fmt.Println("load started", tries.Load(), "and ended at", step.Clock().Elapsed().Round(time.Millisecond))
		}
	})
}

// Expect reports every expectation and goes on, Require ends the step. In a
// load it starts no further call.
func TestExpectGoesOnRequireEnds(t *testing.T) {
	t.Parallel()
	p := fails(t, "ends")
	require.Contains(t, p.out, "expect returned false\n")
	require.Contains(t, p.out, "operations = 0, want >= 1")
	require.Contains(t, p.out, "(inconclusive)", "both are reported")
	require.NotContains(t, p.out, "require returned")
	require.Equal(t, time.Duration(0), p.lasted(t, "require"))
	require.Contains(t, p.out, "load started 5 and ended at 400ms\n")
}
