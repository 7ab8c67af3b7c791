package chaostest_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
)

// serving starts a server on a free port of loopback, with chaos on. The
// timetable of its runs is real, and nobody can move it on: steps whose bodies
// matter take seconds, so that a process that is put aside for one still sees
// them in force.
func serving(t *testing.T, opts server.Options) *server.Server {
	t.Helper()
	opts.Port, opts.Chaos, opts.Logger = server.AnyPort, true, slog.New(slog.DiscardHandler)
	s, err := server.New(opts)
	require.NoError(t, err)
	require.NoError(t, s.Listen())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return s
}

// upstream is a real server behind the chaos.
func upstream(t *testing.T, says string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, says) }))
	t.Cleanup(s.Close)
	return s.URL
}

// statusOf is the server's last run.
func statusOf(t *testing.T, url string) (report orchestrator.Report) {
	t.Helper()
	resp, err := http.Get(url + "/api/chaos/orchestration/status")
	require.NoError(t, err)
	defer resp.Body.Close()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&report))
	return report
}

// A test of a running server: its faults, its targets, its counts and its
// verdicts, and what the test drives itself.
func TestRemote(t *testing.T) {
	t.Parallel()
	s := serving(t, server.Options{
		Targets:    []server.Target{{Name: "payments", Upstream: upstream(t, "paid")}, {Name: "stock", Upstream: upstream(t, "7"), Port: server.AnyPort}},
		AdminToken: "secret",
	})
	storm := chaos("storm", 2500*time.Millisecond, erring(1))
	// All of it takes less than the ten seconds after which the server closes a
	// connection that was dialled in vain: whoever used it just then would see.
	// What was sent in the calm must be answered before the storm, however late it
	// is noticed here that the calm is over.
	storm.Targets, storm.DelayBefore = []string{"payments"}, 2*time.Second
	storm.Expect = []assert.Expectation{
		assert.MustParse("injected.http_error ~ 100%"), // the server's to judge
		assert.MustParse("error_rate >= 40%"),          // of what the test drives
	}
	o := document(quiet("calm", 2*time.Second), storm, quiet("marker", 0), quiet("recovery", 3*time.Second))
	o.Targets = map[string]orchestrator.Target{"payments": {}, "stock": {}}
	o.Steps[3].Expect = []assert.Expectation{assert.MustParse("recovers within 2s")}
	o.Expect = []assert.Expectation{assert.MustParse("operations >= 10")}
	var payments, stock string
	var ran []string
	var cleaned bool
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		ran = append(ran, step.Spec.Name)
		step.Load(50, func(ctx context.Context) error {
			if err := order(step.Client(), payments)(ctx); err != nil {
				return err
			}
			return order(step.Client(), stock)(ctx)
		})
		r := step.Results()
		require.Positive(step, r.Operations())
		switch step.Spec.Name {
		case "storm":
			step.Expect(assert.ErrorRate().AtLeast(0.5), assert.Requests().AtLeast(1), assert.InjectedCount("http_error").AtLeast(1))
			require.Equal(step, r.Failed(), r.Injected("http_error"), "each fault met an operation of the test")
		case "calm":
			require.Zero(step, r.Failed())
		}
	}, chaostest.Remote(s.URL()+"/"), chaostest.RemoteToken("secret"), chaostest.Setup(func(env *chaostest.Env) {
		require.Equal(env, s.URL(), env.URL, "there is no default target")
		payments, stock = env.Target("payments").URL, env.Target("stock").URL
		require.Equal(env, s.URL()+"/payments", payments)
		require.NotContains(env, stock, s.URL())
		_, body, err := get(env.Context(), env.Target("stock").Client(), stock)
		require.NoError(env, err)
		require.Equal(env, "7", body)
		c, err := env.Target("stock").Dial(env.Context(), "tcp", "")
		require.NoError(env, err)
		require.NoError(env, c.Close())
		env.Cleanup(func() { cleaned = true })
	}))
	require.Equal(t, []string{"calm", "storm", "recovery"}, ran)
	require.True(t, cleaned)
}

// The same with steps in parallel and in a loop that the test ends.
func TestRemoteShapes(t *testing.T) {
	t.Parallel()
	t.Run("parallel", func(t *testing.T) {
		t.Parallel()
		s := serving(t, server.Options{})
		late := quiet("late", 3*time.Second)
		late.DelayBefore = 200 * time.Millisecond
		o := document(chaos("errors", 3*time.Second, erring(1)), late)
		o.Parallel = true
		o.Load = &orchestrator.Traffic{Rate: 50}
		o.Expect = []assert.Expectation{assert.MustParse("operations >= 5")}
		o.Steps[0].Expect = []assert.Expectation{assert.MustParse("error_rate >= 50%")}
		names := make(chan string, 2)
		chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
			<-step.Context().Done()
			names <- step.Spec.Name
		}, chaostest.Remote(s.URL()))
		require.ElementsMatch(t, []string{"errors", "late"}, []string{<-names, <-names})
	})
	t.Run("loop", func(t *testing.T) {
		t.Parallel()
		s := serving(t, server.Options{})
		o := document(quiet("first", 3*time.Second), quiet("second", 3*time.Second))
		o.Loop = true
		var names []string
		chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
			names = append(names, step.Name()[len(t.Name()):])
			if step.Iteration == 2 {
				step.Stop()
			}
		}, chaostest.Remote(s.URL()))
		require.Equal(t, []string{"/iteration-01/first", "/iteration-01/second", "/iteration-02/first"}, names)
		require.Equal(t, orchestrator.RunStopped, statusOf(t, s.URL()).State)
	})
	t.Run("iterations", func(t *testing.T) {
		t.Parallel()
		s := serving(t, server.Options{})
		o := document(quiet("only", time.Second))
		o.Loop = true
		chaostest.RunOrchestration(t, o, nil, chaostest.Remote(s.URL()), chaostest.Iterations(2), chaostest.Seed(0xabc))
		report := statusOf(t, s.URL())
		require.Equal(t, orchestrator.RunCompleted, report.State)
		require.Equal(t, 2, report.Iteration)
		require.Equal(t, "0xabc", report.Seed)
	})
}

// A muted step of a server's run is muted here.
func scenarioRemoteMuted(t *testing.T) {
	s := serving(t, server.Options{})
	o := document(tolerant("first", 3*time.Second), quiet("second", 3*time.Second))
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		if step.Spec.Name == "first" {
			step.Error("the first fails")
		}
	}, chaostest.Remote(s.URL()))
}

func TestRemoteMutes(t *testing.T) {
	t.Parallel()
	p := passes(t, "remote muted", "-test.run=^TestScenario$/^second$")
	require.Equal(t, map[string]string{"": "PASS", "second": "PASS"}, p.verdicts())
	require.NotContains(t, p.out, "the first fails")
}
