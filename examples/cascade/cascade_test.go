package cascade_test

import (
	"testing"

	"golang.org/x/time/rate"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/examples/cascade"
)

// Two layers in parallel: the network is slow for a minute and a half, and for
// half a minute of it the service fails too. A gateway that tries five times
// then sends more than twice the load at the very moment when the service can
// bear it least: attempts_per_operation shows the storm. The same gateway with
// a budget of five retries a second passes the failures on instead.
func TestRetryStorm(t *testing.T) {
	run(t, func() *rate.Limiter { return nil }, assert.AttemptsPerOperation().AtLeast(2), assert.ErrorRate().AtMost(0.15))
}

func TestRetryBudget(t *testing.T) {
	budget := func() *rate.Limiter { return rate.NewLimiter(5, 10) }
	run(t, budget, assert.AttemptsPerOperation().AtMost(1.15), assert.ErrorRate().AtMost(0.60))
}

func run(t *testing.T, budget func() *rate.Limiter, whileFailing ...assert.Expectation) {
	var g *cascade.Gateway
	chaostest.Run(t, "testdata/cascade.yaml", chaostest.ByName(map[string]func(*chaostest.Step){
		"failing_service": func(step *chaostest.Step) {
			step.Load(50, g.Feed)
			step.Expect(whileFailing...)
		},
	}), chaostest.Setup(func(env *chaostest.Env) {
		g = &cascade.Gateway{URL: env.URL, Client: env.Client(), Tries: 5, Budget: budget()}
	}))
}
