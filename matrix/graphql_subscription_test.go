package matrix_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/gorilla/websocket"
	library "github.com/graph-gophers/graphql-go"
	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/stretchr/testify/require"
)

// ticker resolves subscriptions: three prices, a second apart.
type ticker struct{}

type price struct {
	Name  string
	Value *float64
}

func (*ticker) Hello() string { return "hello" }

func (*ticker) Prices(ctx context.Context) <-chan *price {
	out := make(chan *price)
	go func() {
		defer close(out)
		for n := range 3 {
			select {
			case out <- &price{"tea", new(float64(n) + 0.5)}:
			case <-ctx.Done():
				return
			}
			time.Sleep(time.Second)
		}
	}()
	return out
}

// tickerServer speaks graphql-transport-ws.
func tickerServer() http.Handler {
	schema := library.MustParseSchema(`
		type Query { hello: String! }
		type Subscription { prices: Price! }
		type Price { name: String!  value: Float }`, &ticker{}, library.UseFieldResolvers())
	upgrader := websocket.Upgrader{Subprotocols: []string{"graphql-transport-ws"}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		var writing sync.Mutex
		write := func(v any) {
			writing.Lock()
			defer writing.Unlock()
			_ = conn.WriteJSON(v) // whether the client still reads is its own affair
		}
		ctx, cancel := context.WithCancel(r.Context())
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		for {
			var m struct {
				ID, Type string
				Payload  struct{ Query, OperationName string }
			}
			if conn.ReadJSON(&m) != nil {
				return
			}
			switch m.Type {
			case "connection_init":
				write(map[string]any{"type": "connection_ack"})
			case "subscribe":
				results, err := schema.Subscribe(ctx, m.Payload.Query, m.Payload.OperationName, nil)
				if err != nil {
					return
				}
				running.Go(func() {
					for result := range results {
						write(map[string]any{"id": m.ID, "type": "next", "payload": result})
					}
					write(map[string]any{"id": m.ID, "type": "complete"})
				})
			}
		}
	})
}

// subscriber dials as genqlient asks for it.
type subscriber struct {
	websocket.Dialer
	conn *websocket.Conn // the last
}

func (d *subscriber) DialContext(ctx context.Context, url string, header http.Header) (graphql.WSConn, error) {
	conn, resp, err := d.Dialer.DialContext(ctx, url, header)
	if err != nil {
		return nil, err
	}
	d.conn = conn
	return conn, resp.Body.Close()
}

// subscribe returns what a subscription delivers, until it is complete or, as
// after an error, nothing more has come for five seconds.
func subscribe(t require.TestingT, client graphql.WebSocketClient, name string) (payloads []string) {
	results := make(chan string)
	_, err := client.Subscribe(&graphql.Request{Query: "subscription " + name + " { prices { name value } }", OpName: name}, results,
		func(to any, payload json.RawMessage) error {
			to.(chan string) <- string(payload)
			return nil
		})
	require.NoError(t, err)
	for {
		select {
		case p, more := <-results:
			if !more {
				return payloads
			}
			payloads = append(payloads, p)
		case <-time.After(5 * time.Second):
			return payloads
		}
	}
}

// subscribing starts a client of subscriptions, and returns how to end it.
func subscribing(step *chaostest.Step, env *chaostest.Env) (client graphql.WebSocketClient, end func()) {
	dial := &subscriber{Dialer: websocket.Dialer{
		NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return env.Target("default").Dial(ctx, network, addr)
		},
	}}
	client = graphql.NewClientUsingWebSocket(strings.Replace(step.URL, "http", "ws", 1)+"/graphql", dial)
	ended, err := client.Start(step.Context())
	require.NoError(step, err)
	return client, func() {
		// The client's own Close unsubscribes on a connection that it has closed.
		require.NoError(step, dial.conn.Close())
		require.ErrorIs(step, <-ended, net.ErrClosed)
	}
}

// Errors and partial data reach a subscriber in its own protocol.
func TestGraphQLSubscriptions(t *testing.T) {
	t.Parallel()
	config := &injector.Config{GraphQL: &injector.GraphQL{
		ErrorCodes: []string{"NO"}, Probability: new(0.5), Message: "no", PartialDataProbability: new(0.5), PartialDataPaths: []string{"prices.value"},
	}}
	var env *chaostest.Env
	o := document(orchestrator.Step{Name: "subscriptions", Duration: 200 * time.Second, Scenario: orchestrator.Scenario{Config: config}})
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		client, end := subscribing(step, env)
		failed, nulled, whole := 0, 0, 0
		for range 40 {
			got := subscribe(step, client, "Prices")
			if len(got) == 1 {
				require.JSONEq(step, `[{"message":"no","extensions":{"code":"NO"}}]`, got[0])
				failed++
				continue
			}
			require.Len(step, got, 3)
			for _, p := range got {
				if strings.Contains(p, `"value":null`) {
					require.Contains(step, p, `"path":["prices","value"]`)
					nulled++
				} else {
					require.NotContains(step, p, "errors")
					whole++
				}
			}
		}
		end()
		require.Equal(step, []int{20, 30, 30}, []int{failed, nulled, whole})
		step.Expect(assert.MustParse("injected.graphql_error == 20"), assert.MustParse("injected.partial_data == 30"))
	}, chaostest.Upstream(tickerServer()), chaostest.Setup(func(e *chaostest.Env) { env = e }), chaostest.Seed(4))
}

// A subscription begins later by its resolvers, and its results come as they
// do.
func TestGraphQLSubscriptionResolvers(t *testing.T) {
	t.Parallel()
	config := &injector.Config{GraphQL: &injector.GraphQL{ResolverLatency: new(true), ResolverDelay: new(250 * time.Millisecond)}}
	var env *chaostest.Env
	o := document(orchestrator.Step{Name: "subscriptions", Duration: 20 * time.Second, Scenario: orchestrator.Scenario{Config: config}})
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		client, end := subscribing(step, env)
		began := time.Now()
		require.Len(step, subscribe(step, client, "Prices"), 3)
		requireAfter(step, 3250*time.Millisecond-grid, time.Since(began), 4)
		end()
		step.Expect(assert.MustParse("injected.resolver_latency == 1"))
	}, chaostest.Upstream(tickerServer()), chaostest.Setup(func(e *chaostest.Env) { env = e }))
}
