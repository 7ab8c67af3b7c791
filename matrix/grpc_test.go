package matrix_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// dialed is a client of grpc-go on the network of a run.
func dialed(env *chaostest.Env, opts ...grpc.DialOption) *grpc.ClientConn {
	target := env.Target("default")
	conn, err := grpc.NewClient("passthrough:///desk", append(opts,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return target.Dial(ctx, "tcp", "") }),
	)...)
	require.NoError(env, err)
	env.Cleanup(func() { _ = conn.Close() })
	return conn
}

// calls is a step with a section of gRPC.
func calls(name string, length time.Duration, g injector.GRPC) orchestrator.Step {
	return orchestrator.Step{Name: name, Duration: length, Scenario: orchestrator.Scenario{Config: &injector.Config{GRPC: &g}}}
}

// faulty is a step with one fault of HTTP.
func faulty(name string, length time.Duration, f injector.FaultInjection) orchestrator.Step {
	return orchestrator.Step{Name: name, Duration: length, Scenario: orchestrator.Scenario{Config: &injector.Config{FaultInjection: &f}}}
}

// onDesk runs an orchestration with a desk behind the chaos and a client of
// grpc-go in front of it.
func onDesk(t *testing.T, d *desk, o orchestrator.Orchestration, body func(step *chaostest.Step, conn *grpc.ClientConn), opts ...chaostest.Option) {
	t.Helper()
	var conn *grpc.ClientConn
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) { body(step, conn) },
		append(opts, chaostest.Setup(func(env *chaostest.Env) {
			env.Serve("default", d.server())
			conn = dialed(env)
		}))...)
}

// Calls of every kind pass through, and see the statuses that were drawn.
func TestGRPC(t *testing.T) {
	t.Parallel()
	d := &desk{pace: 100 * time.Millisecond}
	always := new(1.0)
	o := document(
		quiet("quiet", time.Second),
		slow("slow", 200*time.Millisecond, 20*time.Second),
		calls("errors", 20*time.Second, injector.GRPC{StatusCodes: []string{"UNAVAILABLE", "8"}, Probability: new(0.2), Delay: new(50 * time.Millisecond)}),
		calls("methods", time.Second, injector.GRPC{Probability: always, Methods: []string{"/matrix.Desk/*"}, Exclude: []string{"/matrix.Desk/Watch"}}),
	)
	onDesk(t, d, o, func(step *chaostest.Step, conn *grpc.ClientConn) {
		switch step.Spec.Name {
		case "quiet":
			got, err := charge(step.Context(), conn, "10")
			require.NoError(step, err)
			require.Equal(step, "charged 10", got)
			_, err = charge(step.Context(), conn, "bad")
			require.Equal(step, codes.InvalidArgument, status.Code(err))
			for method, want := range map[string][]string{"Watch": {"a0", "a1", "a2"}, "Upload": {"2"}, "Chat": {"re: a", "re: b"}} {
				sends := []string{"a", "b"}
				if method == "Watch" {
					sends = sends[:1]
				}
				got, _, err := converse(step.Context(), conn, method, sends...)
				require.NoError(step, err, method)
				require.Equal(step, want, got)
			}
		case "slow":
			step.Load(10, func(ctx context.Context) error {
				_, err := charge(ctx, conn, "x")
				return err
			})
			step.Expect(assert.Operations().Equal(200), assert.ErrorRate().Equal(0), assert.Server(assert.ErrorRate().Equal(0)),
				assert.Max().AtMost(200*time.Millisecond), assert.Latency(0.01).AtLeast(200*time.Millisecond-grid))
		case "errors":
			before := d.calls.Load()
			var seen sync.Map
			step.Load(10, func(ctx context.Context) error {
				var header, trailer metadata.MD
				start := time.Now()
				_, err := charge(ctx, conn, "x", grpc.Header(&header), grpc.Trailer(&trailer))
				if err != nil {
					seen.Store(status.Code(err), true)
					if fault := trailer.Get("x-mockforge-fault"); !slices.Equal(fault, []string{"grpc_status"}) {
						step.Errorf("metadata %v, want the fault", trailer)
					}
					if text := fmt.Sprintf("injected %s in step errors", name(err)); status.Convert(err).Message() != text {
						step.Errorf("message %q, want %q", status.Convert(err).Message(), text)
					}
					if d := time.Since(start); d > 50*time.Millisecond+grid || d < 50*time.Millisecond-grid {
						step.Errorf("an error after %v, want 50ms", d)
					}
				}
				return err
			})
			step.Expect(assert.ErrorRate().Equal(0.2), assert.InjectedCount("grpc_status").Equal(40), assert.MustParse("injected.grpc_status ~ 20%"),
				assert.Server(assert.ErrorRate().Between(0.05, 0.15)), // UNAVAILABLE is the server's failure, RESOURCE_EXHAUSTED is not
				assert.Func("calls that arrive", func(assert.Results) error {
					if n := d.calls.Load() - before; n != 160 {
						return fmt.Errorf("%d, want 160", n)
					}
					return nil
				}))
			step.Cleanup(func() {
				for _, code := range []codes.Code{codes.Unavailable, codes.ResourceExhausted} {
					if _, ok := seen.Load(code); !ok {
						step.Errorf("%v was never seen", code)
					}
				}
			})
		case "methods":
			_, _, err := converse(step.Context(), conn, "Watch", "a")
			require.NoError(step, err)
			for _, method := range []string{"Upload", "Chat"} {
				_, _, err := converse(step.Context(), conn, method, "a")
				require.Equal(step, codes.Unavailable, status.Code(err), method)
			}
		}
	})
}

