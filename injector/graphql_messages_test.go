package injector_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// subscriber opens a connection on which one of the protocols of subscriptions
// is spoken.
func (w *world) subscriber(protocol string) *peer {
	w.Helper()
	c, err := w.lis.dial(context.Background(), "", "")
	require.NoError(w, err)
	_, err = fmt.Fprintf(c, "GET /graphql HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: %s\r\n\r\n", protocol)
	require.NoError(w, err)
	p := &peer{Conn: c, in: bufio.NewReader(c), client: true}
	resp, err := http.ReadResponse(p.in, nil)
	require.NoError(w, err)
	require.Equal(w, 101, resp.StatusCode)
	return p
}

// publishing answers each operation that is sent with three results.
func publishing(p *peer) {
	for {
		f, err := p.receive()
		if err != nil {
			return
		}
		if f.op == 8 {
			_ = p.send(f)
			return
		}
		var m struct{ ID, Type string }
		if json.Unmarshal([]byte(f.payload), &m) != nil {
			_ = p.send(f)
			continue
		}
		kind := map[string]string{"subscribe": "next", "start": "data"}[m.Type]
		if kind == "" {
			_ = p.send(text(`{"type":"connection_ack"}`))
			continue
		}
		for n := range 3 {
			_ = p.send(text(fmt.Sprintf(`{"id":"%s","type":"%s","payload":{"data":{"price":{"id":%d,"value":1.50}}}}`, m.ID, kind, n)))
		}
		_ = p.send(text(`{"id":"` + m.ID + `","type":"complete"}`))
	}
}

// escaping answers each operation with a result, and writes the id in escapes.
func escaping(p *peer) {
	for {
		f, err := p.receive()
		if err != nil {
			return
		}
		var m struct{ ID, Type string }
		if json.Unmarshal([]byte(f.payload), &m) != nil || m.Type != "subscribe" {
			_ = p.send(f) // a close
			continue
		}
		id := ""
		for _, c := range m.ID {
			id += fmt.Sprintf(`\u%04x`, c)
		}
		_ = p.send(text(`{"id":"` + id + `","type":"next","payload":{"data":{"price":1}}}`))
	}
}

func starting(kind, id, name string) string {
	return `{"id":"` + id + `","type":"` + kind + `","payload":{"query":"subscription ` + name + ` { price { id value } }"}}`
}

// An operation that is hit is answered with an error, in the protocol's own
// form, and the upstream hears nothing of it.
func TestGraphQLSubscriptionErrors(t *testing.T) {
	t.Parallel()
	for protocol, kind := range map[string]string{"graphql-transport-ws": "subscribe", "graphql-ws": "start"} {
		for _, headed := range []bool{false, true} {
			bothOrders(t, speaking(headed, publishing), func(w *world, seen *events) {
				w.in.Apply(graph(injector.GraphQL{Probability: new(1.0), ErrorCodes: []string{"NO"}, Message: "no", Operations: []string{"Bad"}, Paths: []string{"/graphql"}}))
				p := w.subscriber(protocol)
				defer p.Close()
				require.NoError(w, p.send(text(`{"type":"connection_init"}`)))
				got, err := p.expect(1)
				require.NoError(w, err)
				require.Equal(w, []string{`{"type":"connection_ack"}`}, got)

				require.NoError(w, p.send(text(starting(kind, "1", "Bad"))))
				got, err = p.expect(1)
				require.NoError(w, err)
				payload := `{"message":"no","extensions":{"code":"NO"}}`
				if kind == "subscribe" {
					payload = "[" + payload + "]"
				}
				require.Equal(w, []string{`{"id":"1","type":"error","payload":` + payload + `}`}, got)

				// In fragments, with a ping between them, it is the same.
				bad := starting(kind, "2", "Bad")
				require.NoError(w, p.send(frame{op: 1, payload: bad[:30]}, ping("?"), frame{op: 0, fin: true, payload: bad[30:]}))
				got, err = p.expect(2)
				require.NoError(w, err)
				require.Equal(w, []string{`{"id":"2","type":"error","payload":` + payload + `}`}, got[:1])
				require.Equal(w, "?", got[1])

				require.NoError(w, p.send(text(starting(kind, "3", "Good"))))
				got, err = p.expect(4)
				require.NoError(w, err)
				require.Contains(w, got[2], `{"price":{"id":2,"value":1.50}}`)
				same(w.T, `{"id":"3","type":"complete"}`, got[3])

				require.Len(w, seen.requests, 3)
				last := seen.requests[2]
				require.Equal(w, []any{"websocket", "subscription Bad", "/graphql"}, []any{last.Protocol, last.Operation, last.Path})
				require.Equal(w, injector.KindGraphQLError, last.Decisions[0].Kind)
				require.Equal(w, uint64(1), last.Decisions[0].Ordinal)
			})
		}
	}
}

