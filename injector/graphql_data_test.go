package injector_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// Nulls are put into the upstream's response, which is otherwise as it was.
func TestGraphQLPartialData(t *testing.T) {
	t.Parallel()
	bothSeams(t, func(t *testing.T, rig func(http.Handler, ...injector.Option) (*injector.Injector, *http.Client, string)) {
		up, seen := &graphServer{}, newAwaited()
		in, client, at := rig(up, injector.WithObserver(seen))
		in.Apply(graph(injector.GraphQL{PartialDataProbability: new(1.0), PartialDataPaths: []string{"items.*.price"}, Message: "no price", Operations: []string{"Cart"}}))
		resp, body := postJSON(t, client, at, op("query", "Cart"), "Accept-Encoding", "gzip")
		const nulled = `{"errors":[{"message":"no price","path":["items",0,"price"],"extensions":{"code":"INTERNAL_SERVER_ERROR"}},` +
			`{"message":"no price","path":["items",1,"price"],"extensions":{"code":"INTERNAL_SERVER_ERROR"}}],"data":{"name":"Cart","items":[{"price":null},{"price":null}]}}`
		same(t, nulled, body)
		require.Equal(t, int64(len(body)), resp.ContentLength)
		require.Equal(t, "partial_data", resp.Header.Get("X-Mockforge-Fault"))
		o := <-seen.ended
		require.Equal(t, []any{"partial_data", false, 200}, []any{o.Fault, o.Failed, o.Status})
		require.Equal(t, []string{op("query", "Cart")}, up.asked())
		require.Equal(t, "identity", up.coding)

		_, body = postJSON(t, client, at, "["+op("query", "Other")+","+op("query", "Cart")+"]")
		same(t, `[{"data":{"name":"Other","items":[{"price":1},{"price":2}]}},`+nulled+`]`, body)
		require.Equal(t, 2, seen.requests[1].Decisions[0].InBatch)
	})
}

// A response that cannot be changed, or has no place for a null, passes, and
// says so.
func TestGraphQLPartialDataPasses(t *testing.T) {
	t.Parallel()
	large := `{"data":{"a":"` + strings.Repeat("x", 1<<20) + `"}}`
	bothSeams(t, func(t *testing.T, rig func(http.Handler, ...injector.Option) (*injector.Injector, *http.Client, string)) {
		for _, tt := range []struct {
			name string
			up   *graphServer
		}{
			{"too large", &graphServer{data: large}},
			{"too large and announced", &graphServer{data: large, header: http.Header{"Content-Length": {strconv.Itoa(len(large))}}}},
			{"of another type", &graphServer{data: `{"data":{"a":1}}`, header: http.Header{"Content-Type": {"text/event-stream"}}}},
			{"compressed", &graphServer{data: `{"data":{"a":1}}`, header: http.Header{"Content-Encoding": {"br"}}}},
			{"an error", &graphServer{data: `{"data":{"a":1}}`, status: 500}},
			{"no place", &graphServer{data: `{"data":null}`}},
			{"no GraphQL", &graphServer{data: `[1]`}},
		} {
			seen := newAwaited()
			in, client, at := rig(tt.up, injector.WithObserver(seen))
			in.Apply(graph(injector.GraphQL{PartialDataProbability: new(1.0), ResolverLatency: new(true), ResolverDelay: new(time.Millisecond)}))
			resp, body := postJSON(t, client, at, op("query", "Cart"))
			require.Zero(t, strings.Compare(tt.up.data, body), tt.name)
			require.Equal(t, "resolver_latency", resp.Header.Get("X-Mockforge-Fault"), tt.name)
			require.Equal(t, "partial_data", seen.requests[0].Decisions[1].Kind, "it was decided before")
			o := <-seen.ended
			require.Empty(t, o.Fault, tt.name)
			require.Equal(t, tt.up.status == 500, o.Failed, tt.name)
		}
	})
}

