package chaostest_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// One test function, on both clocks. Two minutes of it are over at once in real
// time too, since its body moves on when it has seen enough.
func TestOneBodyOnBothClocks(t *testing.T) {
	t.Parallel()
	storm := chaos("storm", time.Minute, erring(0.25))
	storm.DelayBefore = 30 * time.Second
	storm.Expect = []assert.Expectation{assert.MustParse("injected.http_error == 10"), assert.MustParse("server.requests == 40")}
	recovery := quiet("recovery", time.Minute)
	recovery.Expect = []assert.Expectation{assert.Recovers().Within(10 * time.Second)}
	for name, opts := range map[string][]chaostest.Option{"virtual": nil, "real": {chaostest.RealTime()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			var cleaned []string
			chaostest.RunOrchestration(t, document(quiet("calm", time.Minute), storm, recovery), func(step *chaostest.Step) {
				step.Cleanup(func() { cleaned = append(cleaned, step.Spec.Name) })
				for range 40 {
					_ = step.Do(order(step.Client(), step.URL)) // what fails is counted
				}
				if step.Spec.Name == "storm" {
					step.Require(assert.ErrorRate().Between(0.2, 0.3))
					calm, ok := step.Past("calm")
					require.True(step, ok)
					require.Zero(step, calm.Failed())
				} else {
					step.Require(assert.ErrorRate().AtMost(0), assert.Operations().Equal(40))
				}
				step.Clock().Advance(step.Clock().Remaining() + 30*time.Second)
			}, append(opts, chaostest.Upstream(says("upstream")), chaostest.Setup(func(env *chaostest.Env) {
				env.Cleanup(func() { cleaned = append(cleaned, "env") })
			}))...)
			require.Equal(t, []string{"calm", "storm", "recovery", "env"}, cleaned)
			if name == "real" { // the other may have waited for its turn
				require.Less(t, time.Since(began), 2*time.Minute, "of a timetable of three and a half")
			}
		})
	}
}

// The targets are there for everybody: for clients that know nothing of the
// harness, and for connections.
func TestRealTimeTargetsAreReal(t *testing.T) {
	t.Parallel()
	o := document(chaos("errors", time.Minute, erring(1)))
	o.Targets = map[string]orchestrator.Target{"payments": {}, "stock": {}}
	o.Steps[0].Targets = []string{"payments"}
	var env *chaostest.Env
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		for target, want := range map[string]int{"payments": 503, "stock": 200} {
			resp, err := http.Get(env.Target(target).URL + "/x")
			require.NoError(step, err)
			require.Equal(step, want, resp.StatusCode)
			require.NoError(step, resp.Body.Close())
			c, err := env.Target(target).Dial(step.Context(), "tcp", "")
			require.NoError(step, err)
			require.IsType(step, &net.TCPConn{}, c)
			require.NoError(step, c.Close())
		}
		require.Equal(step, 1, step.Results().Requests(), "of the target that the layer is in front of")
		step.Clock().Advance(time.Hour)
	}, chaostest.RealTime(), chaostest.PatchDefaultTransport(), chaostest.Setup(func(e *chaostest.Env) { env = e }))
	addr, err := url.Parse(env.Target("payments").URL)
	require.NoError(t, err)
	_, err = net.Dial("tcp", addr.Host)
	require.ErrorIs(t, err, syscall.ECONNREFUSED, "closed when the run is over")
}

// Faults of the connection are what they are on real sockets.
func TestRealTimeConnectionFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		config injector.Config
		check  func(step *chaostest.Step, err error)
	}{
		{"reset", fault(injector.FaultInjection{ConnectionErrorProbability: new(1.0), ConnectionErrorKind: injector.TCPReset}),
			func(step *chaostest.Step, err error) { require.ErrorIs(step, err, syscall.ECONNRESET) }},
		{"partial", fault(injector.FaultInjection{PartialResponseProbability: new(1.0)}),
			func(step *chaostest.Step, err error) { require.ErrorIs(step, err, io.ErrUnexpectedEOF) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in(t, chaos(tt.name, time.Minute, tt.config), func(step *chaostest.Step) {
				_, _, err := get(step.Context(), step.Client(), step.URL)
				tt.check(step, err)
				step.Clock().Advance(time.Hour)
			}, chaostest.RealTime(), chaostest.Upstream(says("a body that is long enough to be cut")))
		})
	}
}

