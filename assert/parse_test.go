package assert_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/stretchr/testify/require"
)

const ms = time.Millisecond

func TestParse(t *testing.T) {
	t.Parallel()
	payments := assert.CircuitBreaker("payments")
	tests := []struct {
		text string
		want assert.Expectation
		back string // what String gives, where it is not text
	}{
		{text: "error_rate <= 1%", want: assert.ErrorRate().AtMost(0.01)},
		{text: "error_rate<=1%", want: assert.ErrorRate().AtMost(0.01), back: "error_rate <= 1%"},
		{text: "error_rate ≤ 1%", want: assert.ErrorRate().AtMost(0.01), back: "error_rate <= 1%"},
		{text: "client.error_rate > 7%", want: assert.ErrorRate().Above(0.07), back: "error_rate > 7%"},
		{text: "error_rate == 0", want: assert.ErrorRate().Equal(0), back: "error_rate == 0%"},
		{text: "error_rate ~ 12.5%", want: assert.ErrorRate().Near(0.125)},
		{text: "error_rate between 1% and 2.75%", want: assert.ErrorRate().Between(0.01, 0.0275)},
		{text: "p50 <= 800ms", want: assert.P50().AtMost(800 * ms)},
		{text: "p90 < 1.5s", want: assert.P90().Below(1500 * ms)},
		{text: "p95 >= 1m30s", want: assert.P95().AtLeast(90 * time.Second)},
		{text: "p99 > 2m", want: assert.P99().Above(2 * time.Minute)},
		{text: "p99.9 <= 800ms", want: assert.Latency(0.999).AtMost(800 * ms)},
		{text: "p7 <= 20us", want: assert.Latency(0.07).AtMost(20 * time.Microsecond), back: "p7 <= 20µs"},
		{text: "mean between 100ms and 200ms", want: assert.Mean().Between(100*ms, 200*ms)},
		{text: "max <= 24h", want: assert.Max().AtMost(24 * time.Hour)},
		{text: "max == 0", want: assert.Max().Equal(0), back: "max == 0s"},
		{text: "throughput >= 45/s", want: assert.Throughput().AtLeast(45)},
		{text: "operations >= 1000", want: assert.Operations().AtLeast(1000)},
		{text: "attempts_per_operation <= 1.5", want: assert.AttemptsPerOperation().AtMost(1.5)},
		{text: "server.requests >= 100", want: assert.Requests().AtLeast(100)},
		{text: "server.error_rate <= 12%", want: assert.Server(assert.ErrorRate().AtMost(0.12))},
		{text: "injected.http_error ~ 10%", want: assert.Injected("http_error").Near(0.1)},
		{text: "injected.http_error between 5% and 10%", want: assert.Injected("http_error").Between(0.05, 0.1)},
		{text: "injected.latency >= 1", want: assert.InjectedCount("latency").AtLeast(1)},
		{text: "injected.latency between 1 and 5", want: assert.InjectedCount("latency").Between(1, 5)},
		{text: "server.injected.latency == 1", want: assert.InjectedCount("latency").Equal(1), back: "injected.latency == 1"},
		{text: "circuit_breaker.payments is open", want: payments.Is(assert.Open)},
		{text: "circuit_breaker.payments == open", want: payments.Is(assert.Open), back: "circuit_breaker.payments is open"},
		{text: "circuit_breaker.payments becomes open", want: payments.Becomes(assert.Open)},
		{text: "circuit_breaker.payments becomes open within 3s", want: payments.BecomesWithin(assert.Open, 3*time.Second)},
		{text: "circuit_breaker.payments never open", want: payments.Never("open")},
		{text: "circuit_breaker.payments stays closed", want: payments.Stays(assert.Closed)},
		{text: "server.circuit_breaker.payments is half_open", want: assert.Server(payments.Is(assert.HalfOpen))},
		{text: "client.circuit_breaker.payments is half-open", want: assert.Client(payments.Is("half-open"))},
		{text: `circuit_breaker."my db" is open`, want: assert.CircuitBreaker("my db").Is("open")},
		{text: "circuit_breaker.db.eu-1 is open", want: assert.CircuitBreaker("db.eu-1").Is("open")},
		{text: `state.leader is "node 3"`, want: assert.State("leader").Is("node 3")},
		{text: "state.mode becomes degraded within 0s", want: assert.State("mode").BecomesWithin("degraded", 0)},
		{text: "recovers within 20s", want: assert.Recovers().Within(20 * time.Second)},
		{text: "all(error_rate <= 1%; p99 <= 1s)", want: assert.All(assert.ErrorRate().AtMost(0.01), assert.P99().AtMost(time.Second))},
		{text: "any(error_rate <= 1%)", want: assert.Any(assert.ErrorRate().AtMost(0.01))},
		{text: "not(all(max > 1s;mean > 1s))", want: assert.Not(assert.All(assert.Max().Above(time.Second), assert.Mean().Above(time.Second))), back: "not(all(max > 1s; mean > 1s))"},
		{text: "error_rate > 50% over 30s", want: assert.Over(assert.ErrorRate().Above(0.5), 30*time.Second)},
		{text: "any(error_rate > 50%; recovers within 3s) over 1m30s", want: assert.Over(assert.Any(assert.ErrorRate().Above(0.5), assert.Recovers().Within(3*time.Second)), 90*time.Second)},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := assert.Parse(tt.text)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			back := tt.back
			if back == "" {
				back = tt.text
			}
			require.Equal(t, back, got.String())
			require.True(t, assert.Encodable(got))
		})
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, problem, suggestion string
		column                    int
	}{
		{"", "an expectation is empty", "", 1},
		{"error_rte <= 1%", `unknown subject "error_rte"`, "error_rate", 1},
		{"all(p99 <= 1s; eror_rate <= 1%)", `unknown subject "eror_rate"`, "error_rate", 16},
		{"error_rate <= 1", `error_rate is compared with a percentage from 0% to 100%, not "1"`, "1%", 15},
		{"error_rate <= 0.01", `error_rate is compared with a percentage from 0% to 100%, not "0.01"`, "1%", 15},
		{"error_rate <= 120%", `error_rate is compared with a percentage from 0% to 100%, not "120%"`, "", 15},
		{"p99 <= 800", `p99 is compared with a duration, like 800ms, not "800"`, "800ms", 8},
		{"p99 <= -1s", `p99 is compared with a duration, like 800ms, not "-1s"`, "", 8},
		{"p99 <=", "p99 is compared with a duration, like 800ms", "", 7},
		{"p99 ~ 800ms", "~ compares a ratio with a probability; p99 has none", "between", 5},
		{"p999 <= 1s", `"p999" is not a quantile between p0 and p100`, "p99.9", 1},
		{"p100 <= 1s", `"p100" is not a quantile between p0 and p100`, "max", 1},
		{"p99 = 1s", "unknown operator =", "==", 5},
		{"p99 != 1s", "unknown operator !=", "not(… == …)", 5},
		{"p99 is 1s", "expected an operator after p99: <= >= < > == ~ or between", "", 5},
		{"p99 betwen 1s and 2s", "expected an operator after p99: <= >= < > == ~ or between", "between", 5},
		{"p99 between 1s", "between takes two values", "between A and B", 15},
		{"p99 between 2s and 1s", "the smaller value comes first after between", "", 20},
		{"p99 <= 1s <= 2s", `"<= 2s" is too much here`, "", 11},
		{"operations >= 1.5", `operations is compared with a whole number, not "1.5"`, "2", 15},
		{"throughput >= 45", `throughput is compared with a rate, like 45/s, not "45"`, "45/s", 15},
		{"requests >= 5", `unknown subject "requests"`, "server.requests", 1},
		{"server.p99 <= 1s", "p99 is the client's; the chaos server does not measure it", "", 1},
		{"client.requests <= 1", "server.requests is the chaos server's; the client does not measure it", "", 1},
		{"server.eror_rate <= 1%", `unknown subject "server.eror_rate"`, "server.error_rate", 1},
		{"breaker.payments is open", `unknown subject "breaker.payments"`, "circuit_breaker.payments", 1},
		{"circuit_braker.payments is open", `unknown subject "circuit_braker.payments"`, "circuit_breaker.payments", 1},
		{"circuit_breaker is open", `unknown subject "circuit_breaker"`, "circuit_breaker.NAME", 1},
		{"circuit_breaker. is open", "a name follows circuit_breaker.", "", 17},
		{`circuit_breaker."x is open`, "this quoted name does not end, or has a bad escape", "", 17},
		{"circuit_breaker.payments becoms open", "a state is, becomes, never or stays something, not \"becoms\"", "becomes", 26},
		{"circuit_breaker.payments is", "a state follows, like open", "", 28},
		{"circuit_breaker.p becomes open within 3", `becomes within is compared with a duration, like 800ms, not "3"`, "3ms", 39},
		{"recovers", "recovers is followed by within", "recovers within 20s", 9},
		{"both(p99 <= 1s; p50 <= 1s)", `"both" does not combine expectations`, "", 1},
		{"all(p99 <= 1s, p50 <= 1s)", "members are separated by ;", ";", 14},
		{"all(p99 <= 1s", "all( is not closed", "", 14},
		{"all()", "expected a subject, like error_rate or p99", "", 5},
		{"not(p99 <= 1s; p50 <= 1s)", "not takes one expectation", "not(all(…; …))", 1},
		{"all(p99 <= 1s over 3s)", "a window belongs to the whole expectation: write it after the last )", "", 15},
		{"p99 <= 1s over 0s", "a window needs a length", "", 10},
		{"§ <= 1", "expected a subject, like error_rate or p99", "", 1},
		{"µ§ <= 1", `unknown subject "µ"`, "", 1},
		{"p99 <= 1s \xff", "an expectation is UTF-8 text", "", 1},
		{strings.Repeat("not(", 60), "more than 50 parentheses deep", "", 205},
		{strings.Repeat("x", 20000), "an expectation has at most 16384 bytes", "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.text[:min(len(tt.text), 40)], func(t *testing.T) {
			t.Parallel()
			_, err := assert.Parse(tt.text)
			var syntax *assert.SyntaxError
			require.ErrorAs(t, err, &syntax)
			require.Equal(t, tt.problem, syntax.Problem)
			require.Equal(t, tt.suggestion, syntax.Suggestion)
			require.Equal(t, tt.column, syntax.Column)
		})
	}
}

