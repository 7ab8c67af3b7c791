package injector_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// Resolvers take their time over WebSocket too: an operation is late by so much
// for each field at its top, and what the client sends behind it waits. A ping
// does not, and an operation that fails has no resolvers.
func TestGraphQLSubscriptionResolverLatency(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, publishing), func(w *world, seen *events) {
		config := injector.GraphQL{ResolverLatency: new(true), ResolverDelay: new(100 * time.Millisecond), ErrorCodes: []string{"NO"}, Probability: new(0.0)}
		w.in.Apply(graph(config))
		p := w.subscriber("graphql-transport-ws")
		defer p.Close()
		late := func(want time.Duration, n int, frames ...frame) []string {
			w.Helper()
			from := time.Now()
			require.NoError(w, p.send(frames...))
			got, err := p.expect(n)
			require.NoError(w, err)
			require.InDelta(w, want, time.Since(from), float64(time.Millisecond))
			return got
		}
		three := func(id string) frame {
			return text(`{"id":"` + id + `","type":"subscribe","payload":{"query":"query Three { a b ...{ c } }"}}`)
		}
		late(0, 1, text(`{"type":"connection_init"}`))
		late(300*time.Millisecond, 4, three("1"))
		late(100*time.Millisecond, 4, text(starting("subscribe", "2", "One")))
		late(300*time.Millisecond, 8, three("3"), three("4"))
		got := late(300*time.Millisecond, 8, three("5"), text(starting("subscribe", "6", "One")))
		require.Contains(w, got[0], `"id":"5"`)
		require.Contains(w, got[4], `"id":"6"`)
		require.Equal(w, []string{"?"}, late(0, 1, three("7"), ping("?")))
		late(300*time.Millisecond, 4)

		require.Len(w, seen.requests, 8)
		last := seen.requests[7]
		require.Equal(w, []any{"query Three", 300 * time.Millisecond}, []any{last.Operation, last.Delay})
		require.Equal(w, []injector.Decision{{Layer: injector.LayerRef{Name: "step"}, Kind: injector.KindResolverLatency, Ordinal: 6, Delay: 300 * time.Millisecond}}, last.Decisions)
		require.Empty(w, seen.outcomes[len(seen.outcomes)-1].Fault)

		// Where everything ends, its delays end.
		require.NoError(w, p.send(three("8")))
		from := time.Now()
		time.Sleep(50 * time.Millisecond)
		w.in.Release()
		_, err := p.expect(4)
		require.NoError(w, err)
		require.InDelta(w, 50*time.Millisecond, time.Since(from), float64(time.Millisecond))

		// An outer layer's delay is nothing to an operation that an inner one fails.
		w.in.Apply(graph(config))
		inner := graph(injector.GraphQL{Probability: new(1.0), ResolverLatency: new(true)})
		inner.Name = "inner"
		w.in.Apply(inner)
		require.Contains(w, late(0, 1, three("9"))[0], "INTERNAL_SERVER_ERROR")
		last = seen.requests[len(seen.requests)-1]
		require.Len(w, last.Layers, 2)
		kinds := ""
		for _, d := range last.Decisions {
			kinds += fmt.Sprintln(d.Layer.Name, d.Kind, d.Masked, d.Delay)
		}
		require.Equal(w, "inner graphql_error false 0s\nstep resolver_latency true 0s\ninner resolver_latency true 0s\n", kinds)
	})
}

// A delay is a tenth of the latency section's, if there is one.
func TestGraphQLSubscriptionResolverShare(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, publishing), func(w *world, _ *events) {
		p := w.subscriber("graphql-transport-ws")
		defer p.Close()
		w.in.Apply(injector.Layer{Name: "step", Config: injector.Config{
			Latency: &injector.Latency{FixedDelay: 2 * time.Second}, GraphQL: &injector.GraphQL{ResolverLatency: new(true)}}})
		from := time.Now()
		require.NoError(w, p.send(text(starting("subscribe", "1", "One"))))
		_, err := p.expect(4)
		require.NoError(w, err)
		require.InDelta(w, 200*time.Millisecond, time.Since(from), float64(time.Millisecond))
	})
}

// A result without a place for a null passes, and its outcome has no fault.
func TestGraphQLSubscriptionPartialDataPasses(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, publishing), func(w *world, seen *events) {
		w.in.Apply(graph(injector.GraphQL{PartialDataProbability: new(1.0), PartialDataPaths: []string{"nowhere"}}))
		p := w.subscriber("graphql-transport-ws")
		defer p.Close()
		require.NoError(w, p.send(text(starting("subscribe", "1", "Prices"))))
		got, err := p.expect(4)
		require.NoError(w, err)
		same(w.T, `{"id":"1","type":"next","payload":{"data":{"price":{"id":2,"value":1.50}}}}`, got[2])
		require.Equal(w, 3, seen.count(injector.KindPartialData), "it was decided")
		for _, o := range seen.outcomes {
			require.Empty(w, o.Fault)
		}
	})
}

// On the client's side it is the same, and what the client gets is not masked.
func TestGraphQLSubscriptionRoundTripper(t *testing.T) {
	t.Parallel()
	far := httptest.NewServer(speaking(false, publishing))
	t.Cleanup(far.Close)
	in := injector.New()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, far.URL+"/graphql", nil)
	require.NoError(t, err)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Protocol": "graphql-ws",
	} {
		r.Header.Set(name, value)
	}
	resp, err := (&http.Client{Transport: in.RoundTripper(nil)}).Do(r)
	require.NoError(t, err)
	rwc, ok := resp.Body.(io.ReadWriteCloser)
	require.True(t, ok)
	t.Cleanup(func() { rwc.Close() })
	p := &rwcPeer{rwc, bufio.NewReader(rwc)}

	in.Apply(graph(injector.GraphQL{Probability: new(1.0), Operations: []string{"Bad"}, Message: "m"}))
	late := graph(injector.GraphQL{ResolverLatency: new(true), ResolverDelay: new(30 * time.Millisecond), PartialDataProbability: new(1.0), PartialDataPaths: []string{"price.id"}})
	late.Name = "late"
	in.Apply(late)
	same(t, `{"id":"1","type":"error","payload":{"message":"m","extensions":{"code":"INTERNAL_SERVER_ERROR"}}}`, p.exchange(t, text(starting("start", "1", "Bad"))).payload)
	from := time.Now()
	require.Contains(t, p.exchange(t, text(starting("start", "2", "Good"))).payload, `"data":{"price":{"id":null,"value":1.50}}`)
	require.GreaterOrEqual(t, time.Since(from), 30*time.Millisecond)
}
