package orchestrator_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// realRun runs o in real time. Virtual time is only the clock of these tests:
// the run does not know, and what passes of it is what a user would wait.
func realRun(t *testing.T, o orchestrator.Orchestration, hooks orchestrator.Hooks) (orchestrator.RunResult, time.Duration) {
	t.Helper()
	o.Name = "advanced"
	_, err := o.Validate()
	require.NoError(t, err)
	r, err := orchestrator.NewRun(&o, orchestrator.RunOptions{Hooks: hooks})
	require.NoError(t, err)
	began := time.Now()
	res := r.Run(t.Context())
	return res, time.Since(began)
}

// Steps start and end when the timetable says, however it is moved on.
func TestAdvance(t *testing.T) {
	t.Parallel()
	two := func(delay time.Duration) []orchestrator.Step {
		return []orchestrator.Step{
			{Name: "a", Duration: time.Minute}, {Name: "b", Duration: 10 * time.Second, DelayBefore: delay},
		}
	}
	tests := []struct {
		name     string
		steps    []orchestrator.Step
		parallel bool
		advance  func(s *orchestrator.ActiveStep)
		want     []string
		took     time.Duration
	}{
		{"not at all", two(0), false, func(*orchestrator.ActiveStep) {}, []string{"a passed 0s–1m0s", "b passed 1m0s–1m10s"}, 70 * time.Second},
		{"a part", two(0), false, func(s *orchestrator.ActiveStep) { s.Advance(20 * time.Second) },
			[]string{"a passed 0s–1m0s", "b passed 1m0s–1m10s"}, 50 * time.Second},
		{"to the end", two(5 * time.Second), false, func(s *orchestrator.ActiveStep) { s.Advance(s.Remaining()) },
			[]string{"a passed 0s–1m0s", "b passed 1m5s–1m15s"}, 15 * time.Second},
		{"into the delay", two(30 * time.Second), false, func(s *orchestrator.ActiveStep) { s.Advance(80 * time.Second) },
			[]string{"a passed 0s–1m0s", "b passed 1m30s–1m40s"}, 20 * time.Second},
		{"beyond the delay", two(30 * time.Second), false, func(s *orchestrator.ActiveStep) { s.Advance(time.Hour) },
			[]string{"a passed 0s–1m0s", "b passed 1m30s–1m40s"}, 10 * time.Second},
		{"backwards", two(0), false, func(s *orchestrator.ActiveStep) { s.Advance(-time.Minute) },
			[]string{"a passed 0s–1m0s", "b passed 1m0s–1m10s"}, 70 * time.Second},
		{"no length", []orchestrator.Step{{Name: "a"}, {Name: "b", Duration: 10 * time.Second}}, false,
			func(s *orchestrator.ActiveStep) { s.Advance(7 * time.Second) },
			[]string{"a passed 0s–7s", "b passed 7s–17s"}, 10 * time.Second},
		{"parallel", two(20 * time.Second), true, func(s *orchestrator.ActiveStep) {
			time.Sleep(time.Second)
			s.Advance(24 * time.Second)
			time.Sleep(2 * time.Second)
			s.Advance(time.Hour)
		}, []string{"a passed 0s–1m0s", "b passed 20s–30s"}, 3 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				res, took := realRun(t, orchestrator.Orchestration{Steps: tt.steps, Parallel: tt.parallel}, orchestrator.Hooks{
					Body: func(s *orchestrator.ActiveStep) {
						if s.Spec.Name == "a" {
							tt.advance(s)
						}
					},
				})
				got := lines(res)
				slices.Sort(got) // steps in parallel are judged at once
				require.Equal(t, tt.want, got)
				require.Equal(t, tt.took, took)
			})
		})
	}
}

// What ends with the step has ended when Advance returns, and whoever asks is
// told schedule time.
func TestAdvanceCountsAsElapsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r *orchestrator.Run
		o := orchestrator.Orchestration{Name: "advanced", Steps: []orchestrator.Step{{Name: "a", Duration: time.Minute, Scenario: failing(1)}}}
		r, err := orchestrator.NewRun(&o, orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
			time.Sleep(time.Second)
			s.Advance(29 * time.Second)
			require.Equal(t, 30*time.Second, s.Elapsed())
			require.Equal(t, 30*time.Second, s.Remaining())
			require.Equal(t, 29*time.Second, time.Until(s.Now()))
			require.InDelta(t, 0.5, r.Status().Progress, 1e-9)
			require.NoError(t, s.Context().Err())
			until, ok := s.Context().Deadline()
			require.True(t, ok)
			require.Equal(t, 59*time.Second-1, time.Until(until), "nobody knows of an advance beforehand")
			s.Advance(time.Hour)
			require.ErrorIs(t, context.Cause(s.Context()), orchestrator.ErrStepEnded)
			require.Equal(t, time.Minute, s.Elapsed())
			require.Zero(t, s.Remaining())
			s.Advance(time.Hour)
			require.Equal(t, time.Minute, s.Elapsed(), "it is over")
		}}})
		require.NoError(t, err)
		res := r.Run(t.Context())
		require.Equal(t, []string{"a passed 0s–1m0s"}, lines(res))
		require.Equal(t, time.Minute, res.Elapsed)
		require.InDelta(t, 1, r.Report().Progress, 0)
	})
}

