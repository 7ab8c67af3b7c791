package injector_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// What the other sections of a layer answer is an error of GraphQL to a client
// of it.
func TestGraphQLTranslation(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]string{
		400: "BAD_USER_INPUT", 401: "UNAUTHENTICATED", 403: "FORBIDDEN", 404: "NOT_FOUND", 418: "INTERNAL_SERVER_ERROR", 429: "RATE_LIMITED",
		500: "INTERNAL_SERVER_ERROR", 502: "INTERNAL_SERVER_ERROR", 503: "SERVICE_UNAVAILABLE", 504: "GATEWAY_TIMEOUT", 204: "INTERNAL_SERVER_ERROR",
	} {
		seen := &events{}
		in := injector.New(injector.WithObserver(seen))
		s := serve(t, in, &graphServer{})
		l := faults(injector.FaultInjection{HTTPErrors: []int{status}, HTTPErrorProbability: new(1.0)})
		l.Config.GraphQL = &injector.GraphQL{Operations: []string{"Cart"}}
		in.Apply(l)
		resp, body := postJSON(t, s.Client(), s.URL, op("query", "Cart"))
		require.Equal(t, 200, resp.StatusCode)
		require.Equal(t, "http_error", resp.Header.Get("X-Mockforge-Fault"))
		same(t, fmt.Sprintf(`{"errors":[{"message":"injected HTTP error %d","extensions":{"code":"%s","http":{"status":%d}}}],"data":null}`+"\n", status, code, status), body)
		require.Equal(t, status, seen.requests[0].Decisions[0].Status)
		require.Equal(t, 200, seen.outcomes[0].Status)
		require.Equal(t, status >= 500, seen.outcomes[0].Failed)

		resp, _ = postJSON(t, s.Client(), s.URL, op("query", "Other"))
		require.Equal(t, status, resp.StatusCode, "the section is not about it")
	}
}

func TestGraphQLTranslatesLimits(t *testing.T) {
	t.Parallel()
	always := new(1.0)
	section := &injector.GraphQL{}
	for _, tt := range []struct {
		kind, code string
		status     int
		config     injector.Config
		retry      string
	}{
		{"rate_limit", "RATE_LIMITED", 429, injector.Config{RateLimit: &injector.RateLimit{RequestsPerSecond: 0.1, BurstSize: 1}}, "10"},
		{"circuit_breaker", "SERVICE_UNAVAILABLE", 503, injector.Config{CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 1, Timeout: 42 * time.Second},
			FaultInjection: &injector.FaultInjection{HTTPErrors: []int{500}, HTTPErrorProbability: always}}, "42"},
		{"connection_error", "SERVICE_UNAVAILABLE", 503, injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorProbability: always}}, ""},
		{"timeout", "GATEWAY_TIMEOUT", 504, injector.Config{FaultInjection: &injector.FaultInjection{TimeoutProbability: always}}, ""},
	} {
		tt.config.GraphQL = section
		virtual(t, &graphServer{}, nil, func(w *world) {
			w.in.Apply(injector.Layer{Name: "step", Config: tt.config})
			_, _ = postJSON(t, w.client, "http://test/", op("query", "Cart"))
			resp, body := postJSON(t, w.client, "http://test/", op("query", "Cart"))
			require.Equal(t, 200, resp.StatusCode)
			require.Equal(t, tt.kind, resp.Header.Get("X-Mockforge-Fault"))
			require.Contains(t, body, fmt.Sprintf(`"extensions":{"code":"%s","http":{"status":%d}}`, tt.code, tt.status))
			require.Equal(t, tt.retry, resp.Header.Get("Retry-After"))
		})
	}
}

