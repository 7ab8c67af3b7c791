package injector_test

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

func TestPresets(t *testing.T) {
	t.Parallel()
	var names []string
	for _, n := range injector.Presets() {
		names = append(names, n.Name)
		require.NotEmpty(t, n.Description, n.Name)
		require.NotEmpty(t, n.Tags, n.Name)
		require.NotEmpty(t, n.Config.Effects(), n.Name)
		found, ok := injector.Preset(n.Name)
		require.True(t, ok)
		require.Equal(t, n, found)
	}
	require.Equal(t, "network_degradation service_instability cascading_failure peak_traffic slow_backend "+
		"slow_3g fast_3g flaky_wifi cable dialup", strings.Join(names, " "))
	_, ok := injector.Preset("nonsense")
	require.False(t, ok)
	first, _ := injector.Preset("slow_backend")
	first.Config.Latency.FixedDelay = 0
	again, _ := injector.Preset("slow_backend")
	require.Equal(t, 2*time.Second, again.Config.Latency.FixedDelay, "callers do not share presets")
}

func TestEffects(t *testing.T) {
	t.Parallel()
	off := new(false)
	tests := []struct {
		name string
		c    injector.Config
		want string
	}{
		{"nothing", injector.Config{}, ""},
		{"present is on", injector.Config{Latency: &injector.Latency{FixedDelay: 1}}, "latency 1"},
		{"nothing to delay", injector.Config{Latency: &injector.Latency{JitterPercent: 50}}, ""},
		{"off as a whole", injector.Config{Enabled: off, Latency: &injector.Latency{FixedDelay: 1}}, ""},
		{"section off", injector.Config{Latency: &injector.Latency{Enabled: off, FixedDelay: 1}}, ""},
		{"nothing mentioned", injector.Config{FaultInjection: &injector.FaultInjection{}}, ""},
		{"codes alone", injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{500}}}, "http_error 0.1"},
		{"codes explicitly none", injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{}, HTTPErrorProbability: new(1.0)}}, ""},
		{"impossible codes", injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{42, 1000}}}, ""},
		{"flag alone", injector.Config{FaultInjection: &injector.FaultInjection{TimeoutErrors: new(true)}}, "timeout 0.05"},
		{"field alone", injector.Config{FaultInjection: &injector.FaultInjection{Timeout: new(time.Second)}}, "timeout 0.05"},
		{"flag off wins", injector.Config{FaultInjection: &injector.FaultInjection{TimeoutErrors: off, TimeoutProbability: new(1.0)}}, ""},
		{"kind alone", injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorKind: injector.TCPReset}}, "connection_error 0.05"},
		{"corruption none", injector.Config{FaultInjection: &injector.FaultInjection{PayloadCorruption: new(true), CorruptionType: injector.NoCorruption}}, ""},
		{"corruption without a type", injector.Config{FaultInjection: &injector.FaultInjection{PayloadCorruption: new(true)}}, "payload_corruption 0.05"},
		{"pattern replaces the probability", injector.Config{FaultInjection: &injector.FaultInjection{
			HTTPErrorProbability: new(0.5), ErrorPattern: &injector.ErrorPattern{Type: "random"},
		}}, "http_error 0.1"},
		{"empty sequence", injector.Config{FaultInjection: &injector.FaultInjection{ErrorPattern: &injector.ErrorPattern{Type: "sequential"}}}, ""},
		{"shaping", injector.Config{TrafficShaping: &injector.TrafficShaping{MaxConnections: 1, PacketLossPercent: 5, BandwidthLimit: 1}},
			"connection_limit 1, packet_loss 0.05, bandwidth 1"},
		{"empty shaping", injector.Config{TrafficShaping: &injector.TrafficShaping{}}, ""},
		{"websocket defaults", injector.Config{WebSocket: &injector.WebSocket{CloseCodes: []int{1001}, MessageDelay: new(time.Second)}},
			"websocket_close 0.1, message_delay 1"},
		{"websocket", injector.Config{WebSocket: &injector.WebSocket{Probability: new(0.2), MessageDropProbability: new(0.3),
			MessageCorruptionProbability: new(0.4), MessageTruncationProbability: new(0.5), MessageDelay: new(time.Second), MessageDelayProbability: new(0.6)}},
			"websocket_close 0.2, message_drop 0.3, message_corruption 0.4, message_truncation 0.5, message_delay 0.6"},
		{"codes that no close frame may carry", injector.Config{WebSocket: &injector.WebSocket{CloseCodes: []int{1005, 1006, 999}, Probability: new(1.0)}}, ""},
		{"websocket reason alone", injector.Config{WebSocket: &injector.WebSocket{CloseReason: "bye", MessageDelayProbability: new(1.0)}}, ""},
		{"carried only", injector.Config{GRPC: &injector.GRPC{}, WebSocket: &injector.WebSocket{}, GraphQL: &injector.GraphQL{}}, ""},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, describe(tt.c), tt.name)
	}
	require.Equal(t, "rate_limit 1, latency 0.7, http_error 0.3, connection_error 0.1, timeout 0.2", describe(preset(t, "cascading_failure")))
}

