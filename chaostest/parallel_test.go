package chaostest_test

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
)

// Runs of parallel tests take turns: never two are in virtual time at once.
func TestRunsTakeTurns(t *testing.T) { //nolint:tparallel // "all" is there to wait for its parallel subtests
	t.Parallel()
	var inside, ran atomic.Int64
	t.Run("all", func(t *testing.T) {
		for n := range 8 {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				in(t, chaos("errors", time.Minute, erring(0.1)), func(step *chaostest.Step) {
					require.EqualValues(step, 1, inside.Add(1))
					defer inside.Add(-1)
					step.Load(10, func(ctx context.Context) error {
						runtime.Gosched()
						return order(step.Client(), step.URL)(ctx)
					})
					require.Equal(step, 600, step.Results().Operations())
					require.Equal(step, 60, step.Results().Failed())
					ran.Add(1)
				})
			})
		}
	})
	require.EqualValues(t, 8, ran.Load())
}

func scenarioNested(t *testing.T) {
	t.Run("in a body", func(t *testing.T) {
		in(t, quiet("outer", time.Minute), func(*chaostest.Step) {
			chaostest.RunOrchestration(t, document(quiet("inner", time.Minute)), func(*chaostest.Step) { fmt.Println("nested") })
		})
	})
	t.Run("in Setup", func(t *testing.T) {
		chaostest.RunOrchestration(t, document(quiet("outer", time.Minute)), func(*chaostest.Step) {}, chaostest.Setup(func(*chaostest.Env) {
			chaostest.RunOrchestration(t, document(quiet("inner", time.Minute)), func(*chaostest.Step) { fmt.Println("nested") })
		}))
	})
	t.Run("in a bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			chaostest.RunOrchestration(t, document(quiet("inner", time.Minute)), func(*chaostest.Step) { fmt.Println("nested") })
		})
	})
	t.Run("afterwards", func(t *testing.T) {
		in(t, quiet("outer", time.Minute), func(*chaostest.Step) { fmt.Println("the last one ran") })
	})
}

// A run inside virtual time is refused, at the user's line, and nothing hangs.
func TestNestedRunIsRefused(t *testing.T) {
	t.Parallel()
	p := fails(t, "nested")
	refused := regexp.MustCompile(`parallel_test\.go:\d+: chaostest\.Run inside virtual time: end the other run, or the synctest bubble, first`)
	require.Len(t, refused.FindAllString(p.out, -1), 3, p.out)
	require.NotContains(t, p.out, "nested\n")
	require.Contains(t, p.out, "the last one ran")
	verdicts := p.verdicts()
	require.Equal(t, []string{"FAIL", "FAIL", "FAIL", "PASS"}, []string{verdicts["in_a_body"], verdicts["in_Setup"], verdicts["in_a_bubble"], verdicts["afterwards"]})
}

func scenarioMany(t *testing.T) {
	run := func() {
		in(t, chaos("errors", 10*time.Second, erring(0.1)), func(step *chaostest.Step) {
			step.Load(10, order(step.Client(), step.URL))
		})
	}
	run() // what a process makes once
	goroutines, memory := settled(math.MaxInt)
	for range 50 {
		run()
	}
	after, more := settled(goroutines)
	require.LessOrEqual(t, after, goroutines, "goroutines")
	require.Less(t, more, memory+2<<20, "bytes in use")
}

// settled is how many goroutines there are and how much memory is in use. Of
// goroutines that have done their work some may still be on their way out: it
// waits for them where there are more than expected.
func settled(expected int) (goroutines int, memory uint64) {
	for start := time.Now(); runtime.NumGoroutine() > expected && time.Since(start) < 30*time.Second; {
		time.Sleep(time.Millisecond)
	}
	for range 3 {
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return runtime.NumGoroutine(), stats.HeapAlloc
}

// Many runs of one process leave nothing behind.
func TestManyRuns(t *testing.T) {
	t.Parallel()
	p := passes(t, "many")
	require.Contains(t, p.out, "--- PASS: TestScenario/errors#50 (10.00s)")
}
