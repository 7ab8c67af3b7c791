package assert_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/stretchr/testify/require"
)

func TestZeroResultsSayThatNothingHappened(t *testing.T) {
	t.Parallel()
	var r assert.Results
	require.Zero(t, r.Operations()+r.Failed()+r.Requests()+r.ServerErrors()+r.Attempts()+r.Absorbed()+r.Visible())
	require.Zero(t, r.ErrorRate()+r.ServerErrorRate()+r.Throughput()+r.AttemptsPerOperation()+r.Reference())
	require.Zero(t, r.Quantile(0.99)+r.Mean()+r.Max()+r.Duration())
	require.Zero(t, r.Injected("x")+r.Masked("x")+r.AbsorbedBy(assert.Retry))
	require.Empty(t, r.Name())
	require.False(t, r.Virtual() || r.Approximate())
	require.Empty(t, r.InjectedKinds())
	require.Empty(t, r.Draws("x"))
	require.Empty(t, r.States("x"))
	require.Empty(t, r.StateNames(assert.ServerSide))
	require.Empty(t, r.Timeline())
	_, failed := r.FirstFailure()
	_, ok := r.Slowest()
	_, recovered := r.RecoveredAt()
	require.False(t, failed || ok || recovered)
}

func TestCollectorCounts(t *testing.T) {
	t.Parallel()
	c := assert.NewCollector(assert.CollectorOptions{Name: "peak", Duration: 10 * time.Second, Virtual: true, Reference: 0.5})
	c.Operation(assert.Operation{N: 2, At: 2 * time.Second, Latency: 300 * ms, Failed: true, FaultsHit: 1, Fault: "http_error"})
	c.Operation(assert.Operation{N: 1, At: time.Second, Latency: 100 * ms, FaultsHit: 2, AbsorbedBy: assert.Retry})
	c.Operation(assert.Operation{N: 3, At: 3 * time.Second, Latency: 200 * ms})
	c.Operation(assert.Operation{N: 4, At: 1500 * ms, Latency: 0, Failed: true})
	for range 6 {
		c.Attempt()
	}
	c.Request(assert.ServerRequest{At: time.Second, Failed: true})
	c.Request(assert.ServerRequest{At: 11 * time.Second})
	c.Injection(assert.Injection{Kind: "http_error", Status: 503})
	c.Injection(assert.Injection{Kind: "timeout", Masked: true})
	c.Draws(assert.Draws{Kind: "http_error", Requests: 1, Probability: 0.1})
	c.Draws(assert.Draws{Kind: "http_error", Requests: 4, Probability: 0.1})
	c.Draws(assert.Draws{Kind: "http_error", Requests: 2, Probability: 0.05})
	c.KnowState(assert.ServerSide, "orders")
	c.State(assert.ServerSide, "payments", 0, "closed")
	c.State(assert.ServerSide, "payments", time.Second, "CLOSED")
	c.State(assert.ServerSide, "payments", 2*time.Second, "half-open")
	c.State(assert.ServerSide, "payments", time.Second, "HalfOpen")
	c.State(assert.ServerSide, "payments", time.Second, "open")

	r := c.Snapshot(10 * time.Second)
	c.Operation(assert.Operation{N: 5, Failed: true})
	c.Operation(assert.Operation{N: 6, FaultsHit: 1, AbsorbedBy: assert.Retry})
	c.Injection(assert.Injection{Kind: "http_error"})
	c.State(assert.ServerSide, "payments", 9*time.Second, "closed")
	c.SetReference(0)

	require.Equal(t, "peak", r.Name())
	require.True(t, r.Virtual())
	require.Equal(t, 10*time.Second, r.Duration())
	require.Equal(t, 4, r.Operations(), "a snapshot does not change")
	require.Equal(t, 2, r.Failed())
	require.Equal(t, 0.5, r.ErrorRate())
	require.Equal(t, 1, r.Absorbed())
	require.Equal(t, 1, r.AbsorbedBy(assert.Retry))
	require.Equal(t, 1, r.Visible())
	require.Equal(t, 1.5, r.AttemptsPerOperation())
	require.Equal(t, 0.4, r.Throughput())
	require.Equal(t, 100*ms, r.Quantile(0.5))
	require.Equal(t, 150*ms, r.Mean())
	require.Equal(t, 300*ms, r.Max())
	require.Equal(t, 2, r.Requests())
	require.Equal(t, 0.5, r.ServerErrorRate())
	require.Equal(t, 1, r.Injected("http_error"))
	require.Equal(t, 1, r.Masked("timeout"))
	require.Equal(t, []string{"http_error"}, r.InjectedKinds())
	require.Equal(t, []assert.Draws{
		{Kind: "http_error", Requests: 2, Probability: 0.05}, {Kind: "http_error", Requests: 4, Probability: 0.1},
	}, r.Draws("http_error"))
	require.Equal(t, []string{"orders", "payments"}, r.StateNames(assert.ServerSide))
	require.Equal(t, []assert.StateChange{{0, "closed"}, {2 * time.Second, "half-open"}, {2 * time.Second, "open"}}, r.States("payments"))
	require.Empty(t, r.States("orders"))
	require.Equal(t, 0.5, r.Reference())
	first, _ := r.FirstFailure()
	require.Equal(t, 4, first.N, "the one that started first, not the one that was recorded first")
	slowest, _ := r.Slowest()
	require.Equal(t, 2, slowest.N)
	operations := 0
	for _, b := range r.Timeline() {
		operations += b.Operations
	}
	require.Equal(t, 4, operations)
}

func TestCollectorIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	c := assert.NewCollector(assert.CollectorOptions{})
	w := assert.NewWindow(time.Second, assert.CollectorOptions{})
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 500 {
				at := time.Duration(i) * ms
				op := assert.Operation{N: i, At: at, Failed: i%2 == 0}
				c.Operation(op)
				w.Operation(op)
				c.Request(assert.ServerRequest{At: at})
				w.Request(assert.ServerRequest{At: at})
				c.Injection(assert.Injection{Kind: "latency"})
				w.Injection(assert.Injection{Kind: "latency"})
				c.Draws(assert.Draws{Kind: "latency", Requests: i})
				w.Draws(assert.Draws{Kind: "latency", Requests: i})
				c.State(assert.ClientSide, "b", at, []string{"open", "closed"}[i%2])
				w.State(assert.ClientSide, "b", at, []string{"open", "closed"}[i%2])
				c.Attempt()
				w.Attempt()
				if i%100 == g {
					assert.MustParse("all(error_rate <= 1%; p99 <= 1s)").Check(c.Snapshot(at))
					assert.MustParse("any(circuit_breaker.b is open; injected.latency >= 1)").Check(w.Snapshot(time.Second))
				}
			}
		})
	}
	all.Wait()
	r := c.Snapshot(time.Second)
	require.Equal(t, 4000, r.Operations())
	require.Equal(t, 4000, r.Attempts())
	require.Equal(t, 4000, r.Injected("latency"))
}

