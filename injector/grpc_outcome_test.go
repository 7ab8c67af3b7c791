package injector_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// What an upstream says about a call is in its trailer, wherever it puts it.
func TestUpstreamsStatusDecidesOverFailure(t *testing.T) {
	t.Parallel()
	places := map[string]func(w http.ResponseWriter, code string){
		"trailer": func(w http.ResponseWriter, code string) {
			w.WriteHeader(http.StatusOK)
			endCall(w, code, "")
		},
		"announced trailer": func(w http.ResponseWriter, code string) {
			w.Header().Set("Trailer", "Grpc-Status")
			_, _ = w.Write(message("x"))
			w.Header().Set("Grpc-Status", code)
		},
		"header": func(w http.ResponseWriter, code string) { w.Header().Set("Grpc-Status", code) },
		"nowhere": func(w http.ResponseWriter, _ string) {
			w.Header().Set("Content-Type", "application/grpc")
			_, _ = w.Write(message("x"))
		},
		"no gRPC": func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusBadGateway) },
		"refused": func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusForbidden) },
	}
	for place, end := range places {
		for _, name := range callSeams {
			t.Run(place+" "+name, func(t *testing.T) {
				t.Parallel()
				seen := &events{}
				in := injector.New(injector.WithObserver(seen))
				client, url := seam(t, name, in, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { end(w, r.Header.Get("X-Want")) }))
				got := ""
				for code := range 18 {
					call(t.Context(), client, url+payments, http.Header{"X-Want": {fmt.Sprint(code)}}, "x")
					require.Eventually(t, func() bool { return seen.done() == code+1 }, 10*time.Second, time.Millisecond)
					got += map[bool]string{true: "1", false: "0"}[seen.outcomes[code].Failed]
				}
				want := "001010000000111101" // 17 is no status
				switch place {
				case "nowhere", "no gRPC":
					want = "111111111111111111"
				case "refused":
					want = "000000000000000000"
				}
				require.Equal(t, want, got)
			})
		}
	}
}

// A call whose body was replaced has no trailer: whatever the upstream says in
// it, the client sees a failure.
func TestReplacedBodyOfACallIsAFailure(t *testing.T) {
	t.Parallel()
	for _, name := range callSeams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := &events{}
			in := injector.New(injector.WithObserver(seen))
			in.Apply(injector.Layer{Config: injector.Config{FaultInjection: &injector.FaultInjection{Rewrite: &injector.Rewrite{Body: new(string(message("instead"))), Probability: new(1.0)}}}})
			client, url := seam(t, name, in, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Trailer", "Grpc-Status")
				_, _ = w.Write(message("x"))
				w.Header().Set("Grpc-Status", "0")
			}))
			require.Empty(t, call(t.Context(), client, url+payments, nil, "x").status())
			require.Eventually(t, func() bool { return seen.done() == 1 }, 10*time.Second, time.Millisecond)
			require.True(t, seen.outcomes[0].Failed)
		})
	}
}

// A breaker counts the statuses of an upstream, and those that were injected.
func TestBreakerUnderstandsGRPC(t *testing.T) {
	t.Parallel()
	for _, name := range callSeams {
		for _, code := range []string{"0", "5", "8", "13", "14"} {
			fails := code == "13" || code == "14"
			for _, injected := range []bool{false, true} {
				t.Run(fmt.Sprint(name, " ", code, " injected ", injected), func(t *testing.T) {
					t.Parallel()
					config := injector.Config{CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 3}}
					if injected {
						config.GRPC = &injector.GRPC{StatusCodes: []string{code}, Probability: new(1.0)}
					}
					in := injector.New()
					in.Apply(injector.Layer{Config: config})
					client, url := seam(t, name, in, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
						endCall(w, code, "")
					}))
					for range 3 {
						require.Equal(t, code, call(t.Context(), client, url+payments, nil, "x").status())
					}
					state := func() string { s, _ := in.BreakerState("default"); return s }
					if fails {
						require.Eventually(t, func() bool { return state() == "open" }, 10*time.Second, time.Millisecond)
						return
					}
					require.Equal(t, code, call(t.Context(), client, url+payments, nil, "x").status())
					require.Equal(t, "closed", state())
				})
			}
		}
	}
}

// Interruptions count as failures by the status that they end with.
func TestBreakerCountsInterruptions(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]string{"UNAVAILABLE": "open", "reset": "open", "CANCELLED": "closed"} {
		in := injector.New()
		g := interruption(1)
		g.InterruptionStatus = status
		in.Apply(injector.Layer{Config: injector.Config{CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 2}, GRPC: &g}})
		client, url := seam(t, "handler", in, unary)
		for range 2 {
			call(t.Context(), client, url+payments, nil, "x")
		}
		require.Eventually(t, func() bool { s, _ := in.BreakerState("default"); return s == want }, 10*time.Second, time.Millisecond, status)
	}
}
