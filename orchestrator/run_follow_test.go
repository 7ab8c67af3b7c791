package orchestrator_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A remote is a leader: another run of what ForLeader says, that keeps to its
// timetable as the server does. It belongs to one synctest bubble.
type remote struct {
	run    *orchestrator.Run
	client http.RoundTripper // into its layers
	dead   atomic.Bool       // it answers no more
	stops  atomic.Int64
	deaf   bool // it does not stop
}

func (l *remote) Report(context.Context) (orchestrator.Report, error) {
	if l.dead.Load() {
		return orchestrator.Report{}, errors.New("connection refused")
	}
	return l.run.Report(), nil
}

func (l *remote) Stop(context.Context) error {
	l.stops.Add(1)
	if l.deaf {
		return nil
	}
	l.run.Stop("on request")
	return nil
}

// follow runs o on a leader, and the bodies here.
func follow(t *testing.T, o orchestrator.Orchestration, setup func(r *orchestrator.Run, l *remote), body func(s *orchestrator.ActiveStep, l *remote)) (res orchestrator.RunResult, l *remote, told []string) {
	t.Helper()
	o.Name = "led"
	_, err := o.Validate()
	require.NoError(t, err)
	l = &remote{}
	opts := orchestrator.RunOptions{
		Seed: new(uint64(7)), IterationLimit: 5,
		Client: &http.Client{}, URL: func(string) string { panic("the document's load is the leader's") },
		Hooks: orchestrator.Hooks{Skipped: func(s orchestrator.Step, _ int, reason string) { told = append(told, s.Name+": "+reason) }},
	}
	if body != nil {
		opts.Hooks.Body = func(s *orchestrator.ActiveStep) { body(s, l) }
	}
	here, err := orchestrator.NewRun(&o, opts)
	require.NoError(t, err)
	if setup != nil {
		setup(here, l)
	}
	led := here.ForLeader()
	client := &http.Client{Transport: transport(func(q *http.Request) (*http.Response, error) { return l.client.RoundTrip(q) })}
	l.run, err = orchestrator.NewRun(&led, orchestrator.RunOptions{Prompt: true, Client: client, URL: func(target string) string { return "http://" + target + ".test" }})
	require.NoError(t, err)
	l.client = l.run.Recording(direct(l.run.Injector(), answer(http.StatusOK)), nil)
	over := make(chan struct{})
	go func() {
		defer close(over)
		l.run.Run(context.Background())
	}()
	synctest.Wait()
	res = here.Follow(t.Context(), l)
	<-over
	require.Equal(t, l.run.Seed(), res.Seed)
	return res, l, told
}

// send is one request to the leader.
func (l *remote) send(s *orchestrator.ActiveStep) {
	_ = s.Do(func(ctx context.Context) error { // what fails is counted
		return get(ctx, &http.Client{Transport: l.client})
	})
}

// Bodies run while their step is in force there; client-side numbers are of
// here, the others of there, and so are verdicts.
func TestFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calm, storm := quietStep("calm", 10*time.Second), orchestrator.Step{Name: "storm", Duration: 20 * time.Second, DelayBefore: 5 * time.Second, Scenario: failing(0.25)}
		storm.Expect = []assert.Expectation{
			assert.MustParse("operations == 20"), assert.MustParse("injected.http_error ~ 25%"), assert.MustParse("injected.http_error == 5"),
			assert.MustParse("circuit_breaker.mine becomes open"),
		}
		o := orchestrator.Orchestration{Steps: []orchestrator.Step{calm, storm}, Expect: []assert.Expectation{
			assert.MustParse("operations == 30"), assert.MustParse("server.requests >= 30"),
		}}
		var track func(string)
		res, l, told := follow(t, o, func(r *orchestrator.Run, _ *remote) { track = r.Track("mine") }, func(s *orchestrator.ActiveStep, l *remote) {
			for range 10 * (s.Index + 1) {
				l.send(s)
			}
			track("open")
			require.Equal(t, 10*(s.Index+1), s.Results().Requests(), "asked for at once")
			require.Equal(t, 5*s.Index, s.Results().Injected("http_error"))
			<-s.Context().Done()
			require.ErrorIs(t, context.Cause(s.Context()), orchestrator.ErrStepEnded)
		})
		require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
		require.Equal(t, []string{"calm passed 0s–10s", "storm passed 15s–35s"}, lines(res))
		require.Empty(t, told)
		require.Zero(t, l.stops.Load())
		require.Len(t, stepOf(t, res, "storm").Checks, 4)
		require.Len(t, l.run.Report().Steps[1].Checks, 2, "what it cannot judge was not sent")
		require.Len(t, res.Checks, 2)
		require.Equal(t, 30, res.Results.Requests())
	})
}

