package assert_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mockforge-go/mockforge/assert"
)

// shop is a step of 30 s with 300 operations, of which 6 failed.
func shop() assert.Results {
	c := assert.NewCollector(assert.CollectorOptions{Name: "peak", Duration: 30 * time.Second, Virtual: true})
	c.State(assert.ClientSide, "payments", 0, "closed")
	for i := range 300 {
		c.Operation(assert.Operation{
			N: i + 1, Name: "GET /orders", At: time.Duration(i) * 100 * time.Millisecond,
			Latency: 40 * time.Millisecond, Attempts: 1, Failed: i%50 == 7, Status: 503,
		})
		c.Attempt()
	}
	return c.Snapshot(30 * time.Second)
}

// show prints a verdict the way that a test report does.
func show(v assert.Verdict) {
	fmt.Println(v.Status, "-", v)
	for _, d := range v.Detail {
		fmt.Println("   ", d)
	}
}

func Example() {
	show(assert.ErrorRate().AtMost(0.01).Check(shop()))
	show(assert.P99().AtMost(800 * time.Millisecond).Check(shop()))
	// Output:
	// fail - client error rate = 2% (6 of 300 operations), want <= 1%
	//     when     █▁▁▁█▁▁▁█▁▁▁█▁▁▁█▁▁▁█▁▁▁  0s–30s, worst 7.7% at 0s
	//     first    #8 GET /orders → 503 at +700ms after 40ms
	//     injected nothing: no request reached the chaos server
	//     breaker  payments closed@0s
	// pass - client p99 = 40ms (300 operations), want <= 800ms
}

func ExampleParse() {
	e, err := assert.Parse("p99<=800ms")
	fmt.Println(e, err)
	_, err = assert.Parse("p99 <= 800")
	fmt.Println(err)
	// Output:
	// p99 <= 800ms <nil>
	// expectation "p99 <= 800", column 8: p99 is compared with a duration, like 800ms, not "800"; did you mean "800ms"?
}

func ExampleSyntaxError_Pointer() {
	_, err := assert.Parse("all(p99 <= 1s; eror_rate <= 1%)")
	var syntax *assert.SyntaxError
	if errors.As(err, &syntax) {
		fmt.Println(syntax.Pointer())
	}
	// Output:
	// all(p99 <= 1s; eror_rate <= 1%)
	//                ^
	// unknown subject "eror_rate"; did you mean "error_rate"?
}

func ExampleMustParse() {
	show(assert.MustParse("operations between 100 and 500").Check(shop()))
	// Output:
	// pass - client operations = 300, want between 100 and 500
}

func ExampleCircuitBreaker() {
	show(assert.CircuitBreaker("payments").Stays(assert.Closed).Check(shop()))
	fmt.Println(assert.CircuitBreaker("payments").BecomesWithin(assert.Open, 3*time.Second))
	fmt.Println(assert.Server(assert.CircuitBreaker("payments").Never(assert.Open)))
	// Output:
	// pass - breaker payments = closed, want stays closed
	// circuit_breaker.payments becomes open within 3s
	// server.circuit_breaker.payments never open
}

func ExampleRecovers() {
	show(assert.Recovers().Within(20 * time.Second).Check(shop()))
	// Output:
	// fail - recovery = at +25.74s (5.74s late), want within 20s
	//     when     █▁▁▁█▁▁▁█▁▁▁█▁▁▁█▁▁▁█▁▁▁  0s–30s, worst 7.7% at 0s
	//     breaker  payments closed@0s
	//     first    #8 GET /orders → 503 at +700ms after 40ms
	//     injected nothing: no request reached the chaos server
}

func ExampleAny() {
	fmt.Println(assert.Any(assert.ErrorRate().AtMost(0.01), assert.Not(assert.Throughput().AtLeast(45))))
	// Output:
	// any(error_rate <= 1%; not(throughput >= 45/s))
}

func ExampleInjected() {
	fmt.Println(assert.Injected("http_error").Near(0.1))
	fmt.Println(assert.InjectedCount("latency").AtLeast(1))
	// Output:
	// injected.http_error ~ 10%
	// injected.latency >= 1
}

func ExampleOver() {
	stop := assert.Over(assert.ErrorRate().Above(0.5), 30*time.Second)
	window, _ := assert.WindowOf(stop)
	fmt.Println(stop, "-", window)
	// Output:
	// error_rate > 50% over 30s - 30s
}

func ExampleFunc() {
	even := assert.Func("parity", func(r assert.Results) error {
		if r.Operations()%2 != 0 {
			return fmt.Errorf("%d operations", r.Operations())
		}
		return nil
	})
	show(even.Check(shop()))
	fmt.Println(assert.Encodable(even))
	// Output:
	// pass - parity = no error, want no error
	// false
}

func ExampleDescribe() {
	for _, s := range assert.Describe(assert.MustParse("all(error_rate <= 1%; circuit_breaker.payments is open; injected.latency >= 1)")) {
		fmt.Println(strings.TrimSpace(fmt.Sprintf("%s load=%v %s%s", s.Text, s.NeedsLoad, s.State, s.Fault)))
	}
	// Output:
	// error_rate load=true
	// circuit_breaker.payments load=false payments
	// injected.latency load=false latency
}

func ExampleNewWindow() {
	w := assert.NewWindow(10*time.Second, assert.CollectorOptions{Virtual: true})
	for second := range 60 {
		at := time.Duration(second) * time.Second
		w.Operation(assert.Operation{At: at, Failed: second >= 40})
		r := w.Snapshot(at)
		if r.Operations() >= 5 && assert.ErrorRate().Above(0.5).Check(r).Status == assert.Pass {
			fmt.Println("stop at", assert.FormatDuration(at))
			break
		}
	}
	// Output:
	// stop at 45s
}
