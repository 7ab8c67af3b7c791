package orchestrator_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A watched state is read when operations end and at the edges of steps; a
// tracked one is known at once.
func TestWatchAndTrack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var state atomic.Value
		state.Store("closed")
		push := func(string) {}
		set := func(s string) {
			state.Store(s)
			push(s)
		}
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", 10*time.Second), quietStep("b", 10*time.Second)}},
			orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
				if s.Spec.Name == "b" {
					time.Sleep(time.Second)
					set("closed")
					return
				}
				time.Sleep(2 * time.Second)
				set("open")
				time.Sleep(2 * time.Second)
				_ = s.Do(func(context.Context) error { time.Sleep(time.Second); return nil })
				time.Sleep(3 * time.Second)
				set("half_open")
			}}})
		push = r.Track("tracked")
		r.Watch("watched", func() string { return state.Load().(string) })
		res := r.run()
		type changes = []assert.StateChange
		a, b := stepOf(t, res, "a").Results, stepOf(t, res, "b").Results
		require.Equal(t, changes{{At: 0, State: "closed"}, {At: 5 * time.Second, State: "open"}}, a.States("watched"),
			"seen when the operation ended; half_open came after it, and is seen at the edge")
		require.Equal(t, changes{{At: 0, State: "closed"}, {At: 2 * time.Second, State: "open"}, {At: 8 * time.Second, State: "half_open"}}, a.States("tracked"))
		require.Equal(t, changes{{At: 0, State: "half_open"}}, b.States("watched"), "nothing ended in b")
		require.Equal(t, changes{{At: 0, State: "half_open"}, {At: time.Second, State: "closed"}}, b.States("tracked"))
		require.Equal(t, changes{{At: 0, State: "closed"}, {At: 5 * time.Second, State: "open"}, {At: 10 * time.Second, State: "half_open"}, {At: 20 * time.Second, State: "closed"}},
			res.Results.States("watched"))
		require.Equal(t, changes{{At: 0, State: "closed"}, {At: 2 * time.Second, State: "open"}, {At: 8 * time.Second, State: "half_open"}, {At: 11 * time.Second, State: "closed"}},
			res.Results.States("tracked"))
	})
}

// What never changes is known all the same, for steps and for the run.
func TestStatesThatDoNotChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calm := []assert.Expectation{
			assert.MustParse("circuit_breaker.tracked stays closed"), assert.MustParse("circuit_breaker.watched stays closed"),
			assert.MustParse("circuit_breaker.default stays closed"),
		}
		s := slow(time.Millisecond)
		s.Config.CircuitBreaker = &breakerDefaults
		r := newRig(t, orchestrator.Orchestration{Expect: calm, Steps: []orchestrator.Step{{Name: "a", Duration: time.Second, Scenario: s, Expect: calm}}}, orchestrator.RunOptions{})
		r.Track("tracked")
		r.Watch("watched", func() string { return "closed" })
		res := r.run()
		require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
	})
}

// Operations that end at once read the state one after another, so that an
// older reading never follows a newer one.
func TestWatchIsReadInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		var reading atomic.Int32
		var overlaps atomic.Int32
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", time.Second)}},
			orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
				var all sync.WaitGroup
				for range 200 {
					all.Go(func() { _ = s.Do(func(context.Context) error { return nil }) })
				}
				all.Wait()
			}}})
		r.Watch("level", func() string {
			if reading.Add(1) > 1 {
				overlaps.Add(1)
			}
			defer reading.Add(-1)
			return string(rune('a' + n.Add(1)/50))
		})
		res := r.run()
		require.EqualValues(t, 0, overlaps.Load())
		last := ""
		for _, c := range stepOf(t, res, "a").Results.States("level") {
			require.Greater(t, c.State, last)
			last = c.State
		}
	})
}
