package chaostest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// Each target has its own upstream and its own address.
func TestServe(t *testing.T) {
	t.Parallel()
	o := document(quiet("calm", time.Minute))
	o.Targets = map[string]orchestrator.Target{"payments": {}, "stock": {}, "silent": {}}
	var env *chaostest.Env
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		for target, want := range map[string]string{"payments": "paid", "stock": "7", "silent": ""} {
			for _, client := range []*http.Client{step.Client(), env.Client(), env.Target(target).Client()} {
				status, body, err := get(step.Context(), client, env.Target(target).URL+"/any/path")
				require.NoError(step, err)
				require.Equal(step, http.StatusOK, status, "200 to everything by default")
				require.Equal(step, want, body)
			}
		}
		env.Serve("stock", says("6"))
		_, body, err := get(step.Context(), step.Client(), env.Target("stock").URL)
		require.NoError(step, err)
		require.Equal(step, "6", body, "a handler may be changed while the run lasts")
	}, chaostest.Setup(func(e *chaostest.Env) {
		env = e
		e.Serve("payments", says("paid"))
		e.Serve("stock", says("7"))
		require.NotEqual(e, e.Target("payments").URL, e.Target("stock").URL)
		require.Equal(e, "payments", e.Target("payments").Name)
		require.NotContains(e, e.Target("payments").URL[len("http://"):], "/")
	}))
}

// A document without targets may have any; the first is called default.
func TestTargetsOfADocumentWithout(t *testing.T) {
	t.Parallel()
	var env *chaostest.Env
	in(t, chaos("errors", time.Minute, erring(1)), func(step *chaostest.Step) {
		for _, target := range []string{"default", "payments", "late"} {
			status, _, err := get(step.Context(), step.Client(), env.Target(target).URL)
			require.NoError(step, err)
			require.Equal(step, 503, status, "%s: a layer without targets is in front of all", target)
		}
		require.Equal(step, env.URL, env.Target("default").URL)
	}, chaostest.Setup(func(e *chaostest.Env) {
		env = e
		e.Serve("payments", says("paid"))
	}))
}

func scenarioUnknownTarget(t *testing.T) {
	o := document(quiet("calm", time.Minute))
	o.Targets = map[string]orchestrator.Target{"payments": {}, "stock": {}}
	chaostest.RunOrchestration(t, o, func(*chaostest.Step) { fmt.Println("a step ran") }, chaostest.Setup(func(env *chaostest.Env) {
		env.Serve("paymets", says("paid"))
		fmt.Println("Setup went on")
	}))
}

func TestUnknownTarget(t *testing.T) {
	t.Parallel()
	p := fails(t, "unknown target")
	require.Regexp(t, `env_test\.go:\d+: the document has no target "paymets"; it has payments, stock`, p.out)
	require.NotContains(t, p.out, "a step ran")
	require.NotContains(t, p.out, "Setup went on")
}

// A copy of the client, for a Timeout of its own, records as the client does.
func TestClientCopy(t *testing.T) {
	t.Parallel()
	in(t, chaos("slow", time.Minute, slow(2*time.Second)), func(step *chaostest.Step) {
		patient, hasty := *step.Client(), *step.Client()
		patient.Timeout, hasty.Timeout = 3*time.Second, time.Second
		require.NoError(step, order(&patient, step.URL)(step.Context()))
		require.ErrorIs(step, order(&hasty, step.URL)(step.Context()), context.DeadlineExceeded)
		require.Equal(step, 2, step.Results().Operations())
		require.Equal(step, 1, step.Results().Failed())
		require.Equal(step, 2*time.Second, step.Results().Max().Round(time.Millisecond))
	})
}

