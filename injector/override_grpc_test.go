package injector_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// asked is a header of lines.
func asked(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Set(name, value)
	}
	return h
}

// A call asks for a status of its own, by our header or by Envoy's, and the
// upstream sees neither.
func TestOverrideGRPCStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		header  http.Header
		status  string
		message string // "": the upstream is asked
	}{
		{"ours", asked("X-Mockforge-Fault-Grpc-Status: 5"), "5", "NOT_FOUND that the request asked for in step step"},
		{"Envoy's", asked("x-envoy-fault-abort-grpc-request: 14"), "14", "UNAVAILABLE that the request asked for in step step"},
		{"the least", asked("x-envoy-fault-abort-grpc-request: 0"), "0", "OK that the request asked for in step step"},
		{"none that is known", asked("x-envoy-fault-abort-grpc-request: 99"), "99", "status 99 that the request asked for in step step"},
		{"the most", asked("x-envoy-fault-abort-grpc-request: 2147483647"), "2147483647", "status 2147483647 that the request asked for in step step"},
		{"too much", asked("x-envoy-fault-abort-grpc-request: 2147483648"), "0", ""},
		{"too little", asked("x-envoy-fault-abort-grpc-request: -1"), "0", ""},
		{"a name", asked("x-envoy-fault-abort-grpc-request: NOT_FOUND"), "0", ""},
		{"with HTTP's", asked("x-envoy-fault-abort-grpc-request: 14", "x-envoy-fault-abort-request: 404"), "5", "HTTP error that the request asked for in step step"},
		{"with one of HTTP that is none", asked("x-envoy-fault-abort-grpc-request: 14", "x-envoy-fault-abort-request: 99"), "14", "UNAVAILABLE that the request asked for in step step"},
		{"certainly not", asked("x-envoy-fault-abort-grpc-request: 14", "x-envoy-fault-abort-request-percentage: 0"), "0", ""},
	}
	for _, tt := range tests {
		for _, name := range callSeams {
			t.Run(tt.name+" "+name, func(t *testing.T) {
				t.Parallel()
				in := injector.New()
				in.Apply(faults(injector.FaultInjection{OverrideHeaders: true}))
				var calls atomic.Int64
				client, url := seam(t, name, in, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					calls.Add(1)
					for header := range r.Header {
						if strings.Contains(header, "-Fault-") {
							t.Error(header)
						}
					}
					echoes(w, r)
				}))
				r := call(t.Context(), client, url+payments, tt.header, "x")
				require.NoError(t, r.err)
				require.Equal(t, tt.status, r.status())
				require.Equal(t, tt.message, r.trailer.Get("Grpc-Message"))
				if tt.message == "" {
					require.EqualValues(t, 1, calls.Load())
					require.Empty(t, r.header.Get("X-Mockforge-Fault"))
					return
				}
				require.Zero(t, calls.Load())
				require.NotEmpty(t, r.header.Get("X-Mockforge-Fault"))
			})
		}
	}
}

// What is no call asks for no status of gRPC, and is rid of the header.
func TestOverrideGRPCStatusOfARequest(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(faults(injector.FaultInjection{OverrideHeaders: true}))
	saw := http.Header{}
	w := asking(in.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { saw = r.Header })), "/", injector.EnvoyHeaderGRPCStatus, "14")
	require.Equal(t, 200, w.Code)
	require.Empty(t, w.Header().Get("X-Mockforge-Fault"))
	require.Empty(t, saw)
}

// It stands in place of what was drawn, and is one of the faults that are
// limited and told to come again.
func TestOverrideGRPCStatusWithinTheSection(t *testing.T) {
	t.Parallel()
	for _, most := range []int{0, 1} {
		seen := &events{}
		in := injector.New(injector.WithObserver(seen))
		in.Apply(injector.Layer{Name: "step", Config: injector.Config{
			FaultInjection: &injector.FaultInjection{
				OverrideHeaders: true, RetryAfter: new(3 * time.Second), MaxActiveFaults: new(most), TimeoutProbability: new(1.0),
			},
			GRPC: &injector.GRPC{StatusCodes: []string{"INTERNAL"}, Probability: new(1.0)},
		}})
		client, url := seam(t, "handler", in, echoes)
		r := call(t.Context(), client, url+payments, asked("x-envoy-fault-abort-grpc-request: 7"), "x")
		require.NoError(t, r.err)
		ref := injector.LayerRef{Name: "step"}
		if most == 0 {
			require.Equal(t, "13", r.status())
			require.Equal(t, []injector.Decision{
				{Layer: ref, Kind: "grpc_status", Status: 7, Masked: true}, {Layer: ref, Kind: "timeout", Masked: true}, {Layer: ref, Kind: "grpc_status", Status: 13},
			}, seen.requests[0].Decisions)
			continue
		}
		require.Equal(t, "7", r.status())
		require.Equal(t, "3000", r.trailer.Get("Grpc-Retry-Pushback-Ms"))
		require.Equal(t, []injector.Decision{
			{Layer: ref, Kind: "grpc_status", Status: 7, Retry: 3 * time.Second},
			{Layer: ref, Kind: "timeout", Status: 504, Delay: 5 * time.Second, Masked: true},
			{Layer: ref, Kind: "grpc_status", Status: 13, Masked: true},
		}, seen.requests[0].Decisions)
		require.Equal(t, injector.KindGRPCStatus, seen.outcomes[0].Fault)
		require.False(t, seen.outcomes[0].Failed)
		// The same again, from a record.
		pinned := seen.requests[0]
		again := injector.New(injector.WithPins(func(*http.Request, string, string, []injector.LayerRef) *injector.Pin {
			return &injector.Pin{Layers: pinned.Layers, Decisions: pinned.Decisions}
		}))
		again.Apply(injector.Layer{Name: "step", Config: injector.Config{FaultInjection: &injector.FaultInjection{OverrideHeaders: true}}})
		client, url = seam(t, "handler", again, echoes)
		r = call(t.Context(), client, url+payments, nil, "x")
		require.Equal(t, "7", r.status())
		require.Equal(t, "3000", r.trailer.Get("Grpc-Retry-Pushback-Ms"))
	}
}