// Of the faults of one layer the first hides the others, and all are noted.
func TestGraphQLPrecedence(t *testing.T) {
	t.Parallel()
	seen := &events{}
	in := injector.New(injector.WithObserver(seen))
	s := serve(t, in, &graphServer{})
	all := injector.GraphQL{Probability: new(1.0), PartialDataProbability: new(1.0), ResolverLatency: new(true), ResolverDelay: new(time.Hour)}
	l := faults(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(1.0)})
	l.Config.GraphQL = &all
	remove := in.Apply(l)
	_, body := postJSON(t, s.Client(), s.URL, op("query", "Cart"))
	require.Contains(t, body, "SERVICE_UNAVAILABLE")
	remove()
	in.Apply(graph(all))
	_, body = postJSON(t, s.Client(), s.URL, op("query", "Cart"))
	same(t, injectedError+"\n", body)

	type kind struct {
		kind   string
		masked bool
	}
	kinds := func(i int) (out []kind) {
		for _, d := range seen.requests[i].Decisions {
			out = append(out, kind{d.Kind, d.Masked})
		}
		return out
	}
	require.Equal(t, []kind{{"http_error", false}, {"graphql_error", true}, {"resolver_latency", true}, {"partial_data", true}}, kinds(0))
	require.Equal(t, []kind{{"graphql_error", false}, {"resolver_latency", true}, {"partial_data", true}}, kinds(1))
}

// Injected errors count for a breaker as failures, what an upstream says in a
// response of status 200 does not.
func TestGraphQLErrorsOpenABreaker(t *testing.T) {
	t.Parallel()
	seen := newAwaited()
	in := injector.New(injector.WithObserver(seen))
	s := serve(t, in, &graphServer{data: `{"errors":[{"message":"own"}],"data":null}`})
	outer := injector.Layer{Name: "breaker", Config: injector.Config{CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 2, Timeout: time.Hour}}}
	in.Apply(outer)
	for range 3 {
		_, _ = postJSON(t, s.Client(), s.URL, op("query", "Cart"))
		require.False(t, (<-seen.ended).Failed)
	}
	require.Empty(t, seen.changes)
	in.Apply(graph(injector.GraphQL{Probability: new(1.0)}))
	for range 2 {
		_, _ = postJSON(t, s.Client(), s.URL, op("query", "Cart"))
		last := <-seen.ended
		require.Equal(t, []any{200, "graphql_error", true}, []any{last.Status, last.Fault, last.Failed})
	}
	require.Equal(t, []string{"circuit_breaker closed open: 2 consecutive failures"}, seen.changes)
	resp, _ := postJSON(t, s.Client(), s.URL, op("query", "Cart"))
	require.Equal(t, 503, resp.StatusCode, "the breaker's layer has no section for GraphQL")
}

// Each operation of a batch draws by itself. The upstream is asked for those
// that got nothing, in one batch, and the answers stand in the order asked.
func TestGraphQLBatch(t *testing.T) {
	t.Parallel()
	bothSeams(t, func(t *testing.T, rig func(http.Handler, ...injector.Option) (*injector.Injector, *http.Client, string)) {
		up, seen := &graphServer{}, newAwaited()
		in, client, at := rig(up, injector.WithObserver(seen))
		remove := in.Apply(graph(injector.GraphQL{Probability: new(1.0), Operations: []string{"B", "D"}, Message: "no"}))
		names := []string{"A", "B", "C", "D"}
		var ops, answers []string
		for _, n := range names {
			ops = append(ops, op("query", n))
			answers = append(answers, `{"data":{"name":"`+n+`","items":[{"price":1},{"price":2}]}}`)
		}
		const no = `{"errors":[{"message":"no","extensions":{"code":"INTERNAL_SERVER_ERROR"}}],"data":null}`
		resp, body := postJSON(t, client, at, "["+strings.Join(ops, ",")+"]")
		same(t, "["+strings.Join([]string{answers[0], no, answers[2], no}, ",")+"]", body)
		require.Equal(t, int64(len(body)), resp.ContentLength)
		require.Equal(t, []string{"[" + ops[0] + "," + ops[2] + "]"}, up.asked())
		require.Equal(t, "graphql_error", resp.Header.Get("X-Mockforge-Fault"))
		d := seen.requests[0].Decisions
		require.Len(t, d, 2)
		require.Equal(t, []int{2, 4}, []int{d[0].InBatch, d[1].InBatch})
		require.Equal(t, []uint64{0, 1}, []uint64{d[0].Ordinal, d[1].Ordinal})
		o := <-seen.ended
		require.Equal(t, []any{"graphql_error", true, 200}, []any{o.Fault, o.Failed, o.Status})

		_, body = postJSON(t, client, at, "["+ops[1]+","+ops[3]+"]")
		same(t, "["+no+","+no+"]\n", body, "nothing is left to ask for")
		require.Len(t, up.asked(), 1)
		_, body = postJSON(t, client, at, "["+ops[0]+"]")
		same(t, "["+answers[0]+"]", body)
		remove()

		// A fault of the whole request is one of each operation.
		l := faults(injector.FaultInjection{HTTPErrors: []int{404}, HTTPErrorProbability: new(1.0)})
		l.Config.GraphQL = &injector.GraphQL{Operations: []string{"A"}}
		in.Apply(l)
		_, body = postJSON(t, client, at, "["+ops[0]+","+ops[1]+"]")
		require.Equal(t, 2, strings.Count(body, `"code":"NOT_FOUND"`))
		require.True(t, strings.HasPrefix(body, "[{"))
	})
}