// What breaks off breaks off, and what the other sections do to a response they
// do to the changed one.
func TestGraphQLPartialDataAndTheRest(t *testing.T) {
	t.Parallel()
	bothSeams(t, func(t *testing.T, rig func(http.Handler, ...injector.Option) (*injector.Injector, *http.Client, string)) {
		up := &graphServer{}
		in, client, at := rig(up)
		in.Apply(injector.Layer{Name: "step", Config: injector.Config{
			GraphQL:        &injector.GraphQL{PartialDataProbability: new(1.0), PartialDataPaths: []string{"name"}, Message: "m"},
			FaultInjection: &injector.FaultInjection{PayloadCorruption: new(true), PayloadCorruptionProbability: new(1.0), CorruptionType: injector.Truncate},
		}})
		const whole = `{"errors":[{"message":"m","path":["name"],"extensions":{"code":"INTERNAL_SERVER_ERROR"}}],"data":{"name":null,"items":[{"price":1},{"price":2}]}}`
		_, body := postJSON(t, client, at, op("query", "Cart"))
		require.True(t, strings.HasPrefix(whole, body))
		require.Greater(t, len(body), 20)
		require.Less(t, len(body), len(whole))

		broken := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"data":{"name":`))
			panic(http.ErrAbortHandler)
		})
		in, client, at = rig(broken)
		in.Apply(graph(injector.GraphQL{PartialDataProbability: new(1.0)}))
		resp, err := client.Post(at, "application/json", strings.NewReader(op("query", "Cart")))
		if err == nil {
			defer resp.Body.Close()
			_, err = resp.Body.Read(make([]byte, 2000))
			for err == nil {
				_, err = resp.Body.Read(make([]byte, 2000))
			}
		}
		require.ErrorContains(t, err, "EOF")
	})
}

// A resolver takes as long as it says, for each field at the top; operations of
// a batch have their resolvers side by side.
func TestGraphQLResolverLatency(t *testing.T) {
	t.Parallel()
	latency := func(g injector.GraphQL, l *injector.Latency) injector.Config {
		g.ResolverLatency = new(true)
		return injector.Config{GraphQL: &g, Latency: l}
	}
	const three = `{"query":"{ a b ...F } fragment F on Query { a c { d } }"}`
	tenth := &injector.Latency{FixedDelay: 400 * time.Millisecond}
	for _, tt := range []struct {
		name   string
		config injector.Config
		body   string
		want   time.Duration
	}{
		{"each field", latency(injector.GraphQL{ResolverDelay: new(30 * time.Millisecond)}, nil), three, 90 * time.Millisecond},
		{"by itself", latency(injector.GraphQL{}, nil), three, 150 * time.Millisecond},
		{"a tenth of the latency", latency(injector.GraphQL{}, tenth), three, 400*time.Millisecond + 120*time.Millisecond},
		{"unlike the latency", latency(injector.GraphQL{ResolverDelay: new(time.Second)}, tenth), three, 3400 * time.Millisecond},
		{"batch", latency(injector.GraphQL{ResolverDelay: new(time.Second)}, nil), "[" + op("query", "A") + "," + three + "," + op("query", "B") + "]", 3 * time.Second},
		{"not about it", latency(injector.GraphQL{OperationTypes: []string{"mutation"}}, nil), three, 0},
		{"persisted", latency(injector.GraphQL{ResolverDelay: new(time.Second)}, nil), `{"extensions":{"persistedQuery":{"version":1}}}`, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			seen := &events{}
			virtual(t, &graphServer{}, []injector.Option{injector.WithObserver(seen)}, func(w *world) {
				w.in.Apply(injector.Layer{Name: "step", Config: tt.config})
				resp, _ := postJSON(t, w.client, "http://test/", tt.body)
				require.Equal(t, tt.want, w.elapsed())
				require.Equal(t, tt.want, seen.requests[0].Delay)
				if tt.want > 0 {
					requireMs(t, tt.want, resp.Header)
					require.Equal(t, "resolver_latency", resp.Header.Get("X-Mockforge-Fault"))
				}
			})
		})
	}
}

// With the order of virtual time, what is decided does not depend on which
// goroutine is faster.
func TestGraphQLInOrder(t *testing.T) {
	t.Parallel()
	run := func() (out []injector.Request) {
		seen := &events{}
		virtual(t, &graphServer{}, []injector.Option{injector.WithSeed(3), injector.WithSequencer(&sequencer{}), injector.WithObserver(seen)}, func(w *world) {
			w.in.Apply(graph(injector.GraphQL{Probability: new(0.3), PartialDataProbability: new(0.3), ResolverLatency: new(true)}))
			done := make(chan error)
			for i := range 20 {
				go func() {
					name := string(rune('A' + i))
					resp, err := w.client.Post("http://test/", "application/json", strings.NewReader("["+op("query", name)+","+op("mutation", name+"2")+"]"))
					if err == nil {
						_ = resp.Body.Close() // only what was decided counts
					}
					done <- err
				}()
			}
			for range 20 {
				require.NoError(t, <-done)
			}
		})
		for _, r := range seen.requests {
			c := *r
			c.Context = nil
			out = append(out, c)
		}
		return out
	}
	first := run()
	require.Len(t, first, 20)
	require.Equal(t, first, run())
}
