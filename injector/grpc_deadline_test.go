package injector_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// synctestCalls is virtual with a client of HTTP/2.
func synctestCalls(t *testing.T, h http.Handler, opts []injector.Option, f func(w *world)) {
	t.Helper()
	virtual(t, h, opts, func(w *world) {
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		w.client.Transport.(*http.Transport).Protocols = protocols
		f(w)
	})
}

// A wait ends when the client gives up: at once where it says so by leaving,
// and a little later where it only announced it.
func TestCallDeadlines(t *testing.T) {
	t.Parallel()
	hour := injector.Config{Latency: &injector.Latency{FixedDelay: time.Hour}}
	tests := []struct {
		name   string
		config injector.Config
		fault  string
	}{
		{"latency", hour, ""},
		{"timeout", injector.Config{FaultInjection: &injector.FaultInjection{TimeoutProbability: new(1.0), Timeout: new(time.Hour)}}, "timeout"},
		{"status", injector.Config{GRPC: &injector.GRPC{Probability: new(1.0), Delay: new(time.Hour)}}, "grpc_status"},
	}
	for _, tt := range tests {
		for _, leaves := range []bool{false, true} {
			t.Run(tt.name+map[bool]string{true: " leaves"}[leaves], func(t *testing.T) {
				t.Parallel()
				seen := &events{}
				asked := false
				upstream := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true })
				synctestCalls(t, upstream, []injector.Option{injector.WithObserver(seen)}, func(w *world) {
					w.in.Apply(injector.Layer{Name: "slow", Config: tt.config})
					ctx := context.Background()
					if leaves {
						var cancel func()
						ctx, cancel = context.WithTimeout(ctx, 250*time.Millisecond)
						defer cancel()
					}
					// The body is not read by then, and not sent either.
					body, _ := io.Pipe()
					req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://test"+payments, body)
					require.NoError(w, err)
					req.Header.Set("Content-Type", "application/grpc")
					req.Header.Set("Grpc-Timeout", "250m")
					resp, err := w.client.Do(req)
					if leaves {
						require.ErrorIs(w, err, context.DeadlineExceeded)
						require.Equal(w, 250*time.Millisecond, w.elapsed())
						synctest.Wait() // the server learns of it
						return
					}
					require.NoError(w, err)
					r := readCall(resp)
					require.Equal(w, "4", r.status())
					require.Equal(w, "the call's deadline of 250ms has passed", r.trailer.Get("Grpc-Message"))
					require.Equal(w, 251*time.Millisecond, w.elapsed())
				})
				require.False(t, asked)
				require.Len(t, seen.outcomes, 1)
				require.True(t, seen.outcomes[0].Canceled)
				require.Equal(t, tt.fault, seen.outcomes[0].Fault)
			})
		}
	}
}

// Nothing comes out of a partition, not even that it is late.
func TestDeadlineInAPartition(t *testing.T) {
	t.Parallel()
	synctestCalls(t, echoes, nil, func(w *world) {
		w.in.Apply(injector.Layer{Config: injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 100}}})
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		r := call(ctx, w.client, "http://test"+payments, http.Header{"Grpc-Timeout": {"1S"}}, "x")
		require.ErrorIs(w, r.err, context.DeadlineExceeded)
		require.Equal(w, time.Minute, w.elapsed())
	})
}

// A deadline that is not reached, or cannot be read, changes nothing.
func TestDeadlinesThatDoNotPass(t *testing.T) {
	t.Parallel()
	for _, timeout := range []string{"2S", "1H", "", "S", "1x", "123456789S", "-1S"} {
		synctestCalls(t, echoes, nil, func(w *world) {
			w.in.Apply(injector.Layer{Config: injector.Config{Latency: &injector.Latency{FixedDelay: time.Second}}})
			r := call(context.Background(), w.client, "http://test"+payments, http.Header{"Grpc-Timeout": {timeout}}, "x")
			require.Equal(w, "0", r.status(), timeout)
			require.Equal(w, time.Second, w.elapsed())
		})
	}
}
