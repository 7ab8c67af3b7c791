package assert_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/stretchr/testify/require"
)

// A scene fills a collector.
type scene func(*assert.Collector)

// operations records n operations evenly over 30 s, of which every one that
// fails reports true failed.
func operations(n int, latency time.Duration, fails func(i int) bool) scene {
	return func(c *assert.Collector) {
		for i := range n {
			c.Operation(assert.Operation{
				N: i + 1, At: 30 * time.Second * time.Duration(i) / time.Duration(n), Latency: latency, Attempts: 1,
				Failed: fails != nil && fails(i),
			})
		}
	}
}

func requests(n, failed int) scene {
	return func(c *assert.Collector) {
		for i := range n {
			c.Request(assert.ServerRequest{At: time.Duration(i) * 30 * time.Second / time.Duration(n), Failed: i < failed})
		}
	}
}

func injected(kind string, fired, masked int, draws ...assert.Draws) scene {
	return func(c *assert.Collector) {
		for range fired {
			c.Injection(assert.Injection{Kind: kind})
		}
		for range masked {
			c.Injection(assert.Injection{Kind: kind, Masked: true})
		}
		for _, d := range draws {
			d.Kind = kind
			c.Draws(d)
		}
	}
}

func state(side assert.Side, name string, changes ...assert.StateChange) scene {
	return func(c *assert.Collector) {
		c.KnowState(side, name)
		for _, s := range changes {
			c.State(side, name, s.At, s.State)
		}
	}
}

func reference(rate float64) scene {
	return func(c *assert.Collector) { c.SetReference(rate) }
}

func attempts(n int) scene {
	return func(c *assert.Collector) {
		for range n {
			c.Attempt()
		}
	}
}

func results(virtual bool, scenes ...scene) assert.Results {
	c := assert.NewCollector(assert.CollectorOptions{Duration: 30 * time.Second, Virtual: virtual})
	for _, s := range scenes {
		s(c)
	}
	return c.Snapshot(30 * time.Second)
}

func first(n int) func(int) bool { return func(i int) bool { return i < n } }

