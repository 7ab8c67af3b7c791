package chaostest_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestClock(t *testing.T) {
	t.Parallel()
	in(t, quiet("clock", time.Minute), func(step *chaostest.Step) {
		start := step.Clock().Now()
		require.Zero(step, step.Clock().Elapsed())
		require.Equal(step, time.Minute, step.Clock().Remaining())
		step.Clock().Advance(20 * time.Second)
		require.Equal(step, start.Add(20*time.Second), step.Clock().Now())
		require.Equal(step, 20*time.Second, step.Clock().Elapsed())
		require.Equal(step, 40*time.Second, step.Clock().Remaining())
		step.Clock().Advance(0)
		step.Clock().Advance(-time.Hour)
		require.Equal(step, 20*time.Second, step.Clock().Elapsed())
		step.Clock().Advance(time.Hour)
		require.Equal(step, time.Minute-1, step.Clock().Elapsed(), "Advance stops where the step's context ends")
		step.Clock().Advance(time.Hour)
		require.Equal(step, time.Minute-1, step.Clock().Elapsed())
		time.Sleep(time.Second)
		require.Zero(step, step.Clock().Remaining())
	})
}

// The context ends one nanosecond before the step does, so that a loop that
// wakes at the end sees it ended.
func TestContextEndsJustBeforeTheStep(t *testing.T) {
	t.Parallel()
	in(t, quiet("context", time.Minute), func(step *chaostest.Step) {
		deadline, ok := step.Context().Deadline()
		require.True(step, ok)
		require.Equal(step, time.Now().Add(time.Minute-1), deadline)
		<-step.Context().Done()
		require.Equal(step, time.Minute-1, step.Clock().Elapsed())
		require.ErrorIs(step, step.Context().Err(), context.DeadlineExceeded)
		require.Nil(step, step.Context().Value("key"))
	})
}

func TestEvery(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		why   string
		every time.Duration
		work  func(i int) time.Duration // how long the loop's body takes
		until int                       // break there; 0: do not
		want  []time.Duration
	}{
		{name: "at once and then in turn", every: 3 * time.Second, want: []time.Duration{0, 3 * time.Second, 6 * time.Second, 9 * time.Second}},
		{name: "none at the end", every: 5 * time.Second, want: []time.Duration{0, 5 * time.Second}, why: "a step is a half-open interval"},
		{name: "longer than the step", every: time.Minute, want: []time.Duration{0}},
		{name: "ticks that are slept through are left out", every: 2 * time.Second, want: []time.Duration{0, 6 * time.Second, 8 * time.Second},
			work: func(i int) time.Duration { return map[int]time.Duration{0: 5 * time.Second}[i] }},
		{name: "a body as long as the interval", every: 2 * time.Second, want: []time.Duration{0, 4 * time.Second, 8 * time.Second},
			work: func(int) time.Duration { return 2 * time.Second }, why: "the tick of the very instant is one slept through"},
		{name: "a body longer than the step", every: time.Second, want: []time.Duration{0}, work: func(int) time.Duration { return time.Minute / 4 }},
		{name: "left early", every: time.Second, want: []time.Duration{0, time.Second, 2 * time.Second}, until: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in(t, quiet("every", 10*time.Second), func(step *chaostest.Step) {
				var got []time.Duration
				for i := range step.Every(tt.every) {
					require.Len(step, got, i, "the ticks are counted from 0")
					got = append(got, step.Clock().Elapsed())
					if tt.work != nil {
						time.Sleep(tt.work(i))
					}
					if i+1 == tt.until {
						break
					}
				}
				require.Equal(step, tt.want, got, tt.why)
			})
		})
	}
}

func TestResultsAndPast(t *testing.T) {
	t.Parallel()
	o := document(chaos("errors", 10*time.Second, erring(0.5)), quiet("calm", 10*time.Second))
	o.Loop, o.MaxIterations = true, 2
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		step.Load(float64(10*step.Iteration), order(step.Client(), step.URL))
		r := step.Results()
		require.Equal(step, step.Spec.Name, r.Name())
		require.Equal(step, 100*step.Iteration, r.Operations())
		_, ok := step.Past("never")
		require.False(step, ok)
		past, ok := step.Past("errors")
		if step.Spec.Name == "errors" {
			require.Equal(step, step.Iteration == 2, ok, "a step's own past is its last iteration")
			require.Equal(step, 50*step.Iteration, r.Failed())
			require.Equal(step, 50*step.Iteration, r.Injected("http_error"))
			return
		}
		require.True(step, ok)
		require.Equal(step, 50*step.Iteration, past.Failed())
		require.Zero(step, r.Failed())
	})
}