func TestSyntaxErrorText(t *testing.T) {
	t.Parallel()
	_, err := assert.Parse("all(p99 <= 1s; eror_rate <= 1%)")
	require.EqualError(t, err, `expectation "all(p99 <= 1s; eror_rate <= 1%)", column 16: unknown subject "eror_rate"; did you mean "error_rate"?`)
	var syntax *assert.SyntaxError
	require.ErrorAs(t, err, &syntax)
	require.Equal(t, `all(p99 <= 1s; eror_rate <= 1%)
               ^
unknown subject "eror_rate"; did you mean "error_rate"?`, syntax.Pointer())
}

func TestMustParsePanics(t *testing.T) {
	t.Parallel()
	require.PanicsWithValue(t, `assert: p99 is compared with a duration, like 800ms, not "800"
p99 <= 800
       ^
p99 is compared with a duration, like 800ms, not "800"; did you mean "800ms"?`, func() { assert.MustParse("p99 <= 800") })
}

func TestBuildersRefuseWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		build func() assert.Expectation
	}{
		{"a percentage for a ratio", func() assert.Expectation { return assert.ErrorRate().AtMost(5) }},
		{"a negative ratio", func() assert.Expectation { return assert.Injected("x").AtLeast(-0.1) }},
		{"between the wrong way round", func() assert.Expectation { return assert.Max().Between(2, 1) }},
		{"a negative latency", func() assert.Expectation { return assert.P99().AtMost(-1) }},
		{"a percentage for a quantile", func() assert.Expectation { return assert.Latency(99).AtMost(1) }},
		{"a negative count", func() assert.Expectation { return assert.Operations().AtMost(-1) }},
		{"a negative rate", func() assert.Expectation { return assert.Throughput().AtMost(-1) }},
		{"the server's latency", func() assert.Expectation { return assert.Server(assert.Not(assert.P99().AtMost(1))) }},
		{"the client's injections", func() assert.Expectation { return assert.Client(assert.All(assert.Injected("x").AtMost(1))) }},
		{"all of nothing", func() assert.Expectation { return assert.All() }},
		{"not nil", func() assert.Expectation { return assert.Not(nil) }},
		{"a window inside", func() assert.Expectation { return assert.Any(assert.Over(assert.Max().AtMost(1), 1)) }},
		{"a window of no length", func() assert.Expectation { return assert.Over(assert.Max().AtMost(1), 0) }},
		{"a function that is nil", func() assert.Expectation { return assert.Func("x", nil) }},
		{"a negative recovery", func() assert.Expectation { return assert.Recovers().Within(-1) }},
		{"a negative deadline", func() assert.Expectation { return assert.State("x").BecomesWithin("y", -1) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Panics(t, func() { tt.build() })
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"error_rate <= 1%", "p99.9 <= 800ms", "throughput >= 45/s", "injected.http_error ~ 10%", "injected.latency >= 1",
		"circuit_breaker.payments becomes open within 3s", `server.state."a b" is "\xff"`, "recovers within 20s",
		"all(a; b)", "not(any(max > 1us; mean between 1s and 2h)) over 30s", "p0.0000001 < 1h", "error_rate == 0.00000000000000000000001%",
		"attempts_per_operation > 99999999999999999999", "max <= 2562047h47m16.854775807s",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := assert.Parse(text)
		if err != nil {
			var syntax *assert.SyntaxError
			require.ErrorAs(t, err, &syntax)
			require.Positive(t, syntax.Column)
			require.NotEmpty(t, syntax.Pointer())
			return
		}
		again, err := assert.Parse(e.String())
		if len(e.String()) <= len(text) || len(e.String()) < 16<<10 {
			require.NoError(t, err, e.String())
			require.True(t, reflect.DeepEqual(e, again), "%q and %q", e, again)
		}
		require.NotEmpty(t, assert.Describe(e))
		e.Check(assert.Results{})
	})
}