// A target may be dialled by anything that speaks over connections.
func TestDial(t *testing.T) {
	t.Parallel()
	var target *chaostest.Target
	in(t, quiet("calm", time.Minute), func(step *chaostest.Step) {
		for _, addr := range []string{"", target.URL[len("http://"):]} {
			conn, err := target.Dial(step.Context(), "tcp", addr)
			require.NoError(step, err)
			_, err = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: payments\r\nConnection: close\r\n\r\n")
			require.NoError(step, err)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(step, err)
			require.Equal(step, http.StatusTeapot, resp.StatusCode)
			require.NoError(step, conn.Close())
		}
		_, err := target.Dial(step.Context(), "tcp", "127.0.0.1:999")
		require.ErrorIs(step, err, syscall.ECONNREFUSED, "an address that nobody opened")
		_, err = target.Dial(step.Context(), "udp", "")
		require.Error(step, err)
	}, chaostest.Setup(func(env *chaostest.Env) {
		target = env.Target("payments")
		env.Serve("payments", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	}))
}

// A client that bypasses the harness is refused by the real network at once,
// inside the run and outside: it does not freeze virtual time.
func TestRealNetworkRefuses(t *testing.T) {
	t.Parallel()
	var url string
	in(t, quiet("calm", time.Minute), func(step *chaostest.Step) {
		transport := &http.Transport{DisableKeepAlives: true}
		_, _, err := get(step.Context(), &http.Client{Transport: transport}, step.URL)
		require.ErrorIs(step, err, syscall.ECONNREFUSED)
		require.Zero(step, step.Clock().Elapsed())
		url = step.URL
	})
	_, _, err := get(t.Context(), &http.Client{Transport: &http.Transport{}}, url)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

// The Env's load lasts for the whole run. Each call counts for the steps in
// force when it starts, and those in delays for the run alone.
func TestEnvLoad(t *testing.T) {
	t.Parallel()
	second := chaos("errors", 20*time.Second, erring(0.25))
	second.DelayBefore = 30 * time.Second
	o := document(quiet("calm", 10*time.Second), second)
	o.Expect = []assert.Expectation{assert.Operations().Equal(600)}
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		<-step.Context().Done()
		time.Sleep(1)
		require.Equal(step, int(10*step.Spec.Duration.Seconds()), step.Results().Operations())
		if step.Spec.Name == "errors" {
			require.Equal(step, 50, step.Results().Failed())
		}
	}, chaostest.Setup(func(env *chaostest.Env) { env.Load(10, order(env.Client(), env.URL)) }))
}

// Steps in force at once each count a call of the Env's load.
func TestEnvLoadInParallelSteps(t *testing.T) {
	t.Parallel()
	o := document(quiet("short", 10*time.Second), quiet("long", 20*time.Second))
	o.Parallel = true
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		<-step.Context().Done()
		time.Sleep(1)
		// The load starts with the run and the steps some nanoseconds later, as
		// steps in parallel are apart.
		require.InDelta(step, 10*step.Spec.Duration.Seconds(), step.Results().Operations(), 1)
	}, chaostest.Setup(func(env *chaostest.Env) { env.Load(10, order(env.Client(), env.URL)) }))
}

func scenarioLoadInStep(t *testing.T) {
	var env *chaostest.Env
	in(t, quiet("calm", time.Minute), func(step *chaostest.Step) {
		env.Load(10, func(context.Context) error { return nil })
	}, chaostest.Setup(func(e *chaostest.Env) { env = e }))
}

func TestEnvLoadBelongsInSetup(t *testing.T) {
	t.Parallel()
	p := fails(t, "load in step")
	require.Regexp(t, `env_test\.go:\d+: env.Load: call it in Setup`, p.out)
}