// What belongs to a run works: parallel steps, load of the document, of the Env
// and of a step, ticks, watched and tracked states.
func TestRealTimeLoads(t *testing.T) {
	t.Parallel()
	o := document(chaos("errors", time.Minute, erring(1)), quiet("late", time.Minute))
	o.Parallel, o.Steps[1].DelayBefore = true, 30*time.Second
	o.Load = &orchestrator.Traffic{Rate: 100, Path: "/document"}
	o.Expect = []assert.Expectation{assert.MustParse("operations >= 30")}
	var track func(string)
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		if step.Spec.Name == "late" {
			step.Clock().Advance(time.Hour)
			return
		}
		ticks := 0
		for i := range step.Every(time.Millisecond) {
			require.Equal(step, ticks, i)
			if ticks++; ticks == 10 {
				track("open")
			}
			r := step.Results()
			if ticks > 10 && r.Operations() >= 30 {
				break
			}
		}
		step.Expect(assert.CircuitBreaker("mine").Becomes(assert.Open), assert.State("watched").Is("fine"), assert.ErrorRate().Above(0))
		done := make(chan struct{})
		go func() {
			defer close(done)
			step.Load(200, func(context.Context) error { return nil })
		}()
		step.Clock().Advance(time.Hour)
		<-done
	}, chaostest.RealTime(), chaostest.Setup(func(env *chaostest.Env) {
		track = env.Track("mine")
		env.Watch("watched", func() string { return "fine" })
		env.Load(100, order(env.Client(), env.URL))
	}))
}

// In real time a sample may be too small to decide.
func scenarioRealTime(t *testing.T) {
	o := document(chaos("small", time.Minute, erring(0.5)), quiet("unreached", time.Second))
	o.Steps[0].Expect = []assert.Expectation{assert.MustParse("injected.http_error ~ 50%")}
	o.Steps[1].When = orchestrator.Always
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		for range 4 {
			_ = step.Do(order(step.Client(), step.URL)) // what fails is counted
		}
		fmt.Println("ran", step.Spec.Name)
		if step.Spec.Name == "unreached" && os.Getenv("FAIL") != "" {
			step.Error("the last step fails")
		}
		step.Clock().Advance(time.Hour)
	}, chaostest.RealTime())
}

func TestRealTimeReports(t *testing.T) {
	t.Parallel()
	p := fails(t, "real time", "CHAOSTEST_CHECK=3")
	require.Equal(t, map[string]string{"": "FAIL", "small": "FAIL", "unreached": "PASS"}, p.verdicts())
	require.Contains(t, p.out, "(inconclusive)")
	require.Regexp(t, `injected http_error = 50%.*\n.*hint +no count out of 4 would be far enough`, p.out)
	require.Regexp(t, `(?m)^    orders inconclusive in \S+ of real time \(1m\d+(\.\d+)?s of the timetable\); seed 0x[0-9a-f]+; event log \S+$`, p.out)
	require.Regexp(t, `replay: CHAOSTEST_SEED=0x[0-9a-f]+ go test \./chaostest -run '\^TestScenario\$/\^small\$' -count=1`, p.out)
	require.Contains(t, p.out, "CHAOSTEST_CHECK has no effect in real time")
	require.Less(t, p.lasted(t, ""), 30*time.Second)
}

// A step that is left out by -run is muted in real time as well.
func TestRealTimeMutes(t *testing.T) {
	t.Parallel()
	p := passes(t, "real time", "-test.run=^TestScenario$/^unreached$")
	require.Equal(t, map[string]string{"": "PASS", "unreached": "PASS"}, p.verdicts())
	require.Contains(t, p.out, "ran small\n", "it runs all the same")
	require.NotContains(t, p.out, "inconclusive)")
	p = fails(t, "real time", "-test.run=^TestScenario$/^unreached$", "FAIL=1")
	p.placed(t, "the last step fails")
}

// What a run leaves behind may speak and fail long after the test: it must not
// take the process along.
func scenarioLastWords(t *testing.T) {
	ended := make(chan struct{})
	said := make(chan struct{})
	t.Run("run", func(t *testing.T) {
		chaostest.RunOrchestration(t, document(quiet("calm", time.Minute)), func(step *chaostest.Step) {
			go func() {
				<-ended
				step.Error("too late")
				close(said)
			}()
			step.Clock().Advance(time.Hour)
		}, chaostest.RealTime())
	})
	close(ended)
	<-said
}

func TestRealTimeLastWords(t *testing.T) {
	t.Parallel()
	p := passes(t, "last words")
	require.NotContains(t, p.out, "too late")
}

// A Setup that fails or skips keeps the steps from running, and a panic of a
// body fails its step only.
func scenarioRealTimeEnds(t *testing.T) {
	for name, f := range map[string]func(env *chaostest.Env){
		"fails": func(env *chaostest.Env) { env.Fatal("no database") },
		"skips": func(env *chaostest.Env) { env.Skip("no docker") },
		"goes":  func(*chaostest.Env) {},
	} {
		t.Run(name, func(t *testing.T) {
			chaostest.RunOrchestration(t, document(tolerant("step", time.Minute)), func(step *chaostest.Step) {
				if name != "goes" {
					fmt.Println("the step ran")
				}
				panic("of the body")
			}, chaostest.RealTime(), chaostest.Setup(f))
		})
	}
}

func TestRealTimeEnds(t *testing.T) {
	t.Parallel()
	p := fails(t, "real time ends")
	require.Equal(t, map[string]string{"": "FAIL", "fails": "FAIL", "skips": "SKIP", "goes": "FAIL", "goes/step": "FAIL"}, p.verdicts())
	require.NotContains(t, p.out, "the step ran")
	require.Contains(t, p.out, "the body panicked: of the body")
	p.placed(t, "no docker")
}