// The ends may write one id in different ways.
func TestGraphQLSubscriptionEscapedIDs(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, escaping), func(w *world, seen *events) {
		w.in.Apply(graph(injector.GraphQL{PartialDataProbability: new(1.0), Message: "m"}))
		p := w.subscriber("graphql-transport-ws")
		defer p.Close()
		for _, id := range []string{`ab`, `a\u0062`, `\u0061\/b`, `é`} {
			require.NoError(w, p.send(text(starting("subscribe", id, "Prices"))))
			got, err := p.expect(1)
			require.NoError(w, err)
			require.Contains(w, got[0], `"data":{"price":null}`)
		}
		require.Equal(w, 4, seen.count(injector.KindPartialData))
	})
}

// Each result draws for nulls by itself; everything else passes as it is.
func TestGraphQLSubscriptionPartialData(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, publishing), func(w *world, seen *events) {
		layer := graph(injector.GraphQL{PartialDataProbability: new(0.5), PartialDataPaths: []string{"price.value"}, Message: "m", OperationTypes: []string{"subscription"}})
		w.in.Apply(layer)
		p := w.subscriber("graphql-transport-ws, other")
		defer p.Close()
		nulled := 0
		for n := range 20 {
			id := fmt.Sprint(n)
			require.NoError(w, p.send(text(starting("subscribe", id, "Prices"))))
			got, err := p.expect(4)
			require.NoError(w, err)
			for i := range 3 {
				whole := fmt.Sprintf(`{"id":"%s","type":"next","payload":{"data":{"price":{"id":%d,"value":1.50}}}}`, id, i)
				if got[i] != whole {
					nulled++
					same(w.T, fmt.Sprintf(`{"id":"%s","type":"next","payload":{"errors":[{"message":"m","path":["price","value"],"extensions":{"code":"INTERNAL_SERVER_ERROR"}}],"data":{"price":{"id":%d,"value":null}}}}`, id, i), got[i])
				}
			}
		}
		require.Equal(w, 30, nulled)
		require.Equal(w, 30, seen.count(injector.KindPartialData))
		draws := w.in.Draws(injector.LayerRef{Name: "step"})
		require.Len(w, draws, 1)
		require.Equal(w, []any{uint64(60), uint64(30), 2}, []any{draws[0].Requests, draws[0].Injected, draws[0].Rules})
	})
}

// What is no operation, or too long to be kept, passes; so does everything on a
// connection that speaks another protocol.
func TestGraphQLSubscriptionsPass(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, echoing), func(w *world, seen *events) {
		w.in.Apply(graph(injector.GraphQL{Probability: new(1.0), PartialDataProbability: new(1.0)}))
		long := strings.Replace(starting("subscribe", "1", "Long"), "value", strings.Repeat("value ", 20_000), 1)
		for protocol, messages := range map[string][]string{
			"graphql-transport-ws": {"", "hello", `{"id":"1"}`, `{"type":"ping"}`, `{"id":"1","type":"subscribe","payload":{"query":"no"}}`, `{"id":"9","type":"next","payload":{"data":{"a":1}}}`, long},
			"chat":                 {starting("subscribe", "1", "Any")},
		} {
			p := w.subscriber(protocol)
			for _, m := range messages {
				sent := make(chan error)
				go func() { sent <- p.send(text(m)) }()
				got, err := p.expect(1)
				require.NoError(w, err)
				require.NoError(w, <-sent)
				require.Equal(w, m, got[0])
			}
			require.NoError(w, p.Close())
		}
		require.Len(w, seen.requests, 2, "two handshakes")
		require.Less(w, w.elapsed(), time.Second)
	})
}