// What is watched is seen when an operation ends and at the edges of steps,
// what is tracked when it is pushed.
func TestWatchAndTrack(t *testing.T) {
	t.Parallel()
	state := "closed"
	var push func(string)
	chaostest.RunOrchestration(t, document(quiet("first", time.Minute), quiet("second", time.Minute)), func(step *chaostest.Step) {
		if step.Spec.Name == "second" {
			step.Expect(assert.State("watched").Is("half-open"), assert.State("tracked").Stays("open"))
			return
		}
		step.Clock().Advance(10 * time.Second)
		push("open")
		state = "open"
		step.Clock().Advance(10 * time.Second)
		require.NoError(step, step.Do(func(context.Context) error { return nil }))
		state = "half-open"
		at := map[string]time.Duration{}
		for _, name := range []string{"watched", "tracked"} {
			for _, change := range step.Results().States(name) {
				if change.State == "open" {
					at[name] = change.At
				}
			}
		}
		require.Equal(step, map[string]time.Duration{"tracked": 10 * time.Second, "watched": 20 * time.Second}, at)
		step.Expect(
			assert.State("tracked").BecomesWithin("open", 10*time.Second), assert.State("watched").Becomes("open"),
			assert.Not(assert.State("watched").Never("open")), assert.State("tracked").Never("half_open"))
	}, chaostest.Setup(func(env *chaostest.Env) {
		env.Watch("watched", func() string { return state })
		push = env.Track("tracked")
	}))
}

func TestSetupsRunInOrderAndUpstreamAnswers(t *testing.T) {
	t.Parallel()
	var order []string
	var at time.Time
	in(t, quiet("calm", time.Minute), func(step *chaostest.Step) {
		_, body, err := get(step.Context(), step.Client(), step.URL)
		require.NoError(step, err)
		require.Equal(step, "upstream", body)
		require.WithinDuration(step, at.Add(time.Hour), step.Clock().Now().Add(-step.Clock().Elapsed()), time.Millisecond, "a Setup may take its time")
		order = append(order, "step")
	}, chaostest.Upstream(says("upstream")),
		chaostest.Setup(func(env *chaostest.Env) {
			at = time.Now()
			order = append(order, "first")
			time.Sleep(time.Hour)
		}),
		chaostest.Setup(func(env *chaostest.Env) {
			order = append(order, "second")
			_, body, err := get(env.Context(), env.Client(), env.URL)
			require.NoError(env, err, "the servers live from before Setup")
			require.Equal(env, "upstream", body)
			env.Cleanup(func() {
				_, _, err := get(context.WithoutCancel(env.Context()), env.Client(), env.URL)
				require.NoError(env, err, "and beyond the clean-ups")
				order = append(order, "clean-up")
			})
		}))
	require.Equal(t, []string{"first", "second", "step", "clean-up"}, order)
}

func scenarioSkipInSetup(t *testing.T) {
	in(t, quiet("calm", time.Minute), func(*chaostest.Step) { fmt.Println("a step ran") }, chaostest.Setup(func(env *chaostest.Env) {
		env.Cleanup(func() { fmt.Println("cleaned up") })
		env.Skip("there is no database here")
	}))
}

// A Setup that skips skips the test, as t.Skip does.
func TestSkipInSetup(t *testing.T) {
	t.Parallel()
	p := passes(t, "skip in setup")
	p.placed(t, "there is no database here")
	require.Equal(t, map[string]string{"": "SKIP"}, p.verdicts())
	require.Contains(t, p.out, "cleaned up")
	require.NotContains(t, p.out, "a step ran")
}

// The context of the Env suits what works in the background: it ends before the
// clean-ups that wait for it.
func TestContextOfTheEnvEndsWithTheRun(t *testing.T) {
	t.Parallel()
	worked := 0
	chaostest.RunOrchestration(t, document(quiet("first", time.Minute), quiet("second", time.Minute)), func(*chaostest.Step) {}, chaostest.Setup(func(env *chaostest.Env) {
		stopped := make(chan error)
		go func() {
			tick := time.NewTicker(10 * time.Second)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					worked++
				case <-env.Context().Done():
					stopped <- errors.New("stopped")
					return
				}
			}
		}()
		env.Cleanup(func() { require.Error(env, <-stopped) })
	}))
	require.Equal(t, 12, worked)
}
