package multiprotocol_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	graphql "github.com/graph-gophers/graphql-go"
	"github.com/graph-gophers/graphql-go/relay"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mockforge-go/mockforge/examples/multiprotocol"
)

// The backends are real servers of each protocol.

func orders() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "order at "+r.URL.Path) })
}

// stock is a gRPC server without generated code.
func stock() *grpc.Server {
	server := grpc.NewServer()
	count := func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		var id wrapperspb.StringValue
		if err := decode(&id); err != nil {
			return nil, err
		}
		return wrapperspb.Int64(int64(len(id.GetValue()))), nil
	}
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "shop.Stock", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Count", Handler: count}},
	}, nil)
	return server
}

// prices sends a price every 100 ms until the client has enough.
func prices() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		ctx := conn.CloseRead(r.Context())
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			if wsjson.Write(ctx, conn, multiprotocol.Price{N: n, Price: 19.90}) != nil {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

type catalogue struct{}

type product struct{}

func (*catalogue) Product(struct{ ID graphql.ID }) *product { return &product{} }
func (*product) Name() string                               { return "a red bicycle" }
func (*product) Rating() *float64                           { return new(4.5) }

func products() http.Handler {
	return &relay.Handler{Schema: graphql.MustParseSchema(`
		type Query { product(id: ID!): Product! }
		type Product { name: String!, rating: Float }
	`, &catalogue{})}
}

// serveRedis is a Redis server in the process. It takes connections from a
// listener, where miniredis would listen by itself.
func serveRedis(t testing.TB, l net.Listener) {
	sessions := miniredis.NewMiniRedis()
	first, err := sessions.Dial() // starts it without a listener
	require.NoError(t, err)
	require.NoError(t, first.Close())
	require.NoError(t, sessions.Set("session:42", "ada"))
	t.Cleanup(sessions.Close)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // it is closed
			}
			sessions.Server().ServeConn(conn)
		}
	}()
}

// serve starts every backend on a listener of its own.
func serve(t testing.TB, listen func(target string) net.Listener) {
	for target, h := range map[string]http.Handler{"orders": orders(), "prices": prices(), "products": products()} {
		server, l := &http.Server{Handler: h}, listen(target)
		t.Cleanup(func() { _ = server.Close() })
		go func() { _ = server.Serve(l) }() // returns when it is closed
	}
	server, l := stock(), listen("stock")
	t.Cleanup(server.Stop)
	go func() { _ = server.Serve(l) }() // returns when it is stopped
	serveRedis(t, listen("sessions"))
}
