package injector_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// A status is an answer without messages: everything is in its header.
func TestGRPCStatus(t *testing.T) {
	t.Parallel()
	for _, name := range callSeams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := &events{}
			in := injector.New(injector.WithSeed(1), injector.WithObserver(seen))
			in.Apply(grpcLayer(injector.GRPC{StatusCodes: []string{"UNAVAILABLE", "5"}, Probability: new(0.2), Message: "50 % gone: ä"}))
			client, url := seam(t, name, in, echoes)
			got := map[string]int{}
			for range 100 {
				r := call(t.Context(), client, url+payments, nil, "hello")
				require.NoError(t, r.err)
				got[r.status()]++
				if r.status() == "0" {
					require.Equal(t, []string{"re: hello"}, r.messages)
					require.Empty(t, r.header.Get("X-Mockforge-Fault"))
					continue
				}
				require.Empty(t, r.messages)
				require.Equal(t, "application/grpc+proto", r.header.Get("Content-Type"), "the request's own")
				require.Equal(t, "50 %25 gone: %C3%A4", r.trailer.Get("Grpc-Message"))
				require.Equal(t, "grpc_status", r.header.Get("X-Mockforge-Fault"))
				require.Equal(t, "step", r.header.Get("X-Mockforge-Step"))
			}
			require.Equal(t, 80, got["0"], "exact sampling: 20 of 100")
			require.Positive(t, got["14"])
			require.Positive(t, got["5"])
			require.Equal(t, 20, got["14"]+got["5"])
			require.Equal(t, []injector.Draw{{
				Kind: "grpc_status", Probability: 0.2, Sampling: injector.Exact, Requests: 100, Injected: 20,
			}}, in.Draws(injector.LayerRef{Name: "step"}))
			failed := 0
			for _, o := range seen.outcomes {
				require.Equal(t, 200, o.Status)
				if o.Failed {
					failed++
				}
			}
			require.Equal(t, got["14"], failed, "NOT_FOUND is no failure of the server")
		})
	}
}

// Faults of the other sections say what they are in the words of gRPC. When to come
// again is told in whole seconds from now, which is no affair of the machine.
func TestAnswersAreTranslated(t *testing.T) {
	t.Parallel()
	always := new(1.0)
	limited := injector.Config{RateLimit: &injector.RateLimit{RequestsPerSecond: 0.25, BurstSize: 1}}
	tests := []struct {
		name     string
		config   injector.Config
		before   int // calls before
		code     string
		message  string
		retry    string
		pushback string
		failed   bool
		reset    bool
		fault    string
	}{
		{name: "status", config: injector.Config{GRPC: &injector.GRPC{Probability: always}}, code: "14", message: "injected UNAVAILABLE in step peak", failed: true, fault: "grpc_status"},
		{name: "http503", config: injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorProbability: always}}, code: "14", message: "injected connection error in step peak", failed: true, fault: "connection_error"},
		{name: "timeout", config: injector.Config{FaultInjection: &injector.FaultInjection{TimeoutProbability: always, Timeout: new(time.Millisecond)}}, code: "4", message: "injected time-out in step peak", failed: true, fault: "timeout"},
		{name: "rate limit", config: limited, before: 1, code: "8", message: "the rate limit of default is exceeded in step peak", retry: "4", pushback: "4000", fault: "rate_limit"},
		{name: "breaker", config: injector.Config{
			CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 1}, GRPC: &injector.GRPC{StatusCodes: []string{"INTERNAL"}, Probability: always},
		}, before: 1, code: "14", message: "the circuit breaker for default is open in step peak", retry: "60", pushback: "60000", failed: true, fault: "circuit_breaker"},
		{name: "reset", config: injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorProbability: always, ConnectionErrorKind: injector.TCPReset}}, reset: true, failed: true, fault: "connection_error"},
		{name: "close", config: injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorProbability: always, ConnectionErrorKind: injector.TCPClose}}, reset: true, failed: true, fault: "connection_error"},
	}
	for http, code := range map[int]int{400: 3, 401: 16, 403: 7, 404: 5, 418: 2, 429: 8, 500: 13, 501: 12, 502: 2, 503: 14, 504: 4} {
		tests = append(tests, tests[0])
		tt := &tests[len(tests)-1]
		tt.name, tt.code, tt.fault = fmt.Sprint(http), fmt.Sprint(code), "http_error"
		tt.config = injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{http}, HTTPErrorProbability: always}}
		tt.message = fmt.Sprintf("injected HTTP error %d in step peak", http)
		tt.failed = http >= 500 || http == 418
	}
	for _, tt := range tests {
		for _, name := range callSeams {
			t.Run(tt.name+" "+name, func(t *testing.T) {
				t.Parallel()
				seen := &events{}
				virtualSeam(t, name, echoes, []injector.Option{injector.WithObserver(seen)}, func(w *world) {
					w.in.Apply(injector.Layer{Name: "peak", Config: tt.config})
					for range tt.before {
						require.NoError(w, call(w.Context(), w.client, "http://test"+payments, nil, "hello").err)
					}
					r := call(w.Context(), w.client, "http://test"+payments, nil, "hello")
					o := seen.outcomes[tt.before]
					require.Equal(w, tt.fault, o.Fault)
					require.Equal(w, tt.failed, o.Failed)
					if tt.reset {
						requireReset(w.T, name, r.err)
						require.Zero(w, o.Status)
						return
					}
					require.NoError(w, r.err)
					require.Equal(w, 200, o.Status)
					require.Equal(w, tt.code, r.status())
					require.Equal(w, tt.message, r.trailer.Get("Grpc-Message"))
					require.Equal(w, tt.retry, r.header.Get("Retry-After"))
					require.Equal(w, tt.pushback, r.header.Get("Grpc-Retry-Pushback-Ms"))
					require.Equal(w, tt.fault, r.header.Get("X-Mockforge-Fault"))
					require.Empty(w, r.messages)
				})
			})
		}
	}
}

