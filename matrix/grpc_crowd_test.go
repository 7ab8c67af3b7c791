package matrix_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// crowd opens many streams on one connection, and calls that are held up with
// more of their messages than a window takes; then it makes a call, which must
// not wait for any of them. All of them end with ctx.
func crowd(ctx context.Context, t testing.TB, conn *grpc.ClientConn) (took time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	var held sync.WaitGroup
	defer held.Wait()
	defer cancel()
	open := func(method string) grpc.ClientStream {
		s, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/matrix.Desk/"+method)
		require.NoError(t, err)
		return s
	}
	for range 300 {
		s := open("Chat")
		require.NoError(t, s.SendMsg(wrapperspb.String("x")))
		require.NoError(t, s.RecvMsg(new(text)))
	}
	long := wrapperspb.String(strings.Repeat("x", 2<<20))
	for range 3 {
		s := open("Upload")
		held.Go(func() { _ = s.SendMsg(long) }) // it fails when the call ends
	}
	time.Sleep(200 * time.Millisecond) // the window is full
	start := time.Now()
	_, err := charge(ctx, conn, strings.Repeat("x", 100_000))
	require.NoError(t, err)
	return time.Since(start)
}

var holdUploads = injector.FaultInjection{
	TimeoutProbability: new(1.0), Timeout: new(time.Hour), RequestMatcher: &injector.RequestMatcher{Paths: []string{"/matrix.Desk/Upload"}},
}

// Calls on one connection do not wait for each other, on the server and in
// virtual time.
func TestGRPCCrowd(t *testing.T) {
	t.Parallel()
	f := serveFront(t)
	f.config(`{"fault_injection": {"timeout_probability": 1, "timeout_ms": 3600000, "request_matcher": {"paths": ["/matrix.Desk/Upload"]}}}`)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	crowd(ctx, t, f.conn)
}

func TestGRPCCrowdInVirtualTime(t *testing.T) {
	t.Parallel()
	onDesk(t, &desk{}, document(faulty("held", time.Minute, holdUploads)), func(step *chaostest.Step, conn *grpc.ClientConn) {
		require.Less(step, crowd(step.Context(), step, conn), 100*grid)
	})
}
