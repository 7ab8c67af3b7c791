package chaostest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
)

// serving starts a server on a free port of loopback, with chaos on.
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
	storm := chaos("storm", 1500*time.Millisecond, erring(1))
	storm.Targets, storm.DelayBefore = []string{"payments"}, 100*time.Millisecond
	storm.Expect = []assert.Expectation{
		assert.MustParse("injected.http_error ~ 100%"), // the server's to judge
		assert.MustParse("error_rate >= 40%"),          // of what the test drives
	}
	o := document(quiet("calm", 1500*time.Millisecond), storm, quiet("marker", 0), quiet("recovery", 1500*time.Millisecond))
	o.Targets = map[string]orchestrator.Target{"payments": {}, "stock": {}}
	o.Steps[3].Expect = []assert.Expectation{assert.MustParse("recovers within 1s")}
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
		late := quiet("late", time.Second)
		late.DelayBefore = 200 * time.Millisecond
		o := document(chaos("errors", 1500*time.Millisecond, erring(1)), late)
		o.Parallel = true
		o.Load = &orchestrator.Traffic{Rate: 50}
		o.Expect = []assert.Expectation{assert.MustParse("operations >= 5")}
		o.Steps[0].Expect = []assert.Expectation{assert.MustParse("error_rate >= 90%")}
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
		o := document(quiet("first", time.Second), quiet("second", time.Second))
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

// scenarioRemote is a run on a server that its settings make fail.
func scenarioRemote(t *testing.T) {
	mode := os.Getenv("MODE")
	s := serving(t, server.Options{Upstream: upstream(t, "hello")})
	url := s.URL()
	o := document(chaos("errors", 1500*time.Millisecond, erring(1)), quiet("after", 20*time.Second))
	opts := []chaostest.Option{chaostest.Remote(url)}
	switch mode {
	case "verdict":
		o.Steps[0].Expect = []assert.Expectation{assert.MustParse("injected.http_error == 0")}
	case "run verdict":
		o.Steps = o.Steps[:1]
		o.Expect = []assert.Expectation{assert.MustParse("injected.http_error == 0")}
	case "serve":
		opts = append(opts, chaostest.Setup(func(env *chaostest.Env) { env.Serve("default", says("mine")) }))
	case "upstream":
		opts = append(opts, chaostest.Upstream(says("mine")))
	case "target":
		opts = append(opts, chaostest.Setup(func(env *chaostest.Env) { env.Target("nobody") }))
	case "func":
		mine := assert.Func("mine", func(r assert.Results) error { return fmt.Errorf("%d operations", r.Operations()) })
		o.Steps = o.Steps[:1]
		o.Expect = []assert.Expectation{mine}
	case "condition":
		o.StopConditions = []assert.Expectation{assert.Func("mine", func(assert.Results) error { return nil })}
	case "busy":
		other := document(quiet("other", time.Minute))
		other.Name = "somebody else's"
		busy(t, url, other)
	case "off":
		s.Enable(false)
	case "invalid":
		o.Targets = map[string]orchestrator.Target{"elsewhere": {Upstream: "http://127.0.0.1:1"}}
	}
	t.Cleanup(func() { fmt.Println("the server's run:", statusOf(t, url).State, statusOf(t, url).Reason) })
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		fmt.Println("ran", step.Spec.Name)
		_ = step.Do(order(step.Client(), step.URL)) // what fails is counted
		switch mode {
		case "error":
			step.Error("the body fails")
		case "fatal":
			step.Fatal("the body fails")
		case "panic":
			panic("of the body")
		case "go":
			step.Expect(assert.Injected("http_error").AtLeast(0.5), assert.Server(assert.CircuitBreaker("default").Never(assert.Open)))
		}
	}, opts...)
}

// busy starts an orchestration on a server behind the test's back.
func busy(t *testing.T, url string, o orchestrator.Orchestration) {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, orchestrator.Encode(&text, &o, orchestrator.JSON))
	resp, err := http.Post(url+"/api/chaos/orchestration/start", "application/json", &text)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.NoError(t, resp.Body.Close())
}

func TestRemoteFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		mode     string
		verdicts map[string]string
		says     []string // patterns
		server   string   // how its run ended
	}{
		{"verdict", map[string]string{"": "FAIL", "errors": "FAIL", "after": "SKIP"},
			[]string{`injected http_error = 1 .*, want == 0`, `orders failed in \S+ of real time on the server at http://127\.0\.0\.1:\d+; seed`}, "failed step errors failed"},
		{"run verdict", map[string]string{"": "FAIL", "errors": "PASS"}, []string{`over the whole run: injected http_error = 1 .*, want == 0`}, "failed"},
		{"error", map[string]string{"": "FAIL", "errors": "FAIL", "after": "SKIP"}, []string{`remote_test\.go:\d+: the body fails`, `skipped: step errors failed`}, "stopped"},
		{"fatal", map[string]string{"": "FAIL", "errors": "FAIL", "after": "SKIP"}, []string{`remote_test\.go:\d+: the body fails`}, "stopped"},
		{"panic", map[string]string{"": "FAIL", "errors": "FAIL", "after": "SKIP"}, []string{`the body panicked: of the body`}, "stopped"},
		{"go", map[string]string{"": "FAIL", "errors": "FAIL"},
			[]string{`hint     the server reports only sums of what it did: put "injected\.http_error >= 50%" into the document, for it to judge`, `put "server\.circuit_breaker\.default never open" into`}, ""},
		{"serve", map[string]string{"": "FAIL"}, []string{`remote_test\.go:\d+: env\.Serve\("default"\): with chaostest\.Remote the upstreams are the server's own`}, " "},
		{"upstream", map[string]string{"": "FAIL"}, []string{`chaostest\.Upstream: with chaostest\.Remote`}, " "},
		{"target", map[string]string{"": "FAIL"}, []string{`the server has no target "nobody"; it has default`}, " "},
		{"func", map[string]string{"": "FAIL", "errors": "PASS"}, []string{`over the whole run: mine = 1 operations`}, "completed"},
		{"condition", map[string]string{"": "FAIL"}, []string{`for chaostest\.Remote the orchestration must be a document`}, " "},
		{"busy", map[string]string{"": "FAIL"}, []string{`the server at \S+: orchestration "somebody else's" is already running`}, "running "},
		{"off", map[string]string{"": "FAIL"}, []string{`the server at \S+: chaos is disabled: start with --chaos`}, " "},
		{"invalid", map[string]string{"": "FAIL"}, []string{`the server at \S+: .*elsewhere`}, " "},
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			p := fails(t, "remote", "MODE="+tt.mode)
			got := p.verdicts()
			for name, want := range tt.verdicts {
				require.Equal(t, want, got[name], "%q in\n%s", name, p.out)
			}
			for _, pattern := range tt.says {
				require.Regexp(t, pattern, p.out)
			}
			require.Contains(t, p.out, "the server's run: "+tt.server)
		})
	}
}

// A server that is not there is said so at once.
func scenarioUnreachable(t *testing.T) {
	url := "http://127.0.0.1:1"
	if other := os.Getenv("OTHER"); other != "" {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, other) }))
		defer web.Close()
		url = web.URL
	}
	if text := os.Getenv("URL"); text != "" {
		url = text
	}
	in(t, quiet("calm", time.Second), func(*chaostest.Step) {}, chaostest.Remote(url))
}

func TestRemoteIsNotThere(t *testing.T) {
	t.Parallel()
	tests := []struct{ setting, want string }{
		{"X=", `document_test\.go:\d+: no mockforge server answers at http://127\.0\.0\.1:1: .*connection refused: start one with mockforge serve --chaos, or correct the URL of chaostest\.Remote`},
		{"OTHER=hello", `http://127\.0\.0\.1:\d+ is not a mockforge server: it answers GET /api/chaos/status with text/plain; charset=utf-8 that is no JSON`},
		{"URL=localhost:3000", `chaostest\.Remote\("localhost:3000"\): that is not the URL of a server, such as http://127\.0\.0\.1:3000`},
	}
	for _, tt := range tests {
		t.Run(tt.setting, func(t *testing.T) {
			t.Parallel()
			p := fails(t, "unreachable", tt.setting)
			require.Regexp(t, tt.want, p.out)
			require.Less(t, p.lasted(t, ""), 20*time.Second)
		})
	}
}

func scenarioToken(t *testing.T) {
	s := serving(t, server.Options{AdminToken: "secret"})
	in(t, quiet("calm", time.Second), func(*chaostest.Step) {}, chaostest.Remote(s.URL()))
}

func TestRemoteToken(t *testing.T) {
	t.Parallel()
	passes(t, "token", "CHAOSTEST_REMOTE_TOKEN=secret")
	for _, token := range []string{"", "wrong"} {
		p := fails(t, "token", "CHAOSTEST_REMOTE_TOKEN="+token)
		require.Regexp(t, `the server at \S+: .* admin token.*: give its admin token to chaostest\.RemoteToken, or set CHAOSTEST_REMOTE_TOKEN`, p.out)
		require.NotContains(t, p.out, "wrong")
	}
}

// No run is left on the server when the test binary's time is up.
func scenarioRemoteTimeout(t *testing.T) {
	s := serving(t, server.Options{})
	t.Cleanup(func() { fmt.Println("the server's run:", statusOf(t, s.URL()).State) })
	in(t, quiet("long", time.Hour), func(*chaostest.Step) {}, chaostest.Remote(s.URL()))
}

func TestRemoteTimeout(t *testing.T) {
	t.Parallel()
	p := fails(t, "remote timeout", "-test.timeout=10s")
	require.Contains(t, p.out, "the server's run: stopped")
	require.Contains(t, p.out, "the test's -timeout is near")
	require.NotContains(t, p.out, "panic: test timed out")
}

// A muted step of a server's run is muted here.
func scenarioRemoteMuted(t *testing.T) {
	s := serving(t, server.Options{})
	o := document(tolerant("first", time.Second), quiet("second", time.Second))
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
