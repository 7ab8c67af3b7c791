package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A load starts ceil(rate × length) calls: the first at once, none at the end.
func TestLoadIsExact(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rate   float64
		length time.Duration
		want   int
		why    string
	}{
		{rate: 50, length: 30 * time.Second, want: 1500},
		{rate: 3, length: 10 * time.Second, want: 30, why: "a third of a second is no whole number of nanoseconds"},
		{rate: 7, length: time.Hour, want: 25_200},
		{rate: 0.7, length: 30 * time.Second, want: 21, why: "21 / 0.7 is 30.000000000000004"},
		{rate: 49, length: 10 * time.Second, want: 490},
		{rate: 1.1, length: 30 * time.Second, want: 33, why: "33 / 1.1 is 29.999999999999996"},
		{rate: 333.3, length: 100 * time.Second, want: 33_330},
		{rate: 1000, length: 1500 * time.Microsecond, want: 2},
		{rate: 1e-300, length: time.Hour, want: 1, why: "the second call is due in more years than a duration has"},
		{rate: 0.001, length: 24 * time.Hour, want: 87},
		{rate: 99_999, length: time.Second, want: 99_999},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%v for %s", tt.rate, tt.length), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var last time.Duration
				r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", tt.length)}},
					orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
						if err := s.Load(tt.rate, func(context.Context) error { last = time.Since(s.Start()); return nil }); err != nil {
							s.Fail(err.Error())
						}
					}}})
				a := stepOf(t, r.run(), "a")
				require.Equal(t, passed, a.State, a.Reason)
				require.Equal(t, tt.want, a.Results.Operations(), tt.why)
				require.Less(t, last, tt.length)
			})
		})
	}
}

// Slow operations do not slow the rate, and the load waits for the last one.
func TestLoadIsOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Duration
		var returned time.Duration
		var mu sync.Mutex
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", 10*time.Second)}},
			orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
				err := s.Load(1, func(context.Context) error {
					mu.Lock()
					starts = append(starts, time.Since(s.Start()))
					mu.Unlock()
					time.Sleep(25 * time.Second)
					return nil
				})
				if err != nil {
					s.Fail(err.Error())
				}
				returned = time.Since(s.Start())
			}}})
		a := stepOf(t, r.run(), "a")
		for i, at := range starts {
			require.Equal(t, time.Duration(i)*time.Second, at)
		}
		require.Len(t, starts, 10)
		require.Equal(t, 34*time.Second, returned)
		require.Equal(t, 10, a.Results.Operations())
	})
}

func TestLoadIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var most, now atomic.Int64
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", 13*time.Second)}},
			orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
				err := s.Load(1000, func(context.Context) error {
					most.Store(max(most.Load(), now.Add(1)))
					defer now.Add(-1)
					time.Sleep(12*time.Second + time.Nanosecond)
					return nil
				})
				if err != nil {
					s.Fail(err.Error())
				}
			}}})
		a := stepOf(t, r.run(), "a").Results
		require.EqualValues(t, 10_000, most.Load())
		require.Equal(t, 13_000, a.Operations())
		// At 10 s there are 10,000; from 12 s on each that is due finds one that
		// has ended, but for the first, which is a nanosecond early.
		require.Equal(t, 2001, a.Failed())
		first, _ := a.FirstFailure()
		require.Equal(t, 10*time.Second, first.At)
		require.Equal(t, "not started: 10000 operations are still in progress", first.Error)
	})
}

func TestLoadRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rate   float64
		length time.Duration
		want   string
	}{
		{rate: 0, length: time.Second, want: "a load of 0 operations a second is out of range: more than 0, at most 1,000,000"},
		{rate: -1, length: time.Second, want: "a load of -1 operations a second is out of range: more than 0, at most 1,000,000"},
		{rate: math.NaN(), length: time.Second, want: "a load of NaN operations a second is out of range: more than 0, at most 1,000,000"},
		{rate: math.Inf(1), length: time.Second, want: "a load of +Inf operations a second is out of range: more than 0, at most 1,000,000"},
		{rate: 1, want: "a load needs a step with a length: set duration_seconds of step a"},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			var err error
			r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", tt.length)}},
				orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
					err = s.Load(tt.rate, func(context.Context) error { return nil })
				}}})
			res := r.run()
			require.EqualError(t, err, tt.want)
			require.Equal(t, 0, res.Results.Operations())
		})
	}
}

// Calls run on goroutines that are used again; one that a call ends is not.
func TestLoadSurvivesItsCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", 10*time.Second)}},
			orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
				_ = s.Load(10, func(context.Context) error {
					switch n.Add(1) % 4 {
					case 0:
						panic("out of stock")
					case 1:
						exit()
					case 2:
						return errors.New("refused")
					}
					return nil
				})
			}}})
		a := stepOf(t, r.run(), "a").Results
		require.Equal(t, 100, a.Operations())
		require.Equal(t, 75, a.Failed())
	})
}

// A load ends with its step when the step is ended early.
func TestLoadEndsWithItsStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", time.Hour)}},
			orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
				time.AfterFunc(5*time.Second-1, func() { s.Finish(errEnough) })
				_ = s.Load(10, func(context.Context) error { return nil })
			}}})
		res := r.run()
		require.Equal(t, 50, res.Results.Operations())
		require.Equal(t, 5*time.Second-1, res.Elapsed)
	})
}

func TestBackgroundLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Parallel: true, Expect: []assert.Expectation{assert.MustParse("operations == 20")}, Steps: []orchestrator.Step{
			{Name: "a", Duration: 10 * time.Second, DelayBefore: 2 * time.Second},
			{Name: "b", Duration: 4 * time.Second, DelayBefore: 6 * time.Second},
			{Name: "after", Duration: 5500 * time.Millisecond, DelayBefore: 2 * time.Second, When: orchestrator.Always},
		}}, orchestrator.RunOptions{})
		r.Background(1, func(ctx context.Context) error {
			time.Sleep(250 * time.Millisecond) // clear of the edges
			return r.get(ctx)
		})
		res := r.run()
		require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
		a, b, after := stepOf(t, res, "a").Results, stepOf(t, res, "b").Results, stepOf(t, res, "after").Results
		require.InDelta(t, 10, a.Operations(), 1, "at 2 s the step and the operation start at once")
		require.InDelta(t, 4, b.Operations(), 1)
		require.InDelta(t, 6, after.Operations(), 1)
		require.Equal(t, 20, res.Results.Operations(), "in delays for the run only, in two steps at once only once")
		require.Equal(t, a.Operations(), a.Attempts())
		last, _ := b.Slowest()
		require.LessOrEqual(t, last.N, 4, "numbered by the step that it is seen in")
	})
}

func TestBackgroundLoadOutOfRange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", time.Second)}}, orchestrator.RunOptions{})
		r.Background(-1, r.get)
		res := r.run()
		require.Equal(t, orchestrator.RunFailed, res.State)
		require.Contains(t, res.Reason, "out of range")
	})
}

// An operation that never ends holds the run up for the grace, and no longer.
func TestBackgroundLoadThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{{Name: "a", Duration: time.Second, DelayBefore: time.Second}}}, orchestrator.RunOptions{Grace: 10 * time.Second})
		r.Background(0.1, untilDone)
		res := r.run()
		require.Equal(t, 12*time.Second, res.Elapsed)
		require.Equal(t, 0, stepOf(t, res, "a").Results.Operations(), "it began in the delay")
	})
}
