package multiprotocol_test

import (
	"context"
	"net"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/examples/multiprotocol"
)

// The documented pattern, all protocols at once: one orchestration, five
// clients, and each sees the errors of its own protocol and no others. It runs
// in virtual time, with the clients and servers that programs use.
func TestEveryProtocolAtOnce(t *testing.T) {
	run(t, chaostest.Setup(func(env *chaostest.Env) { serve(env, env.Listen) }))
}

// run takes a customer of each protocol through the document.
func run(t *testing.T, options ...chaostest.Option) {
	var c customers
	chaostest.Run(t, "testdata/multiprotocol.yaml", chaostest.ByName(map[string]func(*chaostest.Step){
		"http_chaos": c.order, "grpc_chaos": c.count, "websocket_chaos": c.watch, "graphql_chaos": c.browse, "tcp_chaos": c.login,
	}), append(options, chaostest.Setup(func(env *chaostest.Env) { c.Storefront = connect(env) }))...)
}

// connect makes the storefront's clients as a program would, but for how they
// reach the network: what speaks HTTP takes env.Client, what dials takes Dial.
// Nothing is tried twice, so that each call shows its error. The pauses between
// tries would be drawn at random by grpc-go and go-redis, and no two runs alike.
func connect(env *chaostest.Env) *multiprotocol.Storefront {
	orders, prices, products := env.Target("orders").URL, env.Target("prices").URL, env.Target("products").URL

	stock, err := grpc.NewClient("passthrough:///"+env.Target("stock").Addr, grpc.WithDisableRetry(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			return env.Target("stock").Dial(ctx, "tcp", addr)
		}))
	require.NoError(env, err)
	env.Cleanup(func() { _ = stock.Close() })

	sessions := redis.NewClient(&redis.Options{
		Addr: env.Target("sessions").Addr, Dialer: env.Target("sessions").Dial,
		MaxRetries:      -1,
		Protocol:        2,           // 3, the default, holds a lock over its handshake, which virtual time cannot pass
		ConnMaxLifetime: time.Second, // so that there are many connections to go wrong
		DialTimeout:     time.Minute, // no call fails for the client's impatience,
		ReadTimeout:     time.Minute, // however busy the machine is
	})
	env.Cleanup(func() { _ = sessions.Close() })

	return multiprotocol.New(env.Client(), orders, prices, products, stock, sessions)
}

// One seed, one run: however the goroutines of five libraries are scheduled,
// the event logs are equal. CHAOSTEST_CHECK does the same for any test.
func TestOneSeedOneRun(t *testing.T) { // not parallel: it sets a variable
	runs := 20
	if testing.Short() || raceDetector() {
		runs = 6
	}
	t.Setenv("CHAOSTEST_CHECK", strconv.Itoa(runs))
	TestEveryProtocolAtOnce(t)
}

// raceDetector says whether the race detector is on, which takes its time.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
