package matrix_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// goingConfigs are standing configs that let every call of the tests pass.
var goingConfigs = []string{
	`{"enabled": true}`,
	`{"latency": {"fixed_delay_ms": 5}, "grpc": {"probability": 1, "exclude": ["/matrix.Desk/*"]}}`,
	`{"grpc": {"stream_interruption_probability": 1, "interrupt_after_messages": [1000, 1000]}, "circuit_breaker": {}}`,
}

// connections counts those of a server.
type connections struct{ n atomic.Int64 }

func (*connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (*connections) HandleRPC(context.Context, stats.RPCStats)                         {}
func (*connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (c *connections) HandleConn(_ context.Context, s stats.ConnStats) {
	if _, ok := s.(*stats.ConnBegin); ok {
		c.n.Add(1)
	}
}

// A server that lets no connection grow old takes nothing from calls that pass
// the standalone server.
func TestGRPCConnectionAge(t *testing.T) {
	t.Parallel()
	for _, config := range goingConfigs {
		seen := &connections{}
		f := serveFront(t, grpc.StatsHandler(seen), grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: 50 * time.Millisecond, MaxConnectionAgeGrace: time.Minute,
		}))
		f.config(config)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var clients sync.WaitGroup
		for client := range 8 {
			clients.Go(func() {
				for seen.n.Load() < 20 && ctx.Err() == nil {
					var err error
					switch client % 4 {
					case 0:
						_, _, err = converse(ctx, f.conn, "Chat", "a", "b", "c")
					case 1:
						_, _, err = converse(ctx, f.conn, "Watch", "a")
					default:
						_, err = charge(ctx, f.conn, "x")
					}
					if err != nil {
						t.Errorf("%s: %v", config, err)
						return
					}
				}
			})
		}
		clients.Wait()
	}
}

// A call is told where its connection behind the server ends, though neither side
// of it says anything.
func TestGRPCConnectionEnds(t *testing.T) {
	t.Parallel()
	f := serveFront(t, grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: 50 * time.Millisecond, MaxConnectionAgeGrace: 50 * time.Millisecond}))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, config := range goingConfigs {
		f.config(config)
		stream, err := f.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/matrix.Desk/Chat")
		require.NoError(t, err)
		require.NoError(t, stream.SendMsg(wrapperspb.String("a")))
		for err == nil {
			err = stream.RecvMsg(new(text))
		}
		require.Equal(t, codes.Internal, status.Code(err), "%s: %v", config, err)
	}
}

// A server that stops in order lets its calls end, and takes no others.
func TestGRPCGracefulStop(t *testing.T) {
	t.Parallel()
	f := serveFront(t)
	f.config(goingConfigs[2])
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	stream, err := f.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/matrix.Desk/Chat")
	require.NoError(t, err)
	say := func() {
		require.NoError(t, stream.SendMsg(wrapperspb.String("a")))
		require.NoError(t, stream.RecvMsg(new(text)))
	}
	say()
	stopped := make(chan struct{})
	go func() {
		f.upstream.GracefulStop()
		close(stopped)
	}()
	for err = nil; err == nil; _, err = charge(ctx, f.conn, "x") {
	}
	require.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
	say()
	require.NoError(t, stream.CloseSend())
	require.ErrorContains(t, stream.RecvMsg(new(text)), "EOF")
	<-stopped
}

// An idle connection whose client asks again and again whether it is alive
// stays open whatever the layers do.
func TestGRPCKeepalive(t *testing.T) {
	t.Parallel()
	o := document(slow("slow", 200*time.Millisecond, time.Hour), quiet("quiet", time.Hour),
		calls("errors", time.Hour, injector.GRPC{StatusCodes: []string{"UNAVAILABLE"}, Probability: new(1.0)}))
	var conn *grpc.ClientConn
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		for range 3 {
			time.Sleep(10 * time.Minute)
			_, err := charge(step.Context(), conn, "x")
			if step.Spec.Name == "errors" {
				require.Equal(step, codes.Unavailable, status.Code(err))
			} else {
				require.NoError(step, err)
			}
		}
	}, chaostest.Setup(func(env *chaostest.Env) {
		env.Serve("default", (&desk{}).server())
		conn = dialed(env, grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: time.Second, PermitWithoutStream: true}))
	}))
}