// The verdicts of there count, and end the run there by themselves.
func TestFollowTakesOver(t *testing.T) {
	t.Parallel()
	bad, always := assert.MustParse("server.requests >= 100"), quietStep("clean-up", 5*time.Second)
	always.When = orchestrator.Always
	tests := []struct {
		name   string
		o      orchestrator.Orchestration
		during func(l *remote) // 3 s after the start
		state  orchestrator.RunState
		reason string
		steps  map[string]orchestrator.StepState
	}{
		{"failure", orchestrator.Orchestration{Steps: []orchestrator.Step{expecting(quietStep("a", 5*time.Second), bad), quietStep("b", 5*time.Second), always}}, nil,
			orchestrator.RunFailed, "step a failed", map[string]orchestrator.StepState{"a": failed, "b": skipped, "clean-up": passed}},
		{"failure of the run", orchestrator.Orchestration{Expect: []assert.Expectation{bad}, Steps: []orchestrator.Step{quietStep("a", 5*time.Second)}}, nil,
			orchestrator.RunFailed, "server requests = 0, want >= 100", map[string]orchestrator.StepState{"a": passed}},
		{"stopped there", orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", 5*time.Second), quietStep("b", 5*time.Second)}}, func(l *remote) { l.run.Stop("by hand") },
			orchestrator.RunStopped, "stopped: by hand", map[string]orchestrator.StepState{"a": skipped, "b": skipped}},
		{"switched off there", orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", 5*time.Second), quietStep("b", 5*time.Second)}}, func(l *remote) { l.run.Suspend("chaos is off"); l.run.Resume() },
			orchestrator.RunInconclusive, "step a is inconclusive", map[string]orchestrator.StepState{"a": inconclusive, "b": passed}},
		{"lost", orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", 60*time.Second), quietStep("b", 5*time.Second)}}, func(l *remote) { l.dead.Store(true) },
			orchestrator.RunFailed, "step a failed", map[string]orchestrator.StepState{"a": failed, "b": skipped}},
		{"too short", orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("first", time.Second), {Name: "a", Duration: time.Millisecond, DelayBefore: 20 * time.Millisecond}, quietStep("b", time.Second)}}, nil,
			orchestrator.RunFailed, "step a failed", map[string]orchestrator.StepState{"a": failed, "b": skipped}},
		{"no length", orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", 0), quietStep("b", time.Second)}}, nil,
			orchestrator.RunCompleted, "", map[string]orchestrator.StepState{"a": passed, "b": passed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				res, _, _ := follow(t, tt.o, func(_ *orchestrator.Run, l *remote) {
					if tt.during != nil {
						time.AfterFunc(3*time.Second, func() { tt.during(l) })
					}
				}, func(s *orchestrator.ActiveStep, _ *remote) { require.Positive(t, s.Duration()) })
				require.Equal(t, tt.state, res.State, res.Reason)
				require.Equal(t, tt.reason, res.Reason)
				for name, want := range tt.steps {
					require.Equal(t, want, stepOf(t, res, name).State, name)
				}
			})
		})
	}
}

