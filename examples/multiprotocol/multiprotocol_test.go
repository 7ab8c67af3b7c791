package multiprotocol_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/examples/multiprotocol"
)

// All protocols at once: one orchestration, five clients, and each sees the
// errors of its own protocol and no others. It runs in virtual time, with the
// clients and servers that programs use.
func TestEveryProtocolAtOnce(t *testing.T) {
	var front *multiprotocol.Storefront
	chaostest.Run(t, "testdata/multiprotocol.yaml", chaostest.ByName(customers(&front)), chaostest.Setup(func(env *chaostest.Env) {
		serve(env, env.Listen)
		front = connect(env)
	}))
}

// connect makes the storefront's clients as a program would, but for how they
// reach the network.
func connect(env *chaostest.Env) *multiprotocol.Storefront {
	dial := func(target string) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, network, _ string) (net.Conn, error) {
			return env.Target(target).Dial(ctx, network, "")
		}
	}
	stock, err := grpc.NewClient("passthrough:///stock",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dial("stock")(ctx, "tcp", "") }))
	require.NoError(env, err)
	env.Cleanup(func() { _ = stock.Close() })
	sessions := redis.NewClient(&redis.Options{
		Dialer: dial("sessions"), Protocol: 2, DisableIdentity: true,
		MaxRetries: -1, ConnMaxLifetime: time.Second, // so that there are many connections
	})
	env.Cleanup(func() { _ = sessions.Close() })
	return multiprotocol.New(env.Client(), env.Target("orders").URL, env.Target("prices").URL, env.Target("products").URL, stock, sessions)
}

// customers drive one client each, and check what it saw.
func customers(front **multiprotocol.Storefront) map[string]func(*chaostest.Step) {
	return map[string]func(*chaostest.Step){
		"http_chaos": func(step *chaostest.Step) {
			var seen seen
			step.Load(20, func(ctx context.Context) error {
				_, err := (*front).Order(ctx, "42")
				known := ""
				if code, ok := errors.AsType[multiprotocol.StatusError](err); ok {
					known = fmt.Sprint(int(code))
				}
				return seen.as(known, err)
			})
			seen.requireOnly(step, "500", "503")
		},
		"grpc_chaos": func(step *chaostest.Step) {
			var seen seen
			step.Load(20, func(ctx context.Context) error {
				_, err := (*front).Stock(ctx, "42")
				return seen.as(status.Code(err).String(), err)
			})
			seen.requireOnly(step, "Unavailable", "ResourceExhausted")
		},
		"websocket_chaos": func(step *chaostest.Step) {
			var seen seen
			step.Load(5, func(ctx context.Context) error {
				prices, err := (*front).Prices(ctx, "42", 5)
				known := ""
				if end, ok := errors.AsType[websocket.CloseError](err); ok && end.Reason == "the feed restarts" {
					known = end.Code.String()
				}
				err = seen.as(known, err)
				if n := len(prices); n > 0 {
					seen.also("lost prices", prices[n-1].N-(n-1))
				}
				return err
			})
			seen.requireOnly(step, "StatusServiceRestart", "lost prices")
		},
		"graphql_chaos": func(step *chaostest.Step) {
			var seen seen
			step.Load(20, func(ctx context.Context) error {
				product, err := (*front).Product(ctx, "42")
				known := ""
				switch {
				case err == nil || !strings.Contains(err.Error(), "graphql_chaos"): // messages say which step it was
				case product.Name != "" && product.Rating == nil:
					known = "no rating"
				case product.Name == "":
					known = "no product"
				}
				return seen.as(known, err)
			})
			seen.requireOnly(step, "no rating", "no product")
		},
		"tcp_chaos": func(step *chaostest.Step) {
			var seen seen
			step.Load(20, func(ctx context.Context) error {
				user, err := (*front).User(ctx, "42")
				if err == nil && user != "ada" {
					return seen.as("", fmt.Errorf("the session is of %q", user))
				}
				known := ""
				if errors.Is(err, syscall.ECONNRESET) {
					known = "reset"
				}
				return seen.as(known, err)
			})
			seen.requireOnly(step, "reset")
		},
	}
}