// Bulkheads speak gRPC too.
func TestBulkheadOfCalls(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(injector.Layer{Name: "wall", Config: injector.Config{Bulkhead: &injector.Bulkhead{MaxConcurrentRequests: 1, MaxQueueSize: new(0)}}})
	inside, leave := make(chan struct{}), make(chan struct{})
	client, url := seam(t, "handler", in, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		<-leave
		echoes(w, r)
	}))
	first := make(chan callResult)
	go func() { first <- call(t.Context(), client, url+payments, nil, "1") }()
	<-inside
	r := call(t.Context(), client, url+payments, nil, "2")
	require.Equal(t, "14", r.status())
	require.Equal(t, "too many requests are in progress for default in step wall", r.trailer.Get("Grpc-Message"))
	require.Equal(t, "1000", r.trailer.Get("Grpc-Retry-Pushback-Ms"))
	close(leave)
	require.Equal(t, "0", (<-first).status())
}

// What is no call is answered as before, and no rule of the section counts it.
func TestOnlyCallsAreCalls(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(injector.Layer{Name: "step", Config: injector.Config{
		GRPC:           &injector.GRPC{Probability: new(1.0)},
		FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}, ErrorPattern: &injector.ErrorPattern{Type: "burst", Count: 1, Interval: time.Hour}},
	}})
	s := serve(t, in, ok)
	for _, want := range []int{503, 200} {
		resp, err := http.Post(s.URL+payments, "application/grpc-web", nil)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, want, resp.StatusCode)
		require.Empty(t, resp.Header.Get("Grpc-Status"))
	}
	for _, d := range in.Draws(injector.LayerRef{Name: "step"}) {
		if d.Kind == injector.KindGRPCStatus {
			require.Zero(t, d.Requests)
		}
	}
}

func TestGRPCMethods(t *testing.T) {
	t.Parallel()
	all := []string{payments, "/shop.Payments/Refund", "/shop.Carts/Get", "/grpc.health.v1.Health/Check", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"}
	tests := []struct {
		methods, exclude []string
		hits             string // one for each of all
	}{
		{nil, nil, "11111"},
		{[]string{payments}, nil, "10000"},
		{[]string{"/shop.Payments/*"}, nil, "11000"},
		{[]string{"/shop.Payments/*", "/shop.Carts/Get"}, []string{payments}, "01100"},
		{nil, []string{"health", "reflection"}, "11100"},
		{nil, []string{"/shop.*"}, "00011"},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			in := injector.New()
			in.Apply(grpcLayer(injector.GRPC{Probability: new(1.0), Methods: tt.methods, Exclude: tt.exclude}))
			client, url := seam(t, "handler", in, echoes)
			got := ""
			for _, method := range all {
				got += map[string]string{"14": "1", "0": "0"}[call(t.Context(), client, url+method, nil, "x").status()]
			}
			require.Equal(t, tt.hits, got)
		})
	}
}

// The faults of fault_injection come first, and hide a status; its delay is
// part of the computed delay.
func TestGRPCPrecedenceAndDelay(t *testing.T) {
	t.Parallel()
	seen := &events{}
	synctestCalls(t, echoes, []injector.Option{injector.WithObserver(seen)}, func(w *world) {
		remove := w.in.Apply(injector.Layer{Name: "step", Config: injector.Config{
			FaultInjection: &injector.FaultInjection{HTTPErrors: []int{404}, HTTPErrorProbability: new(1.0)},
			GRPC:           &injector.GRPC{Probability: new(1.0), Delay: new(time.Second), StreamInterruptionProbability: new(1.0)},
		}})
		require.Equal(w, "5", call(context.Background(), w.client, "http://test"+payments, nil, "x").status())
		require.Zero(w, w.elapsed())
		remove()
		w.in.Apply(injector.Layer{Name: "late", Config: injector.Config{
			Latency: &injector.Latency{FixedDelay: 500 * time.Millisecond},
			GRPC:    &injector.GRPC{Probability: new(1.0), Delay: new(time.Second)},
		}})
		require.Equal(w, "14", call(context.Background(), w.client, "http://test"+payments, nil, "x").status())
		require.Equal(w, 1500*time.Millisecond, w.elapsed())
	})
	got := ""
	for _, d := range seen.requests[0].Decisions {
		got += fmt.Sprint(d.Kind, " ", d.Masked, " ")
	}
	require.Equal(t, "http_error false grpc_status true stream_interruption true ", got)
	require.Equal(t, 1500*time.Millisecond, seen.requests[1].Delay)
	require.Equal(t, "late", seen.requests[1].Decisions[1].Layer.Name)
	require.Equal(t, 14, seen.requests[1].Decisions[1].Status)
}