func TestCheck(t *testing.T) {
	t.Parallel()
	const p, f, u = assert.Pass, assert.Fail, assert.Inconclusive
	all := func(s ...scene) []scene { return s }
	exact := assert.Draws{Exact: true, Probability: 0.1, Requests: 1000}
	bernoulli := assert.Draws{Probability: 0.1, Requests: 1000}
	opened := []assert.StateChange{{0, "closed"}, {3 * time.Second, "open"}, {8 * time.Second, "half-open"}, {9 * time.Second, "closed"}}
	tests := []struct {
		text   string
		real   bool
		scenes []scene
		want   assert.Status
		got    string
		why    string
	}{
		// Nothing passes on zero samples; plain counts are what they are.
		{text: "error_rate <= 1%", want: u, got: "unknown (0 operations)"},
		{text: "not(error_rate <= 1%)", want: u, got: "unknown (0 operations)"},
		{text: "p99 <= 1s", want: u, got: "unknown (0 operations)"},
		{text: "max <= 1s", want: u, got: "unknown (0 operations)"},
		{text: "throughput >= 1/s", want: u, got: "unknown (0 operations)"},
		{text: "attempts_per_operation <= 2", want: u, got: "unknown (0 operations)"},
		{text: "recovers within 20s", want: u, got: "unknown (0 operations)"},
		{text: "server.error_rate <= 1%", want: u, got: "unknown (0 requests)"},
		{text: "injected.latency ~ 10%", want: u, got: "unknown (0 requests)"},
		{text: "injected.latency >= 1", want: f, got: "0 (of 0 requests)"},
		{text: "operations >= 100", want: f, got: "0"},
		{text: "operations == 0", want: p, got: "0"},
		{text: "server.requests <= 5", want: u, got: "0", why: "nothing happened that could have been counted"},
		{text: "operations <= 5", want: u, got: "0"},
		{text: "injected.http_error == 0", want: u, got: "0 (of 0 requests)"},
		{text: "injected.resolver_latency == 1", scenes: all(injected("resolver_latency", 1, 0)), want: p, got: "1", why: "in a message of a connection that is open"},
		{text: "injected.resolver_latency <= 1", scenes: all(injected("resolver_latency", 0, 1)), want: p, got: "0 (of 0 requests, and 1 masked)"},
		{text: "server.requests == 0", want: p, got: "0", why: "this is about nothing"},
		{text: "operations == 0", want: p, got: "0"},
		{text: "operations <= 0", want: p, got: "0"},
		{text: "server.requests < 1", want: p, got: "0"},
		{text: "operations >= 0", want: u, got: "0", why: "any number is"},
		{text: "error_rate <= 1%", scenes: all(requests(9, 0)), want: u, got: "unknown (0 operations)", why: "requests are no operations"},

		// Ratios.
		{text: "error_rate <= 5%", scenes: all(operations(100, ms, first(5))), want: p, got: "5% (5 of 100 operations)", why: "at the bound"},
		{text: "error_rate <= 7%", scenes: all(operations(100, ms, first(7))), want: p, got: "7% (7 of 100 operations)", why: "0.07*100 is not 7"},
		{text: "error_rate < 5%", scenes: all(operations(100, ms, first(5))), want: f, got: "5% (5 of 100 operations)"},
		{text: "error_rate <= 5%", scenes: all(operations(112, ms, first(11))), want: f, got: "9.8% (11 of 112 operations)"},
		{text: "error_rate <= 5%", scenes: all(operations(39960, ms, first(2000))), want: f, got: "5.01% (2000 of 39960 operations)", why: "never shown as the bound"},
		{text: "error_rate == 0%", scenes: all(operations(5000, ms, first(1))), want: f, got: "0.02% (1 of 5000 operations)", why: "never shown as 0%"},
		{text: "error_rate > 50%", scenes: all(operations(100, ms, first(60))), want: p, got: "60% (60 of 100 operations)"},
		{text: "error_rate between 5% and 10%", scenes: all(operations(100, ms, first(11))), want: f, got: "11% (11 of 100 operations)"},
		{text: "server.error_rate <= 12%", scenes: all(requests(100, 12)), want: p, got: "12% (12 of 100 requests)"},
		{text: "server.error_rate <= 12%", scenes: all(requests(100, 13)), want: f, got: "13% (13 of 100 requests)"},
		{text: "injected.x <= 10%", scenes: all(injected("x", 90, 10, exact)), want: p, got: "10% (90 fired and 10 masked, 100 of 1000 requests)"},
		{text: "injected.x <= 10%", scenes: all(injected("x", 91, 10, exact)), want: f, got: "10.1% (91 fired and 10 masked, 101 of 1000 requests)"},
		{text: "injected.rate_limit <= 10%", scenes: all(injected("rate_limit", 5, 0), requests(100, 0)), want: p, got: "5% (5 of 100 requests)", why: "not drawn: of all requests"},

		// Ratios in real time need a sample that means something.
		{text: "error_rate <= 1%", real: true, scenes: all(operations(298, ms, nil)), want: u, got: "0% (0 of 298 operations)"},
		{text: "error_rate <= 1%", real: true, scenes: all(operations(299, ms, nil)), want: p, got: "0% (0 of 299 operations)"},
		{text: "error_rate <= 1%", scenes: all(operations(3, ms, nil)), want: p, got: "0% (0 of 3 operations)", why: "virtual time repeats"},
		{text: "error_rate <= 1%", real: true, scenes: all(operations(3, ms, first(1))), want: f, got: "33.3% (1 of 3 operations)", why: "a miss is a miss"},
		{text: "error_rate <= 0%", real: true, scenes: all(operations(3, ms, nil)), want: p, got: "0% (0 of 3 operations)"},
		{text: "error_rate > 50%", real: true, scenes: all(operations(4, ms, first(4))), want: u, got: "100% (4 of 4 operations)"},
		{text: "error_rate > 50%", real: true, scenes: all(operations(5, ms, first(5))), want: p, got: "100% (5 of 5 operations)"},
		{text: "error_rate >= 100%", real: true, scenes: all(operations(1, ms, first(1))), want: p, got: "100% (1 of 1 operation)"},

		// ~ against the plan.
		{text: "injected.x ~ 10%", scenes: all(injected("x", 100, 0, exact)), want: p, got: "10% (100 of 1000 requests)"},
		{text: "injected.x ~ 10%", scenes: all(injected("x", 60, 40, exact)), want: p, got: "10% (60 fired and 40 masked, 100 of 1000 requests)"},
		{text: "injected.x ~ 10%", scenes: all(injected("x", 99, 0, exact)), want: f, got: "9.9% (99 of 1000 requests)", why: "1,000 requests are 50 whole blocks"},
		{text: "injected.x ~ 10%", scenes: all(injected("x", 0, 0, assert.Draws{Exact: true, Probability: 0.1, Requests: 10})), want: p, got: "0% (0 of 10 requests)", why: "the block's two may be yet to come"},
		{text: "injected.x ~ 10%", scenes: all(injected("x", 3, 0, assert.Draws{Exact: true, Probability: 0.1, Requests: 10})), want: f, got: "30% (3 of 10 requests)"},
		// ~ by the binomial test.
		{text: "injected.x ~ 10%", scenes: all(injected("x", 97, 0, bernoulli)), want: p, got: "9.7% (97 of 1000 requests; 99.9% interval 6.9%–13.1%)"},
		{text: "injected.x ~ 10%", real: true, scenes: all(injected("x", 97, 0, exact)), want: p, got: "9.7% (97 of 1000 requests; 99.9% interval 6.9%–13.1%)"},
		{text: "injected.x ~ 10%", scenes: all(injected("x", 162, 0, bernoulli)), want: p, got: "16.2% (162 of 1000 requests; 99.9% interval 12.6%–20.3%)", why: "the last that is accepted at 1e-9; it warns"},
		{text: "injected.x ~ 10%", scenes: all(injected("x", 163, 0, bernoulli)), want: f, got: "16.3% (163 of 1000 requests; 99.9% interval 12.7%–20.4%)"},
		{text: "error_rate ~ 10%", scenes: all(operations(1000, ms, first(46))), want: f, got: "4.6% (46 of 1000 operations; 99.9% interval 2.7%–7.2%)"},
		{text: "error_rate ~ 10%", scenes: all(operations(9, ms, first(1))), want: u, got: "11.1% (1 of 9 operations; 99.9% interval 0.01%–69.4%)", why: "9 of 9 would not fail"},
		{text: "error_rate ~ 0%", scenes: all(operations(9, ms, first(1))), want: f, got: "11.1% (1 of 9 operations; 99.9% interval 0.01%–69.4%)"},

		// Latencies.
		{text: "p99 <= 800ms", scenes: all(operations(112, 800*ms, nil)), want: p, got: "800ms (112 operations)"},
		{text: "p99 <= 800ms", scenes: all(operations(112, 800*ms+20*time.Microsecond, nil)), want: p, got: "800.02ms (112 operations)", why: "20 µs for its one request"},
		{text: "p99 <= 800ms", scenes: all(operations(112, 800*ms+20*time.Microsecond+1, nil)), want: f, got: "800.020001ms (112 operations)"},
		{text: "p99 >= 800ms", scenes: all(operations(112, 800*ms-20*time.Microsecond, nil)), want: p, got: "799.98ms (112 operations)"},
		{text: "p99 == 800ms", scenes: all(operations(112, 800*ms-21*time.Microsecond, nil)), want: f, got: "799.979ms (112 operations)"},
		{text: "p99 <= 800ms", real: true, scenes: all(operations(112, 800*ms+1, nil)), want: f, got: "800.000001ms (112 operations)", why: "no allowance, and never shown as the bound"},
		{text: "p99 <= 800ms", real: true, scenes: all(operations(112, 123456789, nil)), want: p, got: "123.5ms (112 operations)"},
		{text: "p99 <= 800ms", real: true, scenes: all(operations(99, ms, nil)), want: u, got: "1ms (99 operations)"},
		{text: "p99 <= 800ms", scenes: all(operations(1, ms, nil)), want: p, got: "1ms (1 operation)"},
		{text: "mean between 1ms and 2ms", real: true, scenes: all(operations(1, 2*ms, nil)), want: p, got: "2ms (1 operation)"},
		{text: "max < 2ms", real: true, scenes: all(operations(1, 2*ms, nil)), want: f, got: "2ms (1 operation)"},
		{text: "p50 <= 1ms", scenes: all(operations(70000, ms, nil)), want: p, got: "≈1ms (70000 operations)"},

		// Rates and counts.
		{text: "throughput >= 45/s", scenes: all(operations(1350, ms, nil)), want: p, got: "45/s (1350 operations in 30s)"},
		{text: "throughput >= 45/s", scenes: all(operations(1349, ms, nil)), want: f, got: "44.97/s (1349 operations in 30s)"},
		{text: "operations between 5 and 7", scenes: all(operations(7, ms, nil)), want: p, got: "7"},
		{text: "server.requests > 7", scenes: all(requests(7, 0)), want: f, got: "7"},
		{text: "injected.x == 3", scenes: all(injected("x", 3, 2, exact)), want: p, got: "3 (of 1000 requests that met its rule, and 2 masked)"},
		{text: "attempts_per_operation <= 1.5", scenes: all(operations(100, ms, nil), attempts(150)), want: p, got: "1.5 (150 attempts for 100 operations)"},
		{text: "attempts_per_operation <= 1.5", scenes: all(operations(100, ms, nil), attempts(151)), want: f, got: "1.51 (151 attempts for 100 operations)"},
		{text: "attempts_per_operation <= 1.5", scenes: all(operations(100, ms, nil), requests(9, 0)), want: u, got: "0 (0 attempts for 100 operations)", why: "the client was not ours"},
		{text: "attempts_per_operation <= 1.5", scenes: all(operations(100, ms, nil)), want: p, got: "0 (0 attempts for 100 operations)", why: "a breaker was open all along"},

		// States.
		{text: "circuit_breaker.pay is closed", scenes: all(state(0, "pay", opened...)), want: p, got: "closed"},
		{text: "circuit_breaker.pay is open", scenes: all(state(0, "pay", opened...)), want: f, got: "closed"},
		{text: "circuit_breaker.pay becomes HALFOPEN", scenes: all(state(0, "pay", opened...)), want: p, got: "HALFOPEN at +8s"},
		{text: "circuit_breaker.pay becomes isolated", scenes: all(state(0, "pay", opened...)), want: f, got: "never isolated"},
		{text: "circuit_breaker.pay becomes closed within 0s", scenes: all(state(0, "pay", opened...)), want: p, got: "closed at 0s"},
		{text: "circuit_breaker.pay becomes open within 3s", scenes: all(state(0, "pay", opened...)), want: p, got: "open at +3s"},
		{text: "circuit_breaker.pay becomes open within 2.99998s", scenes: all(state(0, "pay", opened...)), want: p, got: "open at +3s", why: "20 µs for the response that opened it"},
		{text: "circuit_breaker.pay becomes open within 2.99998s", real: true, scenes: all(state(0, "pay", opened...)), want: f, got: "open at +3s (20µs late)"},
		{text: "circuit_breaker.pay becomes open within 1s", scenes: all(state(0, "pay", opened...)), want: f, got: "open at +3s (2s late)"},
		{text: "circuit_breaker.pay never open", scenes: all(state(0, "pay", opened...)), want: f, got: "open at +3s"},
		{text: "circuit_breaker.pay never isolated", scenes: all(state(0, "pay", opened...)), want: p, got: "never isolated"},
		{text: "circuit_breaker.pay stays closed", scenes: all(state(0, "pay", opened...)), want: f, got: "open at +3s"},
		{text: "circuit_breaker.pay stays open", scenes: all(state(0, "pay", opened...)), want: f, got: "closed at 0s"},
		{text: "circuit_breaker.pay stays closed", scenes: all(state(0, "pay", opened[0])), want: p, got: "closed"},
		{text: "circuit_breaker.pay is closed", scenes: all(state(0, "pay")), want: u, got: "unknown (0 samples)"},
		{text: "circuit_breaker.pay never open", scenes: all(state(0, "pay")), want: u, got: "unknown (0 samples)"},
		{text: "circuit_breaker.pya never open", scenes: all(state(0, "pay", opened...)), want: f, got: "unknown (no such name)"},
		{text: "circuit_breaker.pay is closed", scenes: all(state(1, "pay", opened[1]), state(0, "pay", opened[0])), want: p, got: "closed", why: "the client's first"},
		{text: "server.circuit_breaker.pay is open", scenes: all(state(1, "pay", opened[1]), state(0, "pay", opened[0])), want: p, got: "open"},
		{text: "circuit_breaker.pay is open", scenes: all(state(1, "pay", opened[1])), want: p, got: "open", why: "else the server's"},
		{text: "client.circuit_breaker.pay is open", scenes: all(state(1, "pay", opened[1])), want: f, got: "unknown (no such name)"},
		{text: "state.leader is n1", scenes: all(state(0, "leader", assert.StateChange{State: "N-1"})), want: p, got: "N-1"},

		// Recovery. 300 operations: one each 100 ms.
		{text: "recovers within 20s", scenes: all(operations(300, ms, nil)), want: p, got: "at 0s"},
		{text: "recovers within 20s", scenes: all(operations(300, ms, first(200))), want: p, got: "at +19.901s"},
		{text: "recovers within 20s", scenes: all(operations(1, 0, first(1)), operations(1, 0, nil)), want: p, got: "at 0s", why: "started when the failure ended"},
		{text: "recovers within 20s", scenes: all(operations(300, ms, first(240))), want: f, got: "at +23.901s (3.901s late)"},
		{text: "recovers within 20s", scenes: all(operations(300, ms, func(i int) bool { return i == 299 })), want: f, got: "not by the end, +30s"},
		{text: "recovers within 20s", scenes: all(operations(300, ms, first(300))), want: f, got: "not by the end, +30s"},
		{text: "recovers within 20s", scenes: all(reference(0.1), operations(300, ms, func(i int) bool { return i < 100 || i%10 == 0 })), want: p, got: "at +10.125s"},
		{text: "recovers within 9s", scenes: all(reference(0.1), operations(300, ms, func(i int) bool { return i < 100 || i%10 == 0 })), want: f, got: "at +10.125s (1.125s late)"},
		{text: "recovers within 20s", scenes: all(reference(0.1), operations(300, ms, first(300))), want: f, got: "not by the end, +30s"},
		{text: "recovers within 9s", scenes: all(reference(0.01), operations(300, ms, func(i int) bool { return i%2 == 0 })), want: f, got: "at +29.25s (20.25s late)", why: "no bin is above by itself, but runs of them are"},

		// Combinations.
		{text: "all(error_rate <= 5%; p99 <= 1ms)", scenes: all(operations(100, ms, first(5))), want: p, got: "client error rate 5% (5 of 100 operations), client p99 1ms (100 operations)"},
		{text: "all(error_rate <= 5%; p99 < 100us)", scenes: all(operations(100, ms, first(5))), want: f, got: "1ms (100 operations)"},
		{text: "all(server.error_rate <= 5%; p99 <= 1ms)", scenes: all(operations(100, ms, first(5))), want: u, got: "unknown (0 requests)"},
		{text: "all(server.error_rate <= 5%; p99 < 100us)", scenes: all(operations(100, ms, first(5))), want: f, got: "1ms (100 operations)", why: "a failure counts more than a gap"},
		{text: "any(server.error_rate <= 5%; p99 <= 1ms)", scenes: all(operations(100, ms, first(5))), want: p, got: "1ms (100 operations)"},
		{text: "any(server.error_rate <= 5%; p99 < 100us)", scenes: all(operations(100, ms, first(5))), want: u, got: "server error rate unknown (0 requests), client p99 1ms (100 operations)"},
		{text: "any(error_rate < 5%; p99 < 100us)", scenes: all(operations(100, ms, first(5))), want: f, got: "client error rate 5% (5 of 100 operations), client p99 1ms (100 operations)"},
		{text: "not(error_rate <= 5%)", scenes: all(operations(100, ms, first(5))), want: f, got: "5% (5 of 100 operations)"},
		{text: "not(error_rate < 5%)", scenes: all(operations(100, ms, first(5))), want: p, got: "5% (5 of 100 operations)"},
		{text: "error_rate > 50% over 30s", scenes: all(operations(100, ms, first(60))), want: p, got: "60% (60 of 100 operations)"},
	}
	for _, tt := range tests {
		t.Run(tt.text+" "+tt.got, func(t *testing.T) {
			t.Parallel()
			v := assert.MustParse(tt.text).Check(results(!tt.real, tt.scenes...))
			require.Equal(t, tt.want.String(), v.Status.String(), "%s\n%s\n%s", tt.why, v, strings.Join(v.Detail, "\n"))
			require.Equal(t, tt.got, v.Got, tt.why)
			require.LessOrEqual(t, len(v.Detail), 5)
			switch v.Status {
			case assert.Pass:
				for _, d := range v.Detail {
					require.True(t, strings.HasPrefix(d, "warning"), "no evidence for what passed: %s", d)
				}
			default:
				require.NotEmpty(t, v.Detail)
			}
			require.NotEmpty(t, v.Want)
		})
	}
}
