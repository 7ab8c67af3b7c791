package injector_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// What was decided for a request is done again to another one: its client sees
// the same, though the seed says otherwise and limits are not reached.
func TestPins(t *testing.T) {
	t.Parallel()
	always := new(1.0)
	tests := []struct {
		name   string
		config injector.Config
		before int // requests before the one that is recorded
		want   string

		sameSeed bool // which bytes are hit depends on the seed
	}{
		{"latency", injector.Config{Latency: &injector.Latency{FixedDelay: 70 * time.Millisecond}}, 0, "latency", false},
		{"http_error", injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{418, 502}, HTTPErrorProbability: always}}, 3, "http_error", false},
		{"timeout", injector.Config{FaultInjection: &injector.FaultInjection{TimeoutProbability: always}}, 0, "timeout", false},
		{"connection 503", injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorProbability: always}}, 0, "connection_error", false},
		{"connection reset", injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorProbability: always, ConnectionErrorKind: injector.TCPReset}}, 0, "connection_error", false},
		{"connection close", injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorProbability: always, ConnectionErrorKind: injector.TCPClose}}, 0, "connection_error", false},
		{"partial", injector.Config{FaultInjection: &injector.FaultInjection{PartialResponseProbability: always}}, 2, "partial_response", true},
		{"corruption", injector.Config{FaultInjection: &injector.FaultInjection{PayloadCorruptionProbability: always}}, 2, "payload_corruption", true},
		{"connection chunk", injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorProbability: always, ConnectionErrorKind: injector.MalformedChunk}}, 1, "connection_error", false},
		{"connection noise", injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorProbability: always, ConnectionErrorKind: injector.RandomData}}, 1, "connection_error", true},
		{"retry after", injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrorProbability: always, RetryAfter: new(3 * time.Second)}}, 0, "http_error", false},
		{"dribble", injector.Config{FaultInjection: &injector.FaultInjection{Dribble: &injector.Dribble{NumberOfChunks: 3, TotalDuration: 90 * time.Millisecond}}}, 0, "chunked_dribble_delay", false},
		{"rewrite", injector.Config{FaultInjection: &injector.FaultInjection{Rewrite: &injector.Rewrite{Status: 418, Body: new("short")}}}, 0, "response_rewrite", false},
		{"both delays", injector.Config{
			Latency:        &injector.Latency{FixedDelay: 70 * time.Millisecond},
			FaultInjection: &injector.FaultInjection{OverrideHeaders: true}}, 0, "latency", false},
		{"over the limit", injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrorProbability: always, MaxActiveFaults: new(0)}}, 0, "", false},
		{"out of schedule", injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrorProbability: always, Schedule: &injector.Schedule{Type: "every", Count: 2}}}, 1, "", false},
		{"masked", injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{500}, HTTPErrorProbability: always, TimeoutProbability: always, PayloadCorruptionProbability: always}}, 0, "http_error", false},
		{"rate limit", injector.Config{RateLimit: &injector.RateLimit{RequestsPerSecond: 0.1, BurstSize: 1}}, 1, "rate_limit", false},
		{"breaker", injector.Config{
			CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 1, Timeout: 42 * time.Second},
			FaultInjection: &injector.FaultInjection{HTTPErrors: []int{500}, HTTPErrorProbability: always}}, 1, "circuit_breaker", false},
		{"bandwidth", injector.Config{TrafficShaping: &injector.TrafficShaping{BandwidthLimit: 1 << 20}}, 0, "bandwidth", false},
		{"long loss", injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 99, ConnectionTimeout: new(time.Second)}}, 0, "packet_loss", false},
		{"short loss", injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 50, ConnectionTimeout: new(500 * time.Hour)}}, 2, "packet_loss", false},
		{"nothing", injector.Config{Latency: &injector.Latency{FixedDelay: time.Second, Probability: new(0.01)}}, 0, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			layer := injector.Layer{Name: "step", Config: tt.config}
			type seen struct {
				status int
				header http.Header
				body   string
				err    string
				took   time.Duration
			}
			look := func(w *world) (s seen) {
				start := time.Now()
				req, err := http.NewRequest(http.MethodGet, "http://test/", nil)
				require.NoError(w, err)
				req.Header.Set(injector.OverrideHeaderDelay, "30") // heeded where the layer says so
				resp, body, err := do(w.client, req)
				s.body, s.took = body, time.Since(start).Round(time.Microsecond) // an order takes nanoseconds
				if err != nil {
					s.err = err.Error()
				}
				if resp != nil {
					s.status, s.header = resp.StatusCode, resp.Header
					s.header.Del("Date")
				}
				return s
			}
			was, now := &events{}, &events{}
			var first, second seen
			virtual(t, ok, []injector.Option{injector.WithSeed(1), injector.InOrder(), injector.WithObserver(was)}, func(w *world) {
				defer w.in.Apply(layer)()
				for range tt.before {
					look(w)
				}
				first = look(w)
			})
			recorded := was.requests[len(was.requests)-1]
			used, ended := 0, was.outcomes[len(was.outcomes)-1]
			seed := uint64(2)
			if tt.sameSeed {
				seed = 1
			}
			pins := func(r *http.Request, target, _ string, layers []injector.LayerRef) *injector.Pin {
				require.Equal(t, []any{"/", "default", []injector.LayerRef{{Name: "step"}}}, []any{r.URL.Path, target, layers})
				return &injector.Pin{Layers: recorded.Layers, Decisions: recorded.Decisions, Waited: recorded.Decided.Sub(recorded.At), Reset: ended.Fault == "packet_loss", Used: func(r *injector.Request) {
					used++
					require.Equal(t, recorded.Decisions, r.Decisions)
				}}
			}
			virtual(t, ok, []injector.Option{injector.WithSeed(seed), injector.WithObserver(now), injector.WithPins(pins)}, func(w *world) {
				defer w.in.Apply(layer)()
				second = look(w)
			})
			require.Equal(t, first, second)
			require.Equal(t, 1, used)
			require.Len(t, now.requests, 1)
			require.Equal(t, recorded.Decisions, now.requests[0].Decisions)
			require.Equal(t, recorded.Layers, now.requests[0].Layers)
			require.Equal(t, ended.Fault, now.outcomes[0].Fault)
			require.Equal(t, tt.want, second.header.Get("X-Mockforge-Fault")+map[bool]string{true: tt.want}[second.header.Get("X-Mockforge-Fault") == ""])
		})
	}
}

