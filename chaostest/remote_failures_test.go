package chaostest_test

import (
	"bytes"
	"fmt"
	"io"
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

// scenarioRemote is a run on a server that its settings make fail.
func scenarioRemote(t *testing.T) {
	mode := os.Getenv("MODE")
	s := serving(t, server.Options{Upstream: upstream(t, "hello")})
	url := s.URL()
	o := document(chaos("errors", 3*time.Second, erring(1)), quiet("after", 20*time.Second))
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
	case "short":
		o.Steps, o.Loop, o.MaxIterations = []orchestrator.Step{quiet("long", time.Second), quiet("blink", 99*time.Millisecond)}, true, 3
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
		{"error", map[string]string{"": "FAIL", "errors": "FAIL", "after": "SKIP"}, []string{`remote_failures_test\.go:\d+: the body fails`, `skipped: step errors failed`}, "stopped"},
		{"fatal", map[string]string{"": "FAIL", "errors": "FAIL", "after": "SKIP"}, []string{`remote_failures_test\.go:\d+: the body fails`}, "stopped"},
		{"panic", map[string]string{"": "FAIL", "errors": "FAIL", "after": "SKIP"}, []string{`the body panicked: of the body`}, "stopped"},
		{"go", map[string]string{"": "FAIL", "errors": "FAIL"},
			[]string{`hint     the server reports only sums of what it did: put "injected\.http_error >= 50%" into the document, for it to judge`, `put "server\.circuit_breaker\.default never open" into`}, ""},
		{"serve", map[string]string{"": "FAIL"}, []string{`remote_failures_test\.go:\d+: env\.Serve\("default"\): with chaostest\.Remote the upstreams are the server's own`}, " "},
		{"upstream", map[string]string{"": "FAIL"}, []string{`chaostest\.Upstream: with chaostest\.Remote`}, " "},
		{"target", map[string]string{"": "FAIL"}, []string{`the server has no target "nobody"; it has default`}, " "},
		{"func", map[string]string{"": "FAIL", "errors": "PASS"}, []string{`over the whole run: mine = 1 operations`}, "completed"},
		{"condition", map[string]string{"": "FAIL"}, []string{`for chaostest\.Remote the orchestration must be a document`}, " "},
		{"short", map[string]string{"": "FAIL"}, []string{`step "blink" lasts 99ms: with chaostest\.Remote a step needs 100ms or more for its body to start`}, " "},
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
		{`OTHER={"ok": true}`, `http://127\.0\.0\.1:\d+ is not a mockforge server: what it answers to GET /api/chaos/status has no targets`},
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
	in(t, quiet("calm", 3*time.Second), func(*chaostest.Step) {}, chaostest.Remote(s.URL()))
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
	p := fails(t, "remote timeout", "-test.timeout=20s")
	require.Contains(t, p.out, "the server's run: stopped")
	require.Contains(t, p.out, "the test's -timeout is near")
	require.NotContains(t, p.out, "panic: test timed out")
}
