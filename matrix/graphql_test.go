package matrix_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
	"github.com/mockforge-go/mockforge/server/client"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// errorCodes are the extensions.code of an error, as the client has them.
func errorCodes(err error) (out []any) {
	var list gqlerror.List
	if errors.As(err, &list) {
		for _, e := range list {
			out = append(out, e.Extensions["code"])
		}
	}
	return out
}

// A GraphQL client sees GraphQL errors, and never a status.
func TestGraphQL(t *testing.T) {
	t.Parallel()
	chaostest.Run(t, "testdata/graphql.yaml", func(step *chaostest.Step) {
		client := graphql.NewClient(step.URL+"/graphql", step.Client())
		ctx := step.Context()
		began := time.Now()
		switch step.Spec.Name {
		case "quiet", "healed":
			data, err := askCart(ctx, client, "7")
			require.NoError(step, err)
			require.InDelta(step, 5.0, *data.Cart.Items[1].Price, 0)
			require.Equal(step, "Ada", *data.User.Name)
			requireAfter(step, 0, time.Since(began), 1)
		case "errors":
			step.Load(10, func(ctx context.Context) error {
				data, err := askCart(ctx, client, "7")
				if err != nil && (err.Error() != "input: the cart is locked\n" || errorCodes(err)[0] != "CART_LOCKED" || data.Cart != nil) {
					step.Errorf("the client sees %q, codes %v", err, errorCodes(err))
				}
				if err := addItem(ctx, client, "cup"); err != nil {
					step.Errorf("a mutation fails: %v", err)
				}
				return err
			})
			step.Expect(assert.Operations().Equal(200), assert.ErrorRate().Equal(0.25), assert.MustParse("injected.graphql_error == 50"), assert.MustParse("injected.graphql_error ~ 25%"))
		case "translated":
			_, err := askCart(ctx, client, "7")
			require.Equal(step, []any{"SERVICE_UNAVAILABLE"}, errorCodes(err))
			require.Equal(step, []any{"SERVICE_UNAVAILABLE"}, errorCodes(addItem(ctx, client, "cup")))
		case "limited":
			require.NoError(step, addItem(ctx, client, "cup"))
			require.Equal(step, []any{"RATE_LIMITED"}, errorCodes(addItem(ctx, client, "cup")))
		case "partial":
			data, err := askCart(ctx, client, "7")
			require.Equal(step, []any{"INTERNAL_SERVER_ERROR", "INTERNAL_SERVER_ERROR"}, errorCodes(err))
			var list gqlerror.List
			require.ErrorAs(step, err, &list)
			require.Equal(step, "cart.items[1].price", list[1].Path.String())
			require.Len(step, data.Cart.Items, 2)
			require.Nil(step, data.Cart.Items[0].Price)
			require.Equal(step, "pot", data.Cart.Items[1].Name)
			require.InDelta(step, 7.5, *data.Cart.Total, 0)
			require.NoError(step, addItem(ctx, client, "cup"), "there is no such place")
		case "resolvers":
			_, err := askCart(ctx, client, "7")
			require.NoError(step, err)
			requireAfter(step, 500*time.Millisecond-grid, time.Since(began), 2)
			began = time.Now()
			require.NoError(step, addItem(ctx, client, "cup"))
			requireAfter(step, 250*time.Millisecond-grid, time.Since(began), 2)
		default:
			step.Fatalf("no expectation for step %s", step.Spec.Name)
		}
	}, chaostest.Upstream(shopServer()))
}

// Each operation of a batch draws by itself, and the server is asked for the
// others.
func TestGraphQLBatch(t *testing.T) {
	t.Parallel()
	config := injector.Config{GraphQL: &injector.GraphQL{ErrorCodes: []string{"NO"}, Probability: new(1.0), OperationTypes: []string{"mutation"}, Message: "no"}}
	o := document(orchestrator.Step{Name: "batches", Duration: 10 * time.Second, Scenario: orchestrator.Scenario{Config: &config}})
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		const batch = `[{"query":"query A { user { name } }"},{"query":"mutation B { addItem(name: \"x\") { id } }"},{"query":"query C { cart(id: 1) { id } }"}]`
		resp, err := step.Client().Post(step.URL+"/graphql", "application/json", strings.NewReader(batch))
		require.NoError(step, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(step, err)
		require.JSONEq(step, `[{"data":{"user":{"name":"Ada"}}},{"errors":[{"message":"no","extensions":{"code":"NO"}}],"data":null},{"data":{"cart":{"id":"1"}}}]`, string(body))
		step.Expect(assert.MustParse("injected.graphql_error == 1"))
	}, chaostest.Upstream(shopServer()))
}

// everyGraphQLFault is a config in which all of GraphQL's faults act.
func everyGraphQLFault() *injector.Config {
	return &injector.Config{
		Latency:        &injector.Latency{RandomDelayRange: [2]time.Duration{time.Millisecond, 20 * time.Millisecond}, Probability: new(0.5)},
		FaultInjection: &injector.FaultInjection{HTTPErrors: []int{429, 503}, HTTPErrorProbability: new(0.1)},
		GraphQL: &injector.GraphQL{
			ErrorCodes: []string{"A", "B", "C"}, Probability: new(0.2), PartialDataProbability: new(0.3), ResolverLatency: new(true), OperationTypes: []string{"query"},
		},
	}
}