// A pinned wait takes as long as it did, and may end in a reset.
func TestPinnedWaits(t *testing.T) {
	t.Parallel()
	for _, reset := range []bool{false, true} {
		pins := func(*http.Request, string, string, []injector.LayerRef) *injector.Pin {
			return &injector.Pin{Layers: []injector.LayerRef{{Name: "wall"}}, Waited: 300 * time.Millisecond, Reset: reset}
		}
		virtual(t, ok, []injector.Option{injector.WithPins(pins)}, func(w *world) {
			defer w.in.Apply(walled(injector.Bulkhead{}))()
			resp, _, err := get(w.client, "http://test/")
			require.Equal(t, 300*time.Millisecond, w.elapsed())
			require.Equal(t, reset, err != nil)
			if !reset {
				require.Equal(t, 200, resp.StatusCode)
			}
		})
	}
}

// A pinned request takes its place in a schedule.
func TestPinsCountInSchedules(t *testing.T) {
	t.Parallel()
	n := 0
	pins := func(*http.Request, string, string, []injector.LayerRef) *injector.Pin {
		if n++; n > 4 {
			return nil
		}
		return &injector.Pin{Layers: []injector.LayerRef{{Name: "step"}}}
	}
	in := injector.New(injector.WithPins(pins))
	in.Apply(failing(injector.Schedule{Type: "every", Count: 3}))
	require.Equal(t, "......x..x", failures(in.Handler(ok), 10))
}

// Requests without a pin are decided by the layers, and go on where the pinned
// ones left the rules. A pin may name layers that are off, and unknown ones.
func TestPinsLeaveTheRest(t *testing.T) {
	t.Parallel()
	seen := &events{}
	n := 0
	pins := func(*http.Request, string, string, []injector.LayerRef) *injector.Pin {
		if n++; n > 3 {
			return nil
		}
		return &injector.Pin{Layers: []injector.LayerRef{{Name: "gone"}, {Name: "never"}, {Name: "step"}}, Decisions: []injector.Decision{
			{Layer: injector.LayerRef{Name: "gone"}, Kind: injector.KindLatency, Delay: time.Second},
			{Layer: injector.LayerRef{Name: "never"}, Kind: injector.KindLatency, Delay: time.Hour},
		}}
	}
	virtual(t, ok, []injector.Option{injector.WithPins(pins), injector.WithObserver(seen)}, func(w *world) {
		w.in.Apply(injector.Layer{Name: "gone", Config: injector.Config{Latency: &injector.Latency{FixedDelay: time.Second}}})()
		defer w.in.Apply(faults(injector.FaultInjection{HTTPErrors: []int{500}, HTTPErrorProbability: new(1.0)}))()
		for range 3 {
			resp, _, err := get(w.client, "http://test/")
			require.NoError(t, err)
			require.Equal(t, 200, resp.StatusCode)
		}
		require.Equal(t, 3*time.Second, w.elapsed())
		resp, _, err := get(w.client, "http://test/")
		require.NoError(t, err)
		require.Equal(t, 500, resp.StatusCode)
	})
	require.Equal(t, uint64(3), seen.requests[3].Decisions[0].Ordinal)
	require.Equal(t, []injector.LayerRef{{Name: "gone"}, {Name: "step"}}, seen.requests[0].Layers)
}