func TestWindowForgets(t *testing.T) {
	t.Parallel()
	w := assert.NewWindow(10*time.Second, assert.CollectorOptions{})
	w.State(assert.ClientSide, "payments", 0, "closed")
	w.KnowState(assert.ServerSide, "orders")
	fails := assert.MustParse("error_rate > 50%")
	for second := range 60 {
		at := time.Duration(second) * time.Second
		w.Operation(assert.Operation{At: at, Latency: 500 * ms, Failed: second >= 30})
		w.Request(assert.ServerRequest{At: at, Failed: second >= 30})
		w.Injection(assert.Injection{Kind: "http_error", Masked: second < 30})
		w.Draws(assert.Draws{Kind: "http_error", Probability: 0.5, Requests: 2 * (second + 1)})
		w.Attempt()
		w.Attempt()
		if second == 40 {
			w.State(assert.ClientSide, "payments", at, "open")
		}
		r := w.Snapshot(at + 500*ms)
		require.LessOrEqual(t, r.Operations(), 11)
		require.Equal(t, second > 34, fails.Check(r).Status == assert.Pass, "at %d s", second)
	}
	r := w.Snapshot(60 * time.Second)
	require.Equal(t, 10*time.Second, r.Duration())
	require.Equal(t, 10, r.Operations())
	require.Equal(t, 1.0, r.Throughput())
	require.Equal(t, 10, r.Requests())
	require.Equal(t, 1.0, r.ServerErrorRate())
	require.Equal(t, []assert.StateChange{{50 * time.Second, "open"}}, r.States("payments"), "the state when the window began")
	require.Equal(t, []string{"orders"}, r.StateNames(assert.ServerSide))
	require.InDelta(t, 2, r.AttemptsPerOperation(), 0.2)
	require.InDelta(t, 10, r.Injected("http_error"), 1)
	require.Zero(t, r.Masked("http_error"))
	require.InDelta(t, 20, r.Draws("http_error")[0].Requests, 2)
}

func TestWindowOfTooManyOperationsIsShorter(t *testing.T) {
	t.Parallel()
	const n = 100_000
	w := assert.NewWindow(time.Hour, assert.CollectorOptions{})
	for i := range n {
		w.Operation(assert.Operation{At: time.Duration(i) * ms})
	}
	r := w.Snapshot(n * ms)
	require.Greater(t, r.Operations(), 40_000)
	require.LessOrEqual(t, r.Operations(), 65_536)
	require.InEpsilon(t, 1000, r.Throughput(), 0.001, "its length is that of what it kept")
}

func TestFunc(t *testing.T) {
	t.Parallel()
	e := assert.Func("stock", func(assert.Results) error { return errors.New("3 left") })
	v := e.Check(assert.Results{})
	require.Equal(t, assert.Fail, v.Status)
	require.Equal(t, "stock = 3 left, want no error", v.String())
	require.Equal(t, assert.Pass, assert.Not(e).Check(assert.Results{}).Status)
	require.False(t, assert.Encodable(e))
	require.False(t, assert.Encodable(assert.Over(assert.All(assert.Max().AtMost(1), e), 1)))
	require.Equal(t, e, assert.Server(e))
}

func BenchmarkCollectorOperation(b *testing.B) {
	c := assert.NewCollector(assert.CollectorOptions{Duration: 30 * time.Second})
	op := assert.Operation{N: 1, Name: "GET /orders", Latency: 120 * ms, Attempts: 1}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		op.At = time.Duration(i%30000) * ms
		c.Operation(op)
		i++
	}
}

// What was recorded as fired and did not come to be counts as masked, in a
// window too where it fired before the window began.
func TestSparedInjections(t *testing.T) {
	t.Parallel()
	c := assert.NewCollector(assert.CollectorOptions{Duration: time.Minute})
	w := assert.NewWindow(10*time.Second, assert.CollectorOptions{})
	fire := func(in assert.Injection) {
		in.Kind = "stream_interruption"
		c.Injection(in)
		w.Injection(in)
	}
	fire(assert.Injection{Status: 14})
	fire(assert.Injection{Status: 14})
	require.Equal(t, 2, w.Snapshot(time.Second).Injected("stream_interruption"))
	fire(assert.Injection{Status: 14, Spared: true})
	r := c.Snapshot(time.Minute)
	require.Equal(t, 1, r.Injected("stream_interruption"))
	require.Equal(t, 1, r.Masked("stream_interruption"))
	later := w.Snapshot(11 * time.Second)
	require.Zero(t, later.Injected("stream_interruption"))
	require.Equal(t, 1, later.Masked("stream_interruption"))
}