// What ends the run here ends it there.
func TestFollowStopsTheLeader(t *testing.T) {
	t.Parallel()
	steps := []orchestrator.Step{quietStep("a", 5*time.Second), quietStep("b", 5*time.Second)}
	tests := []struct {
		name string
		o    orchestrator.Orchestration
		body func(r *orchestrator.Run, s *orchestrator.ActiveStep)
		want orchestrator.RunState
		told string
	}{
		{"failure", orchestrator.Orchestration{Steps: steps}, func(_ *orchestrator.Run, s *orchestrator.ActiveStep) { s.Fail("no") }, orchestrator.RunFailed, "b: step a failed"},
		{"stop after the step", orchestrator.Orchestration{Steps: steps}, func(r *orchestrator.Run, _ *orchestrator.ActiveStep) { r.StopAfterStep() }, orchestrator.RunCompleted,
			"b: the run was ended after an earlier step"},
		{"stop", orchestrator.Orchestration{Steps: steps}, func(r *orchestrator.Run, _ *orchestrator.ActiveStep) { r.Stop("enough") }, orchestrator.RunStopped, "b: stopped: enough"},
		{"an expectation", orchestrator.Orchestration{Steps: []orchestrator.Step{expecting(steps[0], assert.MustParse("operations >= 7")), steps[1]}},
			func(*orchestrator.Run, *orchestrator.ActiveStep) {}, orchestrator.RunFailed, ""},
		{"a stop condition", orchestrator.Orchestration{Steps: steps, StopConditions: []assert.Expectation{assert.MustParse("error_rate > 50%")}},
			func(_ *orchestrator.Run, s *orchestrator.ActiveStep) {
				for range 30 {
					_ = s.Do(func(context.Context) error { return errors.New("no") })
				}
			}, orchestrator.RunFailed, `b: stopped: stop condition "error_rate > 50%" met at +250ms: client error rate = 100% (30 of 30 operations)`},
		{"an endless loop", orchestrator.Orchestration{Loop: true, Steps: steps}, func(*orchestrator.Run, *orchestrator.ActiveStep) {}, orchestrator.RunFailed, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var here *orchestrator.Run
				res, l, told := follow(t, tt.o, func(r *orchestrator.Run, _ *remote) { here = r }, func(s *orchestrator.ActiveStep, _ *remote) {
					if s.Spec.Name == "a" {
						tt.body(here, s)
					}
				})
				require.Equal(t, tt.want, res.State, res.Reason)
				require.Equal(t, int64(1), l.stops.Load())
				require.Equal(t, orchestrator.RunStopped, l.run.Status().State)
				if tt.told != "" {
					require.Equal(t, []string{tt.told}, told)
				}
			})
		})
	}
}

// A leader that does not stop is left behind.
func TestFollowIsNotHeldUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var here *orchestrator.Run
		res, _, _ := follow(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", time.Hour)}},
			func(r *orchestrator.Run, l *remote) { here, l.deaf = r, true },
			func(*orchestrator.ActiveStep, *remote) { here.Stop("enough") })
		require.Equal(t, orchestrator.RunStopped, res.State)
		require.Less(t, res.Elapsed, 2*time.Minute)
	})
}

// The document's load is driven there, that of the test here, in every step
// that is in force.
func TestFollowInParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := orchestrator.Orchestration{Parallel: true, Load: &orchestrator.Traffic{Rate: 10}, Steps: []orchestrator.Step{
			expecting(quietStep("a", 10*time.Second), assert.MustParse("operations >= 90")), {Name: "b", Duration: 5 * time.Second, DelayBefore: 2 * time.Second},
		}}
		res, _, _ := follow(t, o, func(r *orchestrator.Run, l *remote) {
			r.Background(1, func(ctx context.Context) error { return get(ctx, &http.Client{Transport: l.client}) })
		}, nil)
		require.Equal(t, orchestrator.RunCompleted, res.State, res.Reason)
		a, b := stepOf(t, res, "a").Results, stepOf(t, res, "b").Results
		require.InDelta(t, 10, a.Operations(), 1, "of here")
		require.InDelta(t, 5, b.Operations(), 1)
		require.Greater(t, a.Requests(), 90, "of there")
	})
}