// An operation that has its answer from one layer is not drawn by the next.
func TestGraphQLBatchThroughLayers(t *testing.T) {
	t.Parallel()
	up, seen := &graphServer{}, &events{}
	in := injector.New(injector.WithObserver(seen))
	s := serve(t, in, up)
	first := graph(injector.GraphQL{Probability: new(1.0), Operations: []string{"A"}, ErrorCodes: []string{"FIRST"}})
	second := graph(injector.GraphQL{Probability: new(1.0), ErrorCodes: []string{"SECOND"}, PartialDataProbability: new(1.0)})
	second.Name = "next"
	in.Apply(first)
	in.Apply(second)
	_, body := postJSON(t, s.Client(), s.URL, "["+op("query", "A")+","+op("query", "B")+"]")
	require.Empty(t, up.asked())
	require.Less(t, strings.Index(body, "FIRST"), strings.Index(body, "SECOND"))
	require.Equal(t, 1, strings.Count(body, "SECOND"))
	require.Equal(t, uint64(1), seen.requests[0].Decisions[1].Ordinal+1)
	require.Equal(t, "graphql_error", seen.outcomes[0].Fault)
}

// An upstream that does not answer a batch with a list is heard as it is.
func TestGraphQLBatchRefused(t *testing.T) {
	t.Parallel()
	bothSeams(t, func(t *testing.T, rig func(http.Handler, ...injector.Option) (*injector.Injector, *http.Client, string)) {
		const no = `{"errors":[{"message":"no batches"}]}`
		for answer, status := range map[string]int{no: 200, no + " ": 400, "[" + no + "," + no + "," + no + "]": 200, "[]": 200} {
			seen := newAwaited()
			refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, answer)
			})
			in, client, at := rig(refuse, injector.WithObserver(seen))
			in.Apply(graph(injector.GraphQL{Probability: new(1.0), Operations: []string{"A"}, ResolverLatency: new(true)}))
			other := injector.Layer{Name: "other", Config: injector.Config{
				GraphQL: &injector.GraphQL{PartialDataProbability: new(1.0)}, TrafficShaping: &injector.TrafficShaping{BandwidthLimit: 1 << 30}}}
			in.Apply(other)
			both := graph(injector.GraphQL{Probability: new(0.5), ResolverLatency: new(true), ResolverDelay: new(time.Millisecond), Operations: []string{"B", "C"}})
			both.Name = "both"
			in.Apply(both)
			resp, body := postJSON(t, client, at, "["+op("query", "A")+","+op("query", "B")+","+op("query", "C")+"]")
			require.Equal(t, status, resp.StatusCode)
			same(t, answer, body)
			require.Equal(t, []string{"bandwidth", "resolver_latency"}, resp.Header["X-Mockforge-Fault"], "what came to be")
			require.Empty(t, (<-seen.ended).Fault)
		}
	})
}
