package chaostest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// outage is a minute of nothing but errors after which the service is well,
// with what is expected of the breaker called name in each step.
func outage(name string, pushed bool) orchestrator.Orchestration {
	failing, recovering := chaos("outage", time.Minute, erring(1)), quiet("repaired", 2*time.Minute)
	breaker := assert.CircuitBreaker(name)
	failing.Expect = []assert.Expectation{
		breaker.BecomesWithin(assert.Open, time.Second), breaker.Is(assert.Open), assert.Not(breaker.Stays(assert.Closed)),
	}
	if pushed {
		// A probe that fails at once is over before an operation ends: nobody
		// sees it who samples.
		failing.Expect = append(failing.Expect, breaker.Becomes(assert.HalfOpen), assert.MustParse("circuit_breaker."+name+" becomes half-open"))
	}
	recovering.Expect = []assert.Expectation{
		breaker.BecomesWithin(assert.HalfOpen, 25*time.Second), breaker.BecomesWithin(assert.Closed, 25*time.Second), breaker.Is(assert.Closed),
		assert.Recovers().Within(25 * time.Second), assert.MustParse("not(circuit_breaker." + name + " never Half_Open)"),
	}
	calm := quiet("calm", time.Minute)
	calm.Expect = []assert.Expectation{breaker.Stays(assert.Closed), breaker.Never(assert.Open)}
	return document(calm, failing, recovering)
}

// A breaker calls an operation.
type breaker func(ctx context.Context, op func(ctx context.Context) error) error

// Breakers of other libraries open, probe and close as the virtual time says,
// whether they push their states or are asked.
func TestBreakersOfLibraries(t *testing.T) {
	t.Parallel()
	const patience = 25 * time.Second
	for _, tt := range []struct {
		name  string
		build func(env *chaostest.Env) breaker
	}{
		{"gobreaker, pushed", func(env *chaostest.Env) breaker {
			push := env.Track("orders")
			return sonys(gobreaker.Settings{Timeout: patience, OnStateChange: func(_ string, _, to gobreaker.State) { push(to.String()) }})
		}},
		{"gobreaker, sampled", func(env *chaostest.Env) breaker {
			state := gobreaker.StateClosed // reading the breaker's own changes it
			env.Watch("orders", func() string { return state.String() })
			return sonys(gobreaker.Settings{Timeout: patience, MaxRequests: 3, OnStateChange: func(_ string, _, to gobreaker.State) { state = to }})
		}},
		{"failsafe-go, pushed", func(env *chaostest.Env) breaker {
			push := env.Track("orders")
			return failsafes(circuitbreaker.NewBuilder[any]().WithFailureThreshold(5).WithDelay(patience).
				OnStateChanged(func(e circuitbreaker.StateChangedEvent) { push(e.NewState.String()) }).Build())
		}},
		{"failsafe-go, sampled", func(env *chaostest.Env) breaker {
			b := circuitbreaker.NewBuilder[any]().WithFailureThreshold(5).WithSuccessThreshold(3).WithDelay(patience).Build()
			env.Watch("orders", func() string { return b.State().String() })
			return failsafes(b)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var call breaker
			chaostest.RunOrchestration(t, outage("orders", strings.HasSuffix(tt.name, "pushed")), func(step *chaostest.Step) {
				op := order(step.Client(), step.URL)
				step.Load(20, func(ctx context.Context) error { return call(ctx, op) })
			}, chaostest.Setup(func(env *chaostest.Env) { call = tt.build(env) }))
		})
	}
}

func sonys(s gobreaker.Settings) breaker {
	b := gobreaker.NewCircuitBreaker[any](s)
	return func(ctx context.Context, op func(context.Context) error) error {
		_, err := b.Execute(func() (any, error) { return nil, op(ctx) })
		return err
	}
}

func failsafes(b circuitbreaker.CircuitBreaker[any]) breaker {
	return func(ctx context.Context, op func(context.Context) error) error {
		return failsafe.With(b).WithContext(ctx).RunWithExecution(func(e failsafe.Execution[any]) error { return op(e.Context()) })
	}
}

// The chaos server's own breaker is known by its target's name: here it goes
// through its life in one layer, before an upstream that fails for a while.
func TestBreakerOfTheChaosServer(t *testing.T) {
	t.Parallel()
	step := chaos("guarded", time.Minute, injector.Config{CircuitBreaker: &injector.CircuitBreaker{
		FailureThreshold: 5, SuccessThreshold: 2, Timeout: 10 * time.Second, HalfOpenMaxRequests: 1,
	}})
	b := assert.CircuitBreaker("default")
	step.Expect = []assert.Expectation{
		b.Becomes(assert.Open), b.BecomesWithin(assert.Open, 6*time.Second), b.Becomes(assert.HalfOpen),
		b.BecomesWithin(assert.Closed, 26*time.Second), b.Is(assert.Closed), assert.Server(b.Becomes(assert.Open)),
		assert.MustParse("server.circuit_breaker.default becomes open within 6s"), assert.InjectedCount("circuit_breaker").AtLeast(100),
	}
	var down atomic.Bool
	in(t, step, func(step *chaostest.Step) {
		go func() {
			step.Clock().Advance(5 * time.Second)
			down.Store(true)
			step.Clock().Advance(12 * time.Second)
			down.Store(false)
		}()
		step.Load(10, order(step.Client(), step.URL))
		type change struct {
			state string
			at    time.Duration
		}
		var got []change
		for _, c := range step.Results().States("default") {
			got = append(got, change{c.State, c.At.Round(10 * time.Millisecond)})
		}
		require.Equal(step, []change{
			{"closed", 0},
			{"open", 5400 * time.Millisecond},       // the fifth failure
			{"half_open", 15500 * time.Millisecond}, // at the first request ten seconds later
			{"open", 15500 * time.Millisecond},      // whose failure opens it again
			{"half_open", 25600 * time.Millisecond},
			{"closed", 25700 * time.Millisecond}, // the second success
		}, got)
	}, chaostest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})))
}

func scenarioBreakerNames(t *testing.T) {
	o := document(tolerant("unknown", time.Second), tolerant("never opens", time.Second))
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		_ = step.Do(func(context.Context) error { return errors.New("no") })
		if step.Spec.Name == "unknown" {
			step.Expect(assert.CircuitBreaker("order").Becomes(assert.Open))
			return
		}
		step.Expect(assert.CircuitBreaker("orders").Becomes(assert.Open))
	}, chaostest.Setup(func(env *chaostest.Env) { env.Track("orders") }))
}

// A name that is neither watched nor a target's is an error with a suggestion,
// not a pass and not a state that never came.
func TestBreakerNames(t *testing.T) {
	t.Parallel()
	p := fails(t, "breaker names")
	require.Regexp(t, `breaker_test\.go:\d+: breaker order = unknown \(no such name\), want becomes open\n.*did you mean "orders"`, p.out)
	require.Regexp(t, `breaker_test\.go:\d+: breaker orders = never open, want becomes open`, p.out)
}
