package assert_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/stretchr/testify/require"
)

// outage is 112 operations over 30 s without a retry: 11 of them met a 503.
func outage() assert.Results {
	c := assert.NewCollector(assert.CollectorOptions{Name: "peak_chaos", Duration: 30 * time.Second, Virtual: true})
	c.State(assert.ClientSide, "payments", 0, "closed")
	c.State(assert.ClientSide, "payments", 3*time.Second, "open")
	c.State(assert.ServerSide, "orders", 0, "closed")
	for i := range 112 {
		at := time.Duration(i) * 30 * time.Second / 112
		op := assert.Operation{N: i + 1, Name: "GET /orders", At: at, Latency: 120 * ms, Attempts: 1, FaultsHit: 1}
		if i%10 == 3 && i != 3 {
			op.Failed, op.Status, op.Fault, op.Error = true, 503, "http_error", "503 Service Unavailable"
			c.Injection(assert.Injection{Kind: "http_error", Status: 503})
		} else if i == 50 {
			op.Latency = 1250 * ms
			op.Attempts = 3
		}
		c.Injection(assert.Injection{Kind: "latency", Delay: 120 * ms})
		c.Request(assert.ServerRequest{At: at, Failed: op.Failed})
		c.Draws(assert.Draws{Kind: "http_error", Exact: true, Probability: 0.1, Requests: i + 1})
		c.Operation(op)
	}
	return c.Snapshot(30 * time.Second)
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		r    assert.Results
		want string
	}{
		{"error_rate <= 5%", outage(), `
client error rate = 8.9% (10 of 112 operations), want <= 5%
    when     ▁▁█▁▇▁▁▇▁▇▁█▁▇▁▇▁█▁▇▁▁▇▁  0s–30s, worst 25% at +2.5s
    first    #14 GET /orders → 503 at +3.482s after 120ms (http_error)
    injected http_error 503 × 10, latency 120ms × 112 · absorbed by retries 102
    breaker  payments closed@0s → open@+3s · server orders closed@0s`},
		{"p99.9 <= 800ms", outage(), `
client p99.9 = 1.25s (112 operations), want <= 800ms
    when     ▂▂▂▂▂▂▂▂▂▂█▂▂▂▂▂▂▂▂▂▂▂▂▂  0s–30s, worst 1.25s at +12.5s
    slowest  #51 GET /orders at +13.39s took 1.25s in 3 attempts
    injected http_error 503 × 10, latency 120ms × 112 · absorbed by retries 102
    breaker  payments closed@0s → open@+3s · server orders closed@0s`},
		{"circuit_breaker.payments never open", outage(), `
breaker payments = open at +3s, want never open
    breaker  payments closed@0s → open@+3s
    when     ▁▁█▁▇▁▁▇▁▇▁█▁▇▁▇▁█▁▇▁▁▇▁  0s–30s, worst 25% at +2.5s
    injected http_error 503 × 10, latency 120ms × 112 · absorbed by retries 102`},
		{"circuit_breaker.paymnts never open", outage(), `
breaker paymnts = unknown (no such name), want never open
    hint     known: payments, orders; did you mean "payments"?`},
		{"circuit_breaker.payments never open", assert.Results{}, `
breaker payments = unknown (no such name), want never open
    hint     nothing has a state here: give "payments" to env.Watch or env.Track`},
		{"error_rate <= 1%", assert.Results{}, `
client error rate = unknown (0 operations), want <= 1%
    hint     drive load with step.Every, step.Load or step.Client; 0 operations never pass`},
		{"server.error_rate <= 1%", assert.Results{}, `
server error rate = unknown (0 requests), want <= 1%
    hint     no request reached the chaos server; 0 requests never pass`},
		{"injected.http_eror ~ 10%", outage(), `
injected http_eror = unknown (0 requests), want ~ 10%
    hint     no request met a fault of kind http_eror; there are rules for http_error, latency; did you mean "http_error"?`},
		{"injected.graphql_error ~ 10%", results(true, requests(300, 0), injected("graphql_error", 0, 0, assert.Draws{Exact: true, Probability: 0.1})), `
injected graphql_error = unknown (0 requests), want ~ 10%
    hint     a rule injects graphql_error, and no request met it: look at what it is about, such as its target, matcher, methods, operations or schedule`},
		{"injected.graphql_error ~ 10%", results(true, injected("graphql_error", 0, 0, assert.Draws{Exact: true, Probability: 0.1})), `
injected graphql_error = unknown (0 requests), want ~ 10%
    hint     no request reached the chaos server; 0 requests never pass`},
		{"injected.http_error ~ 20%", outage(), `
injected http_error = 8.9% (10 of 112 requests), want ~ 20%
    plan     20–24 faults for 112 requests at 20%
    hint     its rule has a probability of 10%
    injected http_error 503 × 10, latency 120ms × 112 · absorbed by retries 102`},
		{"error_rate <= 1%", results(false, operations(100, ms, nil)), `
client error rate = 0% (0 of 100 operations), want <= 1%
    hint     100 operations cannot show that it is <= 1%: that takes 299 (95 % confidence)`},
		{"p99 <= 1s", results(false, operations(99, ms, nil)), `
client p99 = 1ms (99 operations), want <= 1s
    hint     p99 in real time needs 100 operations; there were 99`},
		{"error_rate <= 1%", results(true, operations(240, ms, first(240))), `
client error rate = 100% (240 of 240 operations), want <= 1%
    when     flat  0s–30s, 100%
    first    #1 → failed at 0s after 1ms
    injected nothing: no request reached the chaos server`},
		{"throughput >= 45/s", results(true, operations(240, ms, nil), requests(3, 0)), `
client throughput = 8/s (240 operations in 30s), want >= 45/s
    when     flat  0s–30s, 8/s
    injected nothing, in 3 requests`},
		{"recovers within 5s", results(true, operations(300, ms, func(i int) bool { return i >= 30 && i < 150 })), `
recovery = at +14.901s (9.901s late), want within 5s
    when     ▁▁▆█████████▁▁▁▁▁▁▁▁▁▁▁▁  0s–30s, worst 100% at +3.75s
    first    #31 → failed at +3s after 1ms
    injected nothing: no request reached the chaos server`},
		{"all(error_rate <= 5%; operations >= 500)", outage(), `
client error rate = 8.9% (10 of 112 operations), want <= 5%
    also     client operations = 112, want >= 500
    when     ▁▁█▁▇▁▁▇▁▇▁█▁▇▁▇▁█▁▇▁▁▇▁  0s–30s, worst 25% at +2.5s
    first    #14 GET /orders → 503 at +3.482s after 120ms (http_error)
    injected http_error 503 × 10, latency 120ms × 112 · absorbed by retries 102
    breaker  payments closed@0s → open@+3s · server orders closed@0s`},
		{"not(error_rate <= 10%)", outage(), `
client error rate = 8.9% (10 of 112 operations), want not <= 10%
    when     ▁▁█▁▇▁▁▇▁▇▁█▁▇▁▇▁█▁▇▁▁▇▁  0s–30s, worst 25% at +2.5s
    first    #14 GET /orders → 503 at +3.482s after 120ms (http_error)
    injected http_error 503 × 10, latency 120ms × 112 · absorbed by retries 102
    breaker  payments closed@0s → open@+3s · server orders closed@0s`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			v := assert.MustParse(tt.text).Check(tt.r)
			got := "\n" + v.String()
			for _, d := range v.Detail {
				got += "\n    " + d
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestEvidenceSaysWhatAbsorbedFaults(t *testing.T) {
	t.Parallel()
	c := assert.NewCollector(assert.CollectorOptions{})
	for _, by := range []assert.Absorber{assert.Retry, assert.Retry, "", assert.Transport, assert.Fallback, assert.Fallback} {
		c.Operation(assert.Operation{FaultsHit: 1, AbsorbedBy: by})
	}
	c.Injection(assert.Injection{Kind: "http_error", Status: 500})
	c.Injection(assert.Injection{Kind: "http_error", Status: 503})
	c.Injection(assert.Injection{Kind: "http_error", Masked: true})
	c.Injection(assert.Injection{Kind: "latency", Delay: 50 * ms})
	c.Injection(assert.Injection{Kind: "latency", Delay: 150 * ms})
	v := assert.Operations().Below(1).Check(c.Snapshot(time.Second))
	require.Contains(t, v.Detail,
		"injected http_error × 2 (and 1 masked), latency 50ms–150ms × 2 · absorbed by retries 3, the transport 1, fallbacks 2")
}

func TestNearWarns(t *testing.T) {
	t.Parallel()
	r := results(true, injected("x", 150, 0, assert.Draws{Probability: 0.1, Requests: 1000}))
	v := assert.Injected("x").Near(0.1).Check(r)
	require.Equal(t, assert.Pass, v.Status)
	require.Equal(t, []string{"warning  a chance of 9e-07 of so far from 10%; it fails at 1e-09"}, v.Detail)
}

func TestFormatDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 800 * ms: "800ms", 1500 * ms: "1.5s", 30 * time.Second: "30s", time.Minute: "1m", 2 * time.Minute: "2m",
		time.Hour: "1h", 24 * time.Hour: "24h", 90 * time.Second: "1m30s", time.Hour + 30*time.Second: "1h30s",
		90 * time.Minute: "1h30m", time.Second + 1: "1.000000001s", 20 * time.Microsecond: "20µs", 7: "7ns", 10 * time.Second: "10s",
		10 * time.Minute: "10m", 100 * time.Hour: "100h", -90 * time.Second: "-1m30s", 10*time.Hour + 10*time.Minute + 10*time.Second: "10h10m10s",
	} {
		require.Equal(t, want, assert.FormatDuration(d))
		back, err := time.ParseDuration(want)
		require.NoError(t, err)
		require.Equal(t, d, back)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	e := assert.Over(assert.All(
		assert.ErrorRate().AtMost(0.01),
		assert.Any(assert.Server(assert.ErrorRate().AtMost(0.1)), assert.Injected("latency").Near(0.5)),
		assert.Not(assert.CircuitBreaker("payments").Is(assert.Open)),
		assert.Server(assert.State("my mode").Is("x")),
		assert.Recovers().Within(time.Second), assert.Max().AtMost(1), assert.Requests().AtLeast(1),
		assert.Func("mine", func(assert.Results) error { return nil }),
	), time.Minute)
	require.Equal(t, []assert.Subject{
		{Text: "error_rate", NeedsLoad: true},
		{Text: "server.error_rate", Side: assert.ServerSide},
		{Text: "injected.latency", Side: assert.ServerSide, Fault: "latency"},
		{Text: "circuit_breaker.payments", State: "payments", AnySide: true},
		{Text: `server.state."my mode"`, State: "my mode", Side: assert.ServerSide},
		{Text: "recovers", NeedsLoad: true}, {Text: "max", NeedsLoad: true}, {Text: "server.requests", Side: assert.ServerSide},
		{Text: `func("mine")`, Custom: true},
	}, assert.Describe(e))
	require.False(t, assert.Encodable(e))
	require.False(t, assert.Encodable(nil))
	window, ok := assert.WindowOf(e)
	require.True(t, ok)
	require.Equal(t, time.Minute, window)
	_, ok = assert.WindowOf(assert.Max().AtMost(1))
	require.False(t, ok)
	require.Equal(t, assert.Over(assert.Max().AtMost(1), 2), assert.Over(assert.Over(assert.Max().AtMost(1), 1), 2))
}

// claimOfAnotherPackage has text that does not parse.
type claimOfAnotherPackage struct{}

func (claimOfAnotherPackage) Check(assert.Results) assert.Verdict {
	return assert.Verdict{Subject: "s", Got: "g", Want: "w"}
}
func (claimOfAnotherPackage) String() string { return "something else" }

func TestExpectationsOfOtherPackages(t *testing.T) {
	t.Parallel()
	var e assert.Expectation = claimOfAnotherPackage{}
	require.Equal(t, e, assert.Server(e))
	require.False(t, assert.Encodable(assert.Not(e)))
	v := assert.Not(assert.All(e)).Check(assert.Results{})
	require.Equal(t, assert.Fail, v.Status)
	require.Empty(t, v.Detail)
	require.Equal(t, []assert.Subject{{Text: "something else", Custom: true}}, assert.Describe(e))
	require.Equal(t, "fail", fmt.Sprint(v.Status))
}