func preset(t *testing.T, name string) injector.Config {
	n, ok := injector.Preset(name)
	require.True(t, ok)
	return n.Config
}

func describe(c injector.Config) string {
	var out []string
	for _, e := range c.Effects() {
		out = append(out, e.Kind+" "+strconv.FormatFloat(e.Probability, 'f', -1, 64))
	}
	return strings.Join(out, ", ")
}

// Whatever a Config says, the injector clamps it and goes on.
func TestNonsenseIsHarmless(t *testing.T) {
	t.Parallel()
	numbers := []float64{-1, 0, math.NaN(), math.Inf(1), math.Inf(-1), 1e300}
	durations := []time.Duration{math.MinInt64, -1, 0, math.MaxInt64}
	ints := []int{math.MinInt32, -1, 0, math.MaxInt32}
	for _, x := range numbers {
		for _, d := range durations {
			for _, n := range ints {
				synctest.Test(t, func(t *testing.T) {
					in := injector.New()
					remove := in.Apply(injector.Layer{Config: injector.Config{
						Latency: &injector.Latency{Probability: &x, FixedDelay: d, RandomDelayRange: [2]time.Duration{d, -d}, JitterPercent: x,
							Distribution: &injector.Distribution{Type: "lognormal", Median: d, Sigma: x, Min: d, Max: d}},
						FaultInjection: &injector.FaultInjection{
							HTTPErrors: []int{n}, HTTPErrorProbability: &x, ConnectionErrorKind: "x", ConnectionErrorProbability: &x,
							Timeout: &d, TimeoutProbability: &x, PartialResponseProbability: &x, PayloadCorruptionProbability: &x, CorruptionType: "x",
							ErrorPattern:   &injector.ErrorPattern{Type: "burst", Count: n, Interval: d, Probability: &x},
							RequestMatcher: &injector.RequestMatcher{MinBodySize: new(int64(n))},
						},
						RateLimit:      &injector.RateLimit{RequestsPerSecond: x, BurstSize: n, PerIP: true},
						TrafficShaping: &injector.TrafficShaping{BandwidthLimit: int64(n), PacketLossPercent: min(x, 99), MaxConnections: n, ConnectionTimeout: &d},
						CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: n, SuccessThreshold: n, Timeout: d, HalfOpenMaxRequests: n,
							FailureRateThreshold: &x, MinRequestsForRate: n, RollingWindow: d},
						Bulkhead: &injector.Bulkhead{MaxConcurrentRequests: n, MaxQueueSize: &n, QueueTimeout: &d},
						WebSocket: &injector.WebSocket{CloseCodes: []int{n, 1001}, Probability: &x, CloseAfterMessages: [2]int{n, -n},
							MessageDropProbability: &x, MessageDelay: &d, MessageDelayProbability: &x, Direction: "sideways"},
					}})
					time.AfterFunc(time.Hour, in.Release)
					h := in.Handler(ok)
					for range 3 {
						code(h, "/")
					}
					remove()
					remove()
				})
			}
		}
	}
}

func TestLayersComeAndGoUnderTraffic(t *testing.T) {
	t.Parallel()
	in := injector.New(injector.WithObserver(&events{}))
	h := in.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	configs := []injector.Config{
		{FaultInjection: &injector.FaultInjection{HTTPErrorProbability: new(0.5)}},
		{CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 1, Timeout: time.Nanosecond}},
		{Bulkhead: &injector.Bulkhead{MaxConcurrentRequests: 1, QueueTimeout: new(time.Hour)}},
		{RateLimit: &injector.RateLimit{RequestsPerSecond: 1000, PerIP: true, PerEndpoint: true}},
		{TrafficShaping: &injector.TrafficShaping{MaxConnections: 1, PacketLossPercent: 100}},
		{Latency: &injector.Latency{FixedDelay: time.Microsecond}},
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if i%2 == 0 {
					code(h, "/")
					continue
				}
				remove := in.Apply(injector.Layer{Name: "x", Iteration: i, Config: configs[i/2%len(configs)]})
				in.BreakerState("default")
				in.Draws(injector.LayerRef{Name: "x", Iteration: i})
				remove()
				if i == 1 {
					in.Release()
				}
			}
		})
	}
	time.AfterFunc(200*time.Millisecond, func() { close(stop) })
	wg.Wait()
	in.Release()
	require.Equal(t, 204, code(h, "/"), "when all is over, all passes")
}