func name(err error) string {
	return map[codes.Code]string{codes.Unavailable: "UNAVAILABLE", codes.ResourceExhausted: "RESOURCE_EXHAUSTED"}[status.Code(err)]
}

// What the faults of HTTP are to a client of grpc-go.
func TestGRPCTranslation(t *testing.T) {
	t.Parallel()
	always := new(1.0)
	long := 10 * time.Second
	tests := []struct {
		step    orchestrator.Step
		code    codes.Code
		message string
		took    time.Duration
	}{
		{faulty("http_error", time.Second, injector.FaultInjection{HTTPErrors: []int{403}, HTTPErrorProbability: always}), codes.PermissionDenied, "injected HTTP error 403 in step http_error", 0},
		{faulty("bad_gateway", time.Second, injector.FaultInjection{HTTPErrors: []int{502}, HTTPErrorProbability: always}), codes.Unknown, "injected HTTP error 502 in step bad_gateway", 0},
		{faulty("http503", time.Second, injector.FaultInjection{ConnectionErrorProbability: always}), codes.Unavailable, "injected connection error in step http503", 0},
		{faulty("timeout", long, injector.FaultInjection{TimeoutProbability: always, Timeout: new(2 * time.Second)}), codes.DeadlineExceeded, "injected time-out in step timeout", 2 * time.Second},
		{faulty("reset", time.Second, injector.FaultInjection{ConnectionErrorProbability: always, ConnectionErrorKind: injector.TCPReset}), codes.Internal, "stream terminated by RST_STREAM with error code: INTERNAL_ERROR", 0},
		{faulty("close", time.Second, injector.FaultInjection{ConnectionErrorProbability: always, ConnectionErrorKind: injector.TCPClose}), codes.Internal, "stream terminated by RST_STREAM with error code: INTERNAL_ERROR", 0},
		{faulty("partial", time.Second, injector.FaultInjection{PartialResponseProbability: always}), codes.Internal, "stream terminated by RST_STREAM with error code: INTERNAL_ERROR", 0},
		{faulty("truncate", time.Second, injector.FaultInjection{PayloadCorruptionProbability: always, CorruptionType: injector.Truncate}), codes.Internal, "", 0},
	}
	var steps []orchestrator.Step
	for _, tt := range tests {
		steps = append(steps, tt.step)
	}
	onDesk(t, &desk{}, document(steps...), func(step *chaostest.Step, conn *grpc.ClientConn) {
		tt := tests[slices.IndexFunc(steps, func(s orchestrator.Step) bool { return s.Name == step.Spec.Name })]
		start := time.Now()
		_, err := charge(step.Context(), conn, "x")
		require.Equal(step, tt.code.String(), status.Code(err).String(), "%v", err)
		if tt.message != "" {
			require.Equal(step, tt.message, status.Convert(err).Message())
		}
		require.InDelta(step, float64(tt.took), float64(time.Since(start)), float64(3*grid))
	})
}

