package matrix_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/server"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A front is the standalone server on loopback, with a server of gRPC behind it
// and a client of grpc-go before it.
type front struct {
	*testing.T
	*server.Server
	desk     *desk
	upstream *grpc.Server
	conn     *grpc.ClientConn
}

func serveFront(t *testing.T, opts ...grpc.ServerOption) *front {
	t.Helper()
	f := &front{T: t, desk: &desk{pace: 10 * time.Millisecond}}
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f.upstream = f.desk.server(opts...)
	go func() { _ = f.upstream.Serve(upstream) }() // returns when the test stops it
	f.Server, err = server.New(server.Options{
		Chaos: true, Port: server.AnyPort, Upstream: "h2c://" + upstream.Addr().String(), Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	require.NoError(t, f.Listen())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Server.Run(ctx) }()
	f.conn, err = grpc.NewClient("passthrough:///"+strings.TrimPrefix(f.URL(), "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = f.conn.Close()
		cancel()
		require.NoError(t, <-ended)
		f.upstream.Stop()
	})
	return f
}

// config puts a standing config in force.
func (f *front) config(text string) {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), http.MethodPut, f.URL()+"/api/chaos/config", strings.NewReader(text))
	require.NoError(f, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(f, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(f, err)
	require.Equal(f, http.StatusOK, resp.StatusCode, "%s", answer)
	require.NotContains(f, string(answer), "nothing injects")
}

// The standalone server passes calls of every kind on, and what it injects is
// what a client of grpc-go understands.
func TestGRPCOverTheServer(t *testing.T) {
	t.Parallel()
	f := serveFront(t)
	for method, want := range map[string][]string{"Watch": {"a0", "a1", "a2"}, "Upload": {"2"}, "Chat": {"re: a", "re: b"}} {
		for _, config := range []string{`{"enabled": true}`, `{"latency": {"fixed_delay_ms": 1}, "grpc": {"probability": 1, "exclude": ["/matrix.Desk/*"]}}`} {
			f.config(config)
			sends := map[string][]string{"Watch": {"a"}}[method]
			if sends == nil {
				sends = []string{"a", "b"}
			}
			got, _, err := converse(f.Context(), f.conn, method, sends...)
			require.NoError(t, err, method)
			require.Equal(t, want, got)
		}
	}
	_, err := charge(t.Context(), f.conn, "bad")
	require.Equal(t, codes.InvalidArgument, status.Code(err), "the upstream's own")

	tests := []struct {
		config, method string
		code           codes.Code
		message        string
		gets           []string
	}{
		{`{"grpc": {"status_codes": [9], "probability": 1, "message": "100 % no"}}`, "Charge", codes.FailedPrecondition, "100 % no", nil},
		{`{"fault_injection": {"http_errors": [404], "http_error_probability": 1}}`, "Charge", codes.NotFound, "injected HTTP error 404 in step config", nil},
		{`{"fault_injection": {"timeout_errors": true, "timeout_probability": 1, "timeout_ms": 5}}`, "Chat", codes.DeadlineExceeded, "injected time-out in step config", nil},
		{`{"fault_injection": {"connection_errors": true, "connection_error_probability": 1, "connection_error_kind": "tcp_reset"}}`, "Charge", codes.Internal, "stream terminated by RST_STREAM with error code: INTERNAL_ERROR", nil},
		{`{"grpc": {"stream_interruption_probability": 1, "interrupt_after_messages": [1, 1]}}`, "Charge", codes.Unavailable, "injected stream interruption in step config", nil},
		{`{"grpc": {"stream_interruption_probability": 1, "interrupt_after_messages": [3, 3]}}`, "Watch", codes.Unavailable, "injected stream interruption in step config", []string{"a0", "a1"}},
		{`{"grpc": {"stream_interruption_probability": 1, "interrupt_after_messages": [2, 2]}}`, "Upload", codes.Unavailable, "injected stream interruption in step config", nil},
		{`{"grpc": {"stream_interruption_probability": 1, "interrupt_after_messages": [4, 4], "interruption_status": "ABORTED"}}`, "Chat", codes.Aborted, "injected stream interruption in step config", []string{"re: a", "re: b"}},
		{`{"grpc": {"stream_interruption_probability": 1, "interrupt_after_messages": [2, 2], "interruption_status": "reset"}}`, "Watch", codes.Internal, "stream terminated by RST_STREAM with error code: INTERNAL_ERROR", []string{"a0"}},
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, tt := range tests {
		f.config(tt.config)
		var got []string
		var err error
		switch tt.method {
		case "Charge":
			_, err = charge(ctx, f.conn, "x")
		case "Watch":
			got, _, err = converse(ctx, f.conn, "Watch", "a")
		default:
			got, _, err = converse(ctx, f.conn, tt.method, "a", "b", "c")
		}
		require.Equal(t, tt.code.String(), status.Code(err).String(), "%s: %v", tt.config, err)
		require.Equal(t, tt.message, status.Convert(err).Message(), tt.config)
		require.Equal(t, tt.gets, got, tt.config)
	}
}

// Both directions stream at once: each message is there before the next is
// sent, so that one that is held back anywhere makes the test stand still.
func TestGRPCStreamsOverTheServer(t *testing.T) {
	t.Parallel()
	f := serveFront(t)
	for _, config := range []string{
		`{"enabled": true}`,
		`{"grpc": {"stream_interruption_probability": 1, "interrupt_after_messages": [1000, 1000]}, "circuit_breaker": {}}`,
		`{"fault_injection": {"payload_corruption": true, "payload_corruption_probability": 1}, "grpc": {}}`,
		`{"traffic_shaping": {"bandwidth_limit_bps": 1000000}}`,
	} {
		f.config(config)
		ctx, cancel := context.WithCancel(t.Context())
		var header metadata.MD
		stream, err := f.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/matrix.Desk/Chat", grpc.Header(&header))
		require.NoError(t, err)
		for i := range 20 {
			require.NoError(t, stream.SendMsg(wrapperspb.String(fmt.Sprint(i))))
			out := new(text)
			if err := stream.RecvMsg(out); strings.Contains(config, "corruption") {
				require.ErrorContains(t, err, "unmarshal", "the first byte of all")
				break
			} else {
				require.NoError(t, err, config)
			}
			require.Equal(t, fmt.Sprint("re: ", i), out.Value)
		}
		cancel() // the upstream's handler is told
	}
	require.Eventually(t, func() bool { return f.desk.canceled.Load() == 4 }, time.Minute, time.Millisecond)
}

// A deadline that is shorter than what was injected is the client's own.
func TestGRPCDeadlineOverTheServer(t *testing.T) {
	t.Parallel()
	f := serveFront(t)
	for _, config := range []string{`{"latency": {"fixed_delay_ms": 3600000}}`, `{"grpc": {"probability": 1, "delay_ms": 3600000}}`} {
		f.config(config)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := charge(ctx, f.conn, "x")
		cancel()
		require.Equal(t, codes.DeadlineExceeded, status.Code(err))
	}
	require.Zero(t, f.desk.calls.Load())
}
