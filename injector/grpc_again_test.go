package injector_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// chaotic is a layer in which all that concerns calls acts.
func chaotic() injector.Layer {
	return injector.Layer{Name: "chaos", Config: injector.Config{
		CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 2, Timeout: time.Millisecond, SuccessThreshold: 1},
		FaultInjection: &injector.FaultInjection{HTTPErrors: []int{429, 503}, HTTPErrorProbability: new(0.3), OverrideHeaders: true},
		GRPC: &injector.GRPC{
			StatusCodes: []string{"14", "NOT_FOUND"}, Probability: new(0.3), Delay: new(100 * time.Microsecond),
			StreamInterruptionProbability: new(0.3), Methods: []string{"/shop.Payments/*"}, Exclude: []string{"/shop.Payments/Refund"},
		},
	}}
}

// From the journal alone, the same decisions come again: its requests say that
// they were calls, and of which method. The clients' pauses are of virtual time:
// how many calls come while the breaker is open is no affair of the machine.
func TestCallsFollowFromTheJournal(t *testing.T) {
	t.Parallel()
	book := &notebook{}
	synctestCalls(t, echoes, []injector.Option{injector.WithSeed(5), injector.InOrder(), injector.WithObserver(book)}, func(w *world) {
		defer w.in.Apply(chaotic())()
		var all sync.WaitGroup
		for c := range 4 {
			all.Go(func() {
				time.Sleep(time.Duration(c) * 70 * time.Microsecond)
				for i := range 50 {
					method := []string{payments, "/shop.Payments/Refund", "/shop.Carts/Get"}[(i+c)%3]
					var header http.Header
					if i%5 == 0 {
						header = asked("x-envoy-fault-abort-grpc-request: 6", "x-envoy-fault-abort-request-percentage: 50")
					}
					call(w.Context(), w.client, "http://test"+method, header, "x")
					time.Sleep(300 * time.Microsecond)
				}
			})
		}
		all.Wait()
	})
	kinds := map[string]int{}
	for _, n := range book.notes {
		if r, ok := n.(injector.Request); ok {
			require.Equal(t, injector.ProtocolGRPC, r.Protocol)
			for _, d := range r.Decisions {
				kinds[fmt.Sprint(d.Kind, " ", d.Masked)]++
				if d.Status == 6 {
					kinds["asked"]++
				}
			}
		}
	}
	for _, k := range []string{"http_error false", "grpc_status false", "grpc_status true", "stream_interruption false", "stream_interruption true", "circuit_breaker false", "asked"} {
		require.Positive(t, kinds[k], "%s of %v", k, kinds)
	}
	decisions, transitions := book.again(t, 5, map[string]injector.Layer{"chaos": chaotic()})
	require.Greater(t, decisions, 40)
	require.Positive(t, transitions)
}

// What was decided for a call is done again to another one.
func TestPinnedCalls(t *testing.T) {
	t.Parallel()
	always := new(1.0)
	tests := map[string]injector.Config{
		"status":       {GRPC: &injector.GRPC{StatusCodes: []string{"3", "5", "7", "14"}, Probability: always, Delay: new(time.Second)}},
		"message":      {GRPC: &injector.GRPC{Probability: always, Message: "gone"}},
		"http error":   {FaultInjection: &injector.FaultInjection{HTTPErrors: []int{400, 404, 503}, HTTPErrorProbability: always}},
		"time-out":     {FaultInjection: &injector.FaultInjection{TimeoutProbability: always}},
		"interruption": {GRPC: &injector.GRPC{StreamInterruptionProbability: always, InterruptAfterMessages: [2]int{1, 5}}},
		"reset":        {GRPC: &injector.GRPC{StreamInterruptionProbability: always, InterruptionStatus: "reset"}},
	}
	for name, config := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			layer := injector.Layer{Name: "step", Config: config}
			type seen struct {
				callResult
				failed string
				took   time.Duration
			}
			look := func(w *world) (s seen) {
				start := time.Now()
				s.callResult = call(context.Background(), w.client, "http://test"+payments, nil, "x")
				s.took = time.Since(start).Round(time.Microsecond)
				if s.err != nil {
					s.failed, s.err = "reset", nil // its text has the stream's number
				}
				s.header.Del("Date")
				return s
			}
			was, now := &events{}, &events{}
			var first, second seen
			synctestCalls(t, watch, []injector.Option{injector.WithSeed(1), injector.InOrder(), injector.WithObserver(was)}, func(w *world) {
				defer w.in.Apply(layer)()
				for range 4 {
					first = look(w)
				}
			})
			recorded := was.requests[3]
			pins := func(*http.Request, string, string, []injector.LayerRef) *injector.Pin {
				return &injector.Pin{Layers: recorded.Layers, Decisions: recorded.Decisions}
			}
			synctestCalls(t, watch, []injector.Option{injector.WithSeed(1), injector.WithObserver(now), injector.WithPins(pins)}, func(w *world) {
				defer w.in.Apply(layer)()
				second = look(w)
			})
			require.Equal(t, first, second)
			require.Equal(t, recorded.Decisions, now.requests[0].Decisions)
			require.Equal(t, was.outcomes[3].Fault, now.outcomes[0].Fault)
			require.NotEmpty(t, now.outcomes[0].Fault)
		})
	}
}

// Calls without a pin go on where the pinned ones left the rule.
func TestPinsCountCalls(t *testing.T) {
	t.Parallel()
	seen := &events{}
	n := 0
	pins := func(*http.Request, string, string, []injector.LayerRef) *injector.Pin {
		if n++; n > 3 {
			return nil
		}
		return &injector.Pin{Layers: []injector.LayerRef{{Name: "step"}}}
	}
	synctestCalls(t, echoes, []injector.Option{injector.WithPins(pins), injector.WithObserver(seen)}, func(w *world) {
		defer w.in.Apply(grpcLayer(injector.GRPC{Probability: new(1.0), Methods: []string{payments}}))()
		for _, method := range []string{payments, "/other/Call", payments, payments} {
			call(context.Background(), w.client, "http://test"+method, nil, "x")
		}
	})
	require.Equal(t, uint64(2), seen.requests[3].Decisions[0].Ordinal)
}