// Corruption changes what a message says, not where it ends: grpc-go reads it,
// and the message's own decoder decides.
func TestGRPCCorruption(t *testing.T) {
	t.Parallel()
	o := document(faulty("noise", time.Minute, injector.FaultInjection{PayloadCorruptionProbability: new(1.0), CorruptionType: injector.BitFlip}))
	onDesk(t, &desk{}, o, func(step *chaostest.Step, conn *grpc.ClientConn) {
		ends := map[string]int{}
		long := strings.Repeat("long ", 40)
		for range 50 {
			got, err := charge(step.Context(), conn, long)
			switch {
			case err == nil:
				require.NotEqual(step, "charged "+long, got)
				ends["read"]++
			default:
				require.Equal(step, codes.Internal, status.Code(err))
				require.Contains(step, err.Error(), "unmarshal", "the frame itself is whole")
				ends["unreadable"]++
			}
		}
		require.Equal(step, 50, ends["read"]+ends["unreadable"])
	})
}

// A client's deadline ends what it waits for, at once and with its own error.
func TestGRPCDeadlines(t *testing.T) {
	t.Parallel()
	d := &desk{pace: time.Minute}
	o := document(
		slow("latency", time.Hour, time.Minute),
		faulty("timeout", time.Minute, injector.FaultInjection{TimeoutProbability: new(1.0), Timeout: new(time.Hour)}),
		calls("status", time.Minute, injector.GRPC{Probability: new(1.0), Delay: new(time.Hour)}),
		quiet("upstream", time.Minute),
	)
	onDesk(t, d, o, func(step *chaostest.Step, conn *grpc.ClientConn) {
		before := d.calls.Load()
		for _, method := range []string{"Charge", "Watch", "Upload", "Chat"} {
			if step.Spec.Name == "upstream" && method != "Watch" {
				continue // they would not wait
			}
			ctx, cancel := context.WithTimeout(step.Context(), 300*time.Millisecond)
			start := time.Now()
			var err error
			if method == "Charge" {
				_, err = charge(ctx, conn, "x")
			} else {
				_, _, err = converse(ctx, conn, method, "x")
			}
			cancel()
			require.Equal(step, codes.DeadlineExceeded, status.Code(err), "%s: %v", method, err)
			require.Equal(step, "context deadline exceeded", status.Convert(err).Message(), "the client's own")
			require.Equal(step, 300*time.Millisecond, time.Since(start), method)
			time.Sleep(10 * time.Millisecond)
		}
		if step.Spec.Name == "upstream" {
			require.EqualValues(step, 1, d.canceled.Load(), "the upstream's handler is told")
			return
		}
		require.Equal(step, before, d.calls.Load(), "the upstream was not asked")
	})
}

// Streams are broken off after as many messages as were drawn.
func TestGRPCInterruption(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method string
		sends  []string
		after  int
		want   []string
		spared bool
	}{
		{"Charge", []string{"x"}, 1, nil, false},
		{"Charge", []string{"x"}, 3, []string{"charged x"}, true},
		{"Watch", []string{"a"}, 1, nil, false},
		{"Watch", []string{"a"}, 3, []string{"a0", "a1"}, false},
		{"Watch", []string{"a"}, 5, []string{"a0", "a1", "a2"}, true},
		{"Upload", []string{"a", "b", "c"}, 2, nil, false},
		{"Upload", []string{"a", "b", "c"}, 5, []string{"3"}, true},
		{"Chat", []string{"a", "b", "c"}, 2, []string{"re: a"}, false},
		{"Chat", []string{"a", "b", "c"}, 5, []string{"re: a", "re: b"}, false},
		{"Chat", []string{"a", "b", "c"}, 7, []string{"re: a", "re: b", "re: c"}, true},
	}
	for _, how := range []string{"ABORTED", "reset"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			var steps []orchestrator.Step
			for i, tt := range tests {
				steps = append(steps, calls(fmt.Sprintf("%d %s", i, tt.method), 10*time.Second, injector.GRPC{
					StreamInterruptionProbability: new(1.0), InterruptAfterMessages: [2]int{tt.after, tt.after}, InterruptionStatus: how,
				}))
			}
			d := &desk{pace: 100 * time.Millisecond}
			canceled := int64(0)
			onDesk(t, d, document(steps...), func(step *chaostest.Step, conn *grpc.ClientConn) {
				tt := tests[slices.IndexFunc(steps, func(s orchestrator.Step) bool { return s.Name == step.Spec.Name })]
				var got []string
				var trailer metadata.MD
				var err error
				if tt.method == "Charge" {
					var one string
					if one, err = charge(step.Context(), conn, tt.sends[0], grpc.Trailer(&trailer)); one != "" {
						got = []string{one}
					}
				} else {
					got, trailer, err = converse(step.Context(), conn, tt.method, tt.sends...)
				}
				require.Equal(step, tt.want, got, step.Spec.Name)
				time.Sleep(time.Second)
				if tt.spared {
					require.NoError(step, err, step.Spec.Name)
					step.Expect(assert.InjectedCount("stream_interruption").Equal(0), assert.Server(assert.ErrorRate().Equal(0)))
					return
				}
				want := map[string]codes.Code{"ABORTED": codes.Aborted, "reset": codes.Internal}[how]
				require.Equal(step, want, status.Code(err), "%v", err)
				step.Expect(assert.InjectedCount("stream_interruption").Equal(1))
				if how == "ABORTED" {
					require.Equal(step, []string{"stream_interruption"}, trailer.Get("x-mockforge-fault"))
					step.Expect(assert.Server(assert.ErrorRate().Equal(0))) // ABORTED is no failure of the server
				} else {
					step.Expect(assert.Server(assert.ErrorRate().Equal(1)))
				}
				if tt.method != "Charge" {
					canceled++
					require.Equal(step, canceled, d.canceled.Load(), "the upstream's handler is told")
				}
			})
		})
	}
}