func TestStopEndsAfterTheStep(t *testing.T) {
	t.Parallel()
	var ran []string
	o := document(quiet("first", time.Minute), quiet("second", time.Minute))
	o.Loop, o.MaxIterations = true, 0
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		ran = append(ran, fmt.Sprint(step.Spec.Name, step.Iteration))
		if step.Iteration == 3 {
			step.Stop()
			step.Cleanup(func() {
				require.Equal(step, time.Minute, step.Clock().Elapsed().Round(time.Millisecond), "the step is not cut short")
			})
		}
	})
	require.Equal(t, []string{"first1", "second1", "first2", "second2", "first3"}, ran)
}

func TestStepSaysWhatItIs(t *testing.T) {
	t.Parallel()
	var steps []orchestrator.Step
	spec := chaos("errors", time.Second, erring(0.5))
	spec.Targets = []string{"payments"}
	o := document(spec, quiet("calm", 2*time.Second))
	o.Targets = map[string]orchestrator.Target{"payments": {}, "stock": {}}
	var url string
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		steps = append(steps, step.Spec)
		require.Equal(step, 1, step.Iteration)
		require.Equal(step, url, step.URL, "the first target where none is called default")
	}, chaostest.Setup(func(env *chaostest.Env) { url = env.Target("payments").URL }))
	require.Equal(t, o.Steps, steps)
}

// A body that returns early leaves the rest of its time to the step.
func TestBodyReturnsEarly(t *testing.T) {
	t.Parallel()
	var starts []time.Time
	chaostest.RunOrchestration(t, document(quiet("first", time.Minute), quiet("second", time.Minute)), func(step *chaostest.Step) {
		starts = append(starts, step.Clock().Now())
	})
	require.Equal(t, time.Minute, starts[1].Sub(starts[0]).Round(time.Microsecond))
}

// In a quiet step of no length the body's own time is the step's.
func TestStepWithoutALength(t *testing.T) {
	t.Parallel()
	var after time.Time
	chaostest.RunOrchestration(t, document(quiet("work", 0), quiet("next", time.Second)), func(step *chaostest.Step) {
		if step.Spec.Name == "next" {
			require.Equal(step, after, step.Clock().Now().Truncate(time.Microsecond))
			return
		}
		require.Zero(step, step.Clock().Remaining())
		_, ok := step.Context().Deadline()
		require.False(step, ok)
		step.Clock().Advance(7 * time.Second)
		require.Equal(step, 7*time.Second, step.Clock().Elapsed())
		require.NoError(step, step.Do(order(step.Client(), step.URL)))
		require.Equal(step, 1, step.Results().Operations())
		after = step.Clock().Now().Truncate(time.Microsecond)
	})
}

func scenarioZeroLength(t *testing.T) {
	chaostest.RunOrchestration(t, document(tolerant("every", 0), tolerant("load", 0), tolerant("interval", time.Second), tolerant("rate", time.Second)), func(step *chaostest.Step) {
		switch step.Spec.Name {
		case "every":
			for range step.Every(time.Second) {
				fmt.Println("ticked")
			}
		case "load":
			step.Load(10, func(context.Context) error { fmt.Println("called"); return nil })
		case "interval":
			for range step.Every(-time.Second) {
				fmt.Println("ticked")
			}
		case "rate":
			step.Load(0, func(context.Context) error { fmt.Println("called"); return nil })
		}
		fmt.Println("went on")
	})
}

func TestEveryAndLoadNeedALength(t *testing.T) {
	t.Parallel()
	p := fails(t, "zero length")
	require.Contains(t, p.out, "Every needs a step with a length: set duration_seconds of step every\n")
	require.Contains(t, p.out, "a load needs a step with a length: set duration_seconds of step load\n")
	require.Contains(t, p.out, "Every(-1s): the interval must be positive\n")
	require.Contains(t, p.out, "a load of 0 operations a second is out of range")
	for _, said := range []string{"ticked", "called", "went on"} {
		require.NotContains(t, p.out, said)
	}
	require.Contains(t, p.out, "    step_test.go:", "the lines are the user's")
	require.NotContains(t, p.out, "    step.go:")
}

// A document that drives its load itself needs no body.
func TestNilBody(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	chaostest.Run(t, "testdata/load.yaml", nil, chaostest.Upstream(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/orders" && r.Header.Get("X-Tenant") == "acme" {
			requests.Add(1)
		}
	})))
	require.EqualValues(t, 180, requests.Load(), "200 of the loaded step, a tenth of them failed; the other has none")
}

// ByName gives each step its own body; a step without one has an empty body.
func TestByName(t *testing.T) {
	t.Parallel()
	var ran []string
	body := func(step *chaostest.Step) { ran = append(ran, step.Spec.Name) }
	chaostest.RunOrchestration(t, document(quiet("a", time.Second), quiet("b", time.Second), quiet("c", time.Second)),
		chaostest.ByName(map[string]func(*chaostest.Step){"c": body, "a": body}))
	require.Equal(t, []string{"a", "c"}, ran)
}
