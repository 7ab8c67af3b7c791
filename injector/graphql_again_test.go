package injector_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// Under real concurrency, with layers coming and going, what was decided for
// operations follows from the notes of a Journal alone.
func TestGraphQLFollowsFromTheJournal(t *testing.T) {
	t.Parallel()
	book := &tally{}
	in := injector.New(injector.WithSeed(5), injector.InOrder(), injector.WithObserver(book))
	layer := func(i int) injector.Layer {
		config := stateful()
		config.TrafficShaping = nil
		config.GraphQL = &injector.GraphQL{
			Probability: new(0.3), PartialDataProbability: new(0.3), ResolverLatency: new(true), ErrorCodes: []string{"A", "B"},
			Operations: [][]string{nil, {"Cart*", "Pay"}}[i%2], OperationTypes: [][]string{nil, {"query"}, {"mutation", "query"}}[i%3], Paths: [][]string{nil, {"/thing/*"}}[i%2],
		}
		if i%2 == 0 {
			config.GraphQL.ResolverDelay = new(10 * time.Microsecond)
		}
		return injector.Layer{Name: fmt.Sprintf("layer-%d", i), Config: config, Order: i % 2}
	}
	bodies := []string{
		op("query", "Cart"), op("mutation", "Pay"), `{"query":"{ a b c }"}`, `{"extensions":{"persistedQuery":{"version":1}},"operationName":"Cart"}`,
		"[" + op("query", "CartItems") + "," + op("mutation", "Pay") + "," + op("subscription", "Prices") + "]", "[" + op("query", "Cart") + "]", `{"no":"GraphQL"}`,
	}
	h := in.Handler(&graphServer{})
	var stop atomic.Bool
	var all sync.WaitGroup
	for c := range 8 {
		all.Go(func() {
			for n := 0; n < 100 || !stop.Load(); n++ {
				r := httptest.NewRequest(http.MethodPost, fmt.Sprintf("/%s/%d", []string{"thing", "other"}[n%2], n%3), strings.NewReader(bodies[(c+n)%len(bodies)]))
				r.RemoteAddr = fmt.Sprintf("10.0.0.%d:%d", c%4, 1000+c)
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("X-Hit", "1")
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
	want := each("graphql_error", "partial_data", "resolver_latency", "batch")
	layers := map[string]injector.Layer{}
	var on []func()
	for i, start := 0, time.Now(); i < 6 || book.lacks(want) != "" && time.Since(start) < patience; i++ {
		l := layer(i)
		layers[l.Name] = l
		on = append(on, in.Apply(l))
		time.Sleep(time.Millisecond)
		if len(on) == 6 {
			on[0]()
			on = on[1:]
		}
	}
	for _, remove := range on {
		remove()
	}
	stop.Store(true)
	all.Wait()
	require.Empty(t, book.lacks(want))
	decisions, _ := book.again(t, 5, layers)
	require.Equal(t, book.counts["decision"], decisions)
}

// What is recalled decides: a note that tells of another operation is noticed.
func TestGraphQLRecomputesFromTheOperation(t *testing.T) {
	t.Parallel()
	decide := func(r injector.Request) []injector.Decision {
		c := injector.NewRecomputer(1)
		c.On(time.Unix(0, 0), graph(injector.GraphQL{Probability: new(1.0), Operations: []string{"Cart"}, ResolverLatency: new(true), ResolverDelay: new(time.Second), OperationTypes: []string{"query"}}))
		r.N, r.Target, r.Method, r.Path = 1, "default", "POST", "/graphql"
		got, err := c.Arrive(time.Unix(1, 0), &r)
		require.NoError(t, err)
		return got.Decisions
	}
	require.Len(t, decide(injector.Request{Protocol: "graphql", Operation: "query Cart", TopFields: []int{3}}), 2)
	require.Len(t, decide(injector.Request{Protocol: "graphql", Operation: "query Shop; query Cart", TopFields: []int{1, 1}}), 2)
	for _, other := range []injector.Request{
		{Protocol: "graphql", Operation: "mutation Cart"}, {Protocol: "graphql", Operation: "query"}, {Protocol: "graphql", Operation: "persisted Cart"}, {}, {Operation: "query Cart"},
	} {
		require.Empty(t, decide(other), other.Operation)
	}
}

// What was decided for operations is done again to others.
func TestGraphQLPins(t *testing.T) {
	t.Parallel()
	all := injector.GraphQL{
		ErrorCodes: []string{"A", "B", "C"}, Probability: new(0.5), PartialDataProbability: new(0.5), ResolverLatency: new(true), ResolverDelay: new(time.Second),
		OperationTypes: []string{"query"},
	}
	limited := injector.Layer{Name: "step", Config: injector.Config{GraphQL: &all, RateLimit: &injector.RateLimit{RequestsPerSecond: 0.01, BurstSize: 10}}}
	batch := "[" + op("query", "A") + "," + op("mutation", "B") + "," + op("query", "C") + "," + `{"query":"query D { a b c d }"}` + "]"
	bodies := []string{op("query", "A"), batch, op("mutation", "B"), "[" + op("query", "A") + "]"}
	const n = 12 // the last are beyond the rate limit
	type seen struct {
		body, fault, retry string
		took               time.Duration
	}
	run := func(opts ...injector.Option) (saw []seen, told *events) {
		told = &events{}
		virtual(t, &graphServer{}, append(opts, injector.WithSeed(7), injector.WithObserver(told)), func(w *world) {
			w.in.Apply(limited)
			for i := range n {
				from := time.Now()
				resp, body := postJSON(t, w.client, "http://test/", bodies[i%len(bodies)])
				saw = append(saw, seen{body, strings.Join(resp.Header["X-Mockforge-Fault"], ","), resp.Header.Get("Retry-After"), time.Since(from).Round(time.Microsecond)})
			}
		})
		return saw, told
	}
	first, was := run()
	require.Contains(t, first[n-1].body, "RATE_LIMITED")
	next := 0
	second, now := run(injector.WithPins(func(*http.Request, string, string, []injector.LayerRef) *injector.Pin {
		r := was.requests[next]
		next++
		return &injector.Pin{Layers: r.Layers, Decisions: r.Decisions}
	}))
	require.Equal(t, first, second)
	for i := range n {
		require.Equal(t, was.requests[i].Decisions, now.requests[i].Decisions)
		require.Equal(t, was.outcomes[i].Fault, now.outcomes[i].Fault)
	}

	// Where the record ends, the rule goes on.
	next = 0
	third, _ := run(injector.WithPins(func(*http.Request, string, string, []injector.LayerRef) *injector.Pin {
		if next++; next > 6 {
			return nil
		}
		r := was.requests[next-1]
		return &injector.Pin{Layers: r.Layers, Decisions: r.Decisions}
	}))
	require.Equal(t, first[:10], third[:10])
}