const retrying = `{"methodConfig": [{"name": [{"service": "matrix.Desk"}], "retryPolicy": {
	"maxAttempts": 4, "initialBackoff": "0.01s", "maxBackoff": "0.1s", "backoffMultiplier": 2,
	"retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"]}}]}`

// Retries by service config see what was injected, and absorb it.
func TestGRPCRetries(t *testing.T) {
	t.Parallel()
	var conn *grpc.ClientConn
	limited := orchestrator.Step{Name: "limited", Duration: 10 * time.Second, Scenario: orchestrator.Scenario{
		Config: &injector.Config{RateLimit: &injector.RateLimit{RequestsPerSecond: 1, BurstSize: 1}},
	}}
	o := document(
		calls("flaky", 20*time.Second, injector.GRPC{StatusCodes: []string{"UNAVAILABLE"}, Probability: new(0.3)}),
		calls("hopeless", time.Second, injector.GRPC{StatusCodes: []string{"FAILED_PRECONDITION"}, Probability: new(1.0)}),
		limited,
	)
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		switch step.Spec.Name {
		case "flaky":
			step.Load(10, func(ctx context.Context) error {
				_, err := charge(ctx, conn, "x")
				return err
			})
			step.Expect(assert.Operations().Equal(200), assert.ErrorRate().AtMost(0.03), assert.Requests().AtLeast(260), assert.MustParse("injected.grpc_status ~ 30%"))
		case "hopeless":
			_, err := charge(step.Context(), conn, "x")
			require.Equal(step, codes.FailedPrecondition, status.Code(err))
			step.Expect(assert.Requests().Equal(1)) // it is not one of those to be retried
		case "limited":
			_, err := charge(step.Context(), conn, "x")
			require.NoError(step, err)
			start := time.Now()
			_, err = charge(step.Context(), conn, "x") // refused, and told when to come again
			require.NoError(step, err)
			require.InDelta(step, float64(time.Second), float64(time.Since(start)), float64(time.Millisecond+2*grid))
			step.Expect(assert.Requests().Equal(3), assert.InjectedCount("rate_limit").Equal(1))
		}
	}, chaostest.Setup(func(env *chaostest.Env) {
		env.Serve("default", new(desk).server())
		conn = dialed(env, grpc.WithDefaultServiceConfig(retrying))
	}))
}