// A load goes on at its own pace, latencies are what callers waited, and
// operations stand where they began on the schedule.
func TestAdvanceLeavesOperationsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		recovered := assert.MustParse("recovers within 40s")
		o := orchestrator.Orchestration{Steps: []orchestrator.Step{{Name: "a", Duration: time.Minute, Expect: []assert.Expectation{recovered}}}}
		res, took := realRun(t, o, orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
			time.AfterFunc(1500*time.Millisecond, func() { s.Advance(30 * time.Second) })
			time.AfterFunc(4500*time.Millisecond, func() { s.Advance(time.Minute) })
			err := s.Load(1, func(context.Context) error {
				at = append(at, s.Elapsed())
				failed := s.Elapsed() < 33*time.Second
				time.Sleep(800 * time.Millisecond)
				if failed {
					return context.DeadlineExceeded
				}
				return nil
			})
			require.NoError(t, err)
		}})
		sec := time.Second
		require.Equal(t, []time.Duration{0, sec, 32 * sec, 33 * sec, 34 * sec}, at)
		results := res.Steps[0].Results
		require.Equal(t, 800*time.Millisecond, results.Max())
		require.Equal(t, 3, results.Failed())
		require.Equal(t, passed, res.Steps[0].State, res.Steps[0].Reason)
		require.Equal(t, "at +32.8s", res.Steps[0].Checks[0].Verdict.Got)
		require.Equal(t, 4800*time.Millisecond, took, "the last operation ends after the step")
	})
}

// Requests, which are stamped by package time, fall into the right step and
// stand at the right offset.
func TestAdvanceMovesRequestsAlong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r *orchestrator.Run
		var send http.RoundTripper
		body := func(s *orchestrator.ActiveStep) {
			until, _ := s.Context().Deadline()
			require.Equal(t, time.Minute-1, time.Until(until), "contexts go by package time")
			for range s.Index + 1 {
				q, err := http.NewRequestWithContext(s.Context(), http.MethodGet, "http://default.test/", nil)
				require.NoError(t, err)
				_, err = send.RoundTrip(q)
				require.NoError(t, err)
				s.Advance(10 * time.Second)
			}
			s.Advance(time.Hour)
		}
		o := orchestrator.Orchestration{Name: "advanced", Loop: true, MaxIterations: 2, Steps: []orchestrator.Step{
			{Name: "a", Duration: time.Minute, Scenario: failing(1)}, {Name: "b", Duration: time.Minute, DelayBefore: time.Minute, Scenario: failing(1)},
		}}
		var log bytes.Buffer
		r, err := orchestrator.NewRun(&o, orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: body}, Log: orchestrator.NewEventLog(&log)})
		require.NoError(t, err)
		send = direct(r.Injector(), answer(http.StatusOK))
		began := time.Now()
		res := r.Run(t.Context())
		require.Zero(t, time.Since(began))
		require.Equal(t, []string{"a passed 0s–1m0s", "b passed 2m0s–3m0s", "a passed 3m0s–4m0s", "b passed 5m0s–6m0s"}, lines(res))
		require.Equal(t, 1, stepOf(t, res, "a").Results.Requests())
		require.Equal(t, 2, stepOf(t, res, "b").Results.Requests())
		require.NotContains(t, log.String(), `"arrived"`, "none of them waited")
		var at []time.Duration
		for _, l := range readLog(t, log.Bytes()) {
			if l.Type == "request" {
				at = append(at, time.Duration(l.T))
			}
		}
		sec := time.Second
		require.Equal(t, []time.Duration{0, 120 * sec, 130 * sec, 180 * sec, 300 * sec, 310 * sec}, at)
	})
}

// A window of a stop condition looks back on the timetable.
func TestAdvanceMovesWindowsAlong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var send http.RoundTripper
		o := orchestrator.Orchestration{
			Name: "advanced", Steps: []orchestrator.Step{{Name: "a", Duration: time.Hour, Scenario: failing(1)}},
			StopConditions: []assert.Expectation{assert.MustParse("server.error_rate >= 100% over 10s")},
		}
		r, err := orchestrator.NewRun(&o, orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
			s.Advance(time.Minute)
			for range 30 {
				q, err := http.NewRequestWithContext(s.Context(), http.MethodGet, "http://default.test/", nil)
				require.NoError(t, err)
				_, err = send.RoundTrip(q)
				require.NoError(t, err)
			}
			<-s.Context().Done()
		}}})
		require.NoError(t, err)
		send = direct(r.Injector(), answer(http.StatusOK))
		res := r.Run(t.Context())
		require.Equal(t, orchestrator.RunFailed, res.State)
		require.Contains(t, res.Reason, "met at +1m0.25s")
	})
}

// Anybody may advance at any time.
func TestAdvanceFromManyGoroutines(t *testing.T) {
	t.Parallel()
	o := orchestrator.Orchestration{Parallel: true}
	for i := range 4 {
		o.Steps = append(o.Steps, orchestrator.Step{Name: fmt.Sprint(i), Duration: time.Hour, DelayBefore: time.Duration(i) * time.Minute})
	}
	res, took := realRun(t, o, orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
		for s.Context().Err() == nil {
			s.Advance(time.Minute)
		}
	}})
	require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
	require.GreaterOrEqual(t, res.Elapsed, time.Hour)
	require.Less(t, took, time.Minute)
	for _, s := range res.Steps {
		require.InDelta(t, time.Hour, s.End-s.Start, float64(time.Minute), s.Name)
	}
}