// Concurrent clients and batches at one instant: one seed, one run.
func TestGraphQLOneDigest(t *testing.T) { // not parallel: its runs are compared one after another
	o := document(orchestrator.Step{Name: "all", Duration: 3 * time.Second, Scenario: orchestrator.Scenario{Config: everyGraphQLFault()}})
	var first []byte
	for n := range 10 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "run.chaos.jsonl")
			var seen [4]bytes.Buffer // what each client saw
			chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
				client := graphql.NewClient(step.URL+"/graphql", step.Client())
				done, began := make(chan struct{}), time.Now()
				for c := range seen {
					go func() {
						defer func() { done <- struct{}{} }()
						for range 10 {
							data, err := askCart(step.Context(), client, fmt.Sprint(c))
							_, _ = fmt.Fprintln(&seen[c], errorCodes(err), data.Cart != nil, time.Since(began))
							_, _ = fmt.Fprintln(&seen[c], errorCodes(addItem(step.Context(), client, fmt.Sprint(c))))
						}
					}()
				}
				for range seen {
					<-done
				}
			}, chaostest.Upstream(shopServer()), chaostest.Seed(11), chaostest.EventLog(path))
			log, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Contains(t, string(log), `"protocol":"graphql","operation":"query Cart","top_fields":[2]`)
			for _, kind := range []string{injector.KindGraphQLError, injector.KindPartialData, injector.KindResolverLatency} {
				require.Contains(t, string(log), `"kind":"`+kind+`"`)
			}
			for i := range seen {
				log = append(log, seen[i].Bytes()...)
			}
			if first == nil {
				first = log
			}
			require.Equal(t, string(first), string(log))
		})
	}
}

// The same faults from the server, over loopback; its recording verifies.
func TestGraphQLServer(t *testing.T) {
	t.Parallel()
	up := httptest.NewServer(shopServer())
	defer up.Close()
	path := filepath.Join(t.TempDir(), "run.chaos.jsonl")
	s, err := server.New(server.Options{Port: server.AnyPort, Upstream: up.URL, Chaos: true, EventLog: path, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, s.Listen())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	control, err := client.New(s.URL(), client.WithPollInterval(20*time.Millisecond))
	require.NoError(t, err)
	o := document(orchestrator.Step{Name: "all", Duration: time.Hour, Scenario: orchestrator.Scenario{Config: everyGraphQLFault()}})
	o.Seed = new(uint64(3))
	started, err := control.Start(ctx, &o)
	require.NoError(t, err)

	transport := &http.Transport{}
	shop := graphql.NewClient(s.URL()+"/graphql", &http.Client{Transport: transport})
	seen := map[any]int{}
	// The step begins some time after the answer to Start: rounds count from the
	// first sign of it, and those before it make no decisions.
	for n, rounds := 0, 0; rounds < 60; n++ {
		require.Less(t, n, 20_000, "nothing is injected")
		data, err := askCart(ctx, shop, fmt.Sprint(n))
		var list gqlerror.List
		require.True(t, err == nil || errors.As(err, &list), "%v", err)
		for _, c := range errorCodes(err) {
			seen[c]++
		}
		if len(list) > 0 && len(list[0].Path) > 0 {
			seen["partial"]++
			require.False(t, data.Cart == nil && data.User == nil)
		}
		resp, err := (&http.Client{Transport: transport}).Post(s.URL()+"/graphql", "application/json", strings.NewReader(`[{"query":"{ user { name } }"},{"query":"query Cart { cart(id: 1) { total } }"}]`))
		require.NoError(t, err)
		var batch []json.RawMessage
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&batch))
		require.NoError(t, resp.Body.Close())
		require.Len(t, batch, 2)
		if len(seen) > 0 {
			rounds++
		}
	}
	for _, want := range []any{"A", "B", "C", "SERVICE_UNAVAILABLE", "RATE_LIMITED", "partial"} {
		require.Positive(t, seen[want], "%v of %v", want, seen)
	}
	_, err = control.Stop(ctx)
	require.NoError(t, err)
	_, err = control.Wait(ctx, started.ID, nil)
	require.NoError(t, err)
	transport.CloseIdleConnections()
	cancel()
	require.NoError(t, <-ended)

	rec, err := orchestrator.ReadLog(path)
	require.NoError(t, err)
	v, err := orchestrator.Verify(t.Context(), rec)
	require.NoError(t, err)
	require.Nil(t, v.Difference)
	require.Empty(t, v.Unverified)
	require.Equal(t, rec.Digest(), v.Digest)
	require.Greater(t, v.Decisions, 100)

	// The operations that an open loop sends mean something to a real server.
	var answers, refused atomic.Int64
	shopAgain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := httptest.NewRecorder()
		shopServer().ServeHTTP(out, r)
		answers.Add(1)
		if bytes.Contains(out.Body.Bytes(), []byte("errors")) || !bytes.Contains(out.Body.Bytes(), []byte("Query")) {
			refused.Add(1)
		}
		w.Header().Set("Content-Type", out.Header().Get("Content-Type"))
		_, _ = w.Write(out.Body.Bytes()) // whether the client still reads is its own affair
	})
	got := chaostest.Replay(t, path, nil, chaostest.ReplayOpenLoop(), chaostest.ReplayStrict(), chaostest.Upstream(shopAgain))
	require.Equal(t, rec.Digest(), got.Digest)
	require.Greater(t, answers.Load(), int64(50))
	require.Zero(t, refused.Load())
}