// A breaker in front of an upstream that fails as gRPC fails opens, and calls
// see UNAVAILABLE until it closes.
func TestGRPCBreaker(t *testing.T) {
	t.Parallel()
	o := document(orchestrator.Step{Name: "outage", Duration: 30 * time.Second, Scenario: orchestrator.Scenario{Config: &injector.Config{
		CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 3, Timeout: 5 * time.Second, SuccessThreshold: 1},
		GRPC:           &injector.GRPC{StatusCodes: []string{"INTERNAL"}, Probability: new(1.0), Methods: []string{"/matrix.Desk/Charge"}},
	}}})
	onDesk(t, &desk{}, o, func(step *chaostest.Step, conn *grpc.ClientConn) {
		for range 3 {
			_, err := charge(step.Context(), conn, "x")
			require.Equal(step, codes.Internal, status.Code(err))
		}
		_, err := charge(step.Context(), conn, "x")
		require.Equal(step, codes.Unavailable, status.Code(err))
		require.Equal(step, "the circuit breaker for default is open in step outage", status.Convert(err).Message())
		time.Sleep(5 * time.Second)
		_, _, err = converse(step.Context(), conn, "Upload", "x")
		require.NoError(step, err)
		step.Expect(assert.CircuitBreaker("default").Becomes(assert.Open), assert.CircuitBreaker("default").Becomes(assert.Closed))
	})
}

// One seed, one run: many clients at once, calls of every kind, all that the
// section can do; the same event log and the same ends of all calls each time.
func TestGRPCRepeats(t *testing.T) {
	t.Parallel()
	digests := map[string]int{}
	for range 4 {
		events, seen := gRPCRun(t)
		digests[events+" "+seen]++
	}
	require.Len(t, digests, 1)
}

func gRPCRun(t *testing.T) (events, seen string) {
	path := filepath.Join(t.TempDir(), "run.chaos.jsonl")
	o := document(orchestrator.Step{Name: "chaos", Duration: 10 * time.Second, Scenario: orchestrator.Scenario{Config: &injector.Config{
		Latency:        &injector.Latency{RandomDelayRange: [2]time.Duration{time.Millisecond, 80 * time.Millisecond}},
		FaultInjection: &injector.FaultInjection{HTTPErrors: []int{500, 503}, HTTPErrorProbability: new(0.05), TimeoutProbability: new(0.05), Timeout: new(400 * time.Millisecond)},
		GRPC:           &injector.GRPC{StatusCodes: []string{"UNAVAILABLE", "INTERNAL"}, Probability: new(0.1), StreamInterruptionProbability: new(0.3)},
		TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 2, BandwidthLimit: 4096},
	}}})
	var conns []*grpc.ClientConn
	var mu sync.Mutex
	var log []string
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		began := time.Now()
		var clients sync.WaitGroup
		for c, conn := range conns {
			clients.Go(func() {
				// They work in lockstep but for their starts.
				time.Sleep(time.Duration(c) * 100 * time.Nanosecond)
				for n := 0; step.Context().Err() == nil; n++ {
					method := []string{"Charge", "Watch", "Upload", "Chat"}[(n+c)%4]
					start := time.Now()
					ctx, cancel := context.WithTimeout(step.Context(), 600*time.Millisecond)
					var got []string
					err := step.Do(func(context.Context) (err error) {
						if method == "Charge" {
							var one string
							one, err = charge(ctx, conn, "x")
							got = []string{one}
							return err
						}
						got, _, err = converse(ctx, conn, method, "a", "b", "c")
						return err
					})
					cancel()
					mu.Lock()
					log = append(log, fmt.Sprint(c, " ", n, " ", method, " ", start.Sub(began), " ", time.Since(start), " ", got, " ", status.Convert(errors.Unwrap(err)).Code(), " ", err))
					mu.Unlock()
					time.Sleep(50 * time.Millisecond)
				}
			})
		}
		clients.Wait()
	}, chaostest.Seed(11), chaostest.EventLog(path), chaostest.Setup(func(env *chaostest.Env) {
		env.Serve("default", (&desk{pace: 10 * time.Millisecond}).server())
		conns = nil
		for range 6 {
			conns = append(conns, dialed(env))
		}
	}))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	kinds := map[string]int{}
	for line := range strings.Lines(string(data)) {
		var e struct{ Kind string }
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		kinds[e.Kind]++
	}
	for _, k := range []string{"grpc_status", "stream_interruption", "http_error", "timeout", "packet_loss", "bandwidth", "latency"} {
		require.Positive(t, kinds[k], "%s of %v", k, kinds)
	}
	slices.Sort(log)
	return fmt.Sprintf("%x", sha256.Sum256(data)), fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(log, "\n"))))
}
