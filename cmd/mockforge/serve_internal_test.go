package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/server"
)

func TestServeFlagsMakeAConfig(t *testing.T) {
	t.Parallel()
	ms := time.Millisecond
	tests := []struct {
		args string
		want injector.Config
	}{
		{"", injector.Config{}},
		{"--chaos-latency-ms 200", injector.Config{Latency: &injector.Latency{FixedDelay: 200 * ms, Probability: new(1.0)}}},
		{"--chaos-latency-range 100-500 --chaos-latency-probability 0.5",
			injector.Config{Latency: &injector.Latency{RandomDelayRange: [2]time.Duration{100 * ms, 500 * ms}, Probability: new(0.5)}}},
		{"--chaos-http-errors 500,503", injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{500, 503}, HTTPErrorProbability: new(0.1)}}},
		{"--chaos-http-error-probability 0.3", injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrorProbability: new(0.3)}}},
		{"--chaos-rate-limit 50", injector.Config{RateLimit: &injector.RateLimit{RequestsPerSecond: 50, BurstSize: 100}}},
		{"--chaos-packet-loss 5", injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 5}}},
		{"--chaos-bandwidth-limit 1000 --chaos-packet-loss 1", injector.Config{TrafficShaping: &injector.TrafficShaping{BandwidthLimit: 1000, PacketLossPercent: 1}}},
		{"--traffic-shaping", injector.Config{TrafficShaping: &injector.TrafficShaping{BandwidthLimit: 1_000_000}}},
		{"--chaos-random", injector.Config{
			FaultInjection: &injector.FaultInjection{HTTPErrorProbability: new(0.1)},
			Latency:        &injector.Latency{RandomDelayRange: [2]time.Duration{100 * ms, 2000 * ms}, Probability: new(0.3)},
		}},
		{"--circuit-breaker --circuit-breaker-failure-threshold 3", injector.Config{CircuitBreaker: &injector.CircuitBreaker{
			FailureThreshold: 3, SuccessThreshold: 2, Timeout: time.Minute, FailureRateThreshold: new(50.0)}}},
		{"--bulkhead --bulkhead-max-queue 0", injector.Config{Bulkhead: &injector.Bulkhead{MaxConcurrentRequests: 100, MaxQueueSize: new(0), QueueTimeout: new(5 * time.Second)}}},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			var f chaosFlags
			var opts server.Options
			flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
			f.register(flags)
			require.NoError(t, flags.Parse(strings.Fields(tt.args)))
			require.NoError(t, f.apply(flags, &opts))
			require.Equal(t, tt.want, opts.Config)
		})
	}
}

// Nothing that was asked for is dropped in silence.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ args, want string }{
		{"--chaos-latency-range 500", `--chaos-latency-range: "500" is not MIN-MAX in milliseconds, like 100-500`},
		{"--chaos-latency-range 500-100", `--chaos-latency-range: "500-100" is not MIN-MAX in milliseconds, like 100-500`},
		{"--chaos-latency-ms 1 --chaos-latency-range 1-2", "--chaos-latency-ms and --chaos-latency-range exclude each other"},
		{"--chaos-latency-probability 0.5", "--chaos-latency-probability has no effect without --chaos-latency-ms or --chaos-latency-range"},
		{"--chaos-http-errors 500,foo", `--chaos-http-errors: "foo" is not a status code from 200 to 999`},
		{"--chaos-http-error-probability 7", "--chaos-http-error-probability: 7 is out of range: 0 to 1"},
		{"--chaos-rate-limit 0", "--chaos-rate-limit: 0 is out of range: at least 1"},
		{"--chaos-packet-loss 101", "--chaos-packet-loss: 101 is out of range: 0 to 100 percent"},
		{"--chaos-profile fast", "Profile 'fast' not found: there are slow_3g, fast_3g, flaky_wifi, cable, dialup"},
		{"--circuit-breaker-timeout-ms 5", "--circuit-breaker-timeout-ms has no effect without --circuit-breaker"},
		{"--bulkhead --bulkhead-max-concurrent 0", "--bulkhead-max-concurrent: 0 is out of range: at least 1"},
		{"--chaos-scenario fast", "Scenario 'fast' not found: there are network_degradation, service_instability, cascading_failure, peak_traffic, slow_backend"},
		{"--host 0.0.0.0", "host 0.0.0.0 is reachable from other machines, and anybody there could control the server: set an admin token, or allow it with --insecure-admin"},
		{"--target payments", `--target: "payments" is not NAME=URL, like payments=http://127.0.0.1:9001`},
		{"--target a=http://127.0.0.1:1,port=x", `--target a: port "x" is out of range: 1 to 65535`},
		{"--target a=ftp://127.0.0.1", `target a: upstream "ftp://127.0.0.1": use a URL that begins with http://, https://, h2c:// or tcp://`},
		{"--target a=http://127.0.0.1:1 --target a=http://127.0.0.1:2", "target a is configured twice"},
		{"--tls-cert x.pem", "--tls-cert and --tls-key need each other"},
		{"--http-port 70000", "--http-port: 70000 is out of range: 0 to 65535"},
		{"--log-level loud", `--log-level: "loud" is not debug, info, warn or error`},
		{"3000", `unexpected argument "3000"`},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			code, _, stderr := execute(t, append([]string{"serve", "--http-port", "0"}, strings.Fields(tt.args)...)...)
			require.Equal(t, exitUsage, code)
			first, _, _ := strings.Cut(stderr, "\n")
			require.Equal(t, "Error: "+tt.want, first)
		})
	}
}

// serve in process, until the test ends. It returns the base URL and what was
// said at the start.
func serveInProcess(t *testing.T, args ...string) (url, greeting string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"serve", "--http-port", "0", "--log-level", "error"}, args...), strings.NewReader(""), in, io.Discard)
		_ = in.Close() // a pipe's never fails
	}()
	t.Cleanup(func() {
		cancel()
		require.Equal(t, exitOK, <-ended)
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		greeting += lines.Text() + "\n"
		if word, ok := strings.CutPrefix(lines.Text(), "MockForge listens on "); ok {
			url = word
		}
		if strings.HasPrefix(lines.Text(), "Chaos Engineering API") {
			break
		}
	}
	require.NotEmpty(t, url, greeting)
	return url, greeting
}

func TestServe(t *testing.T) {
	t.Parallel()
	url, greeting := serveInProcess(t, "--chaos", "--chaos-http-errors", "418", "--chaos-http-error-probability", "1", "--chaos-scenario", "peak_traffic")
	require.Equal(t, "MockForge listens on "+url+"\n  default: "+url+" -> a JSON echo (no upstream)\n"+
		"Chaos engineering enabled\nChaos Engineering API available at /api/chaos/*\n", greeting)
	require.Equal(t, 418, statusOf(t, url+"/orders"))
	var status struct {
		Enabled               bool
		ActiveScenarios       []string `json:"active_scenarios"`
		RateLimitEnabled      bool     `json:"rate_limit_enabled"`
		FaultInjectionEnabled bool     `json:"fault_injection_enabled"`
	}
	resp, err := http.Get(url + "/api/chaos/status")
	require.NoError(t, err)
	defer resp.Body.Close()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&status))
	require.True(t, status.Enabled && status.RateLimitEnabled && status.FaultInjectionEnabled)
	require.Equal(t, []string{"peak_traffic"}, status.ActiveScenarios)
}

func TestServeWithoutChaos(t *testing.T) {
	t.Parallel()
	url, greeting := serveInProcess(t, "--chaos-http-errors", "503", "--chaos-http-error-probability", "1")
	require.Contains(t, greeting, "Chaos engineering disabled: what the flags ask for begins with mockforge chaos enable")
	require.Equal(t, 200, statusOf(t, url+"/orders"))
	resp, err := http.Post(url+"/api/chaos/enable", "", nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 503, statusOf(t, url+"/orders"))

	_, greeting = serveInProcess(t, "--chaos-profile", "cable")
	require.Contains(t, greeting, "what the flags ask for begins with mockforge chaos enable", "a profile is asked for, too")
}

func TestServeWithAProfile(t *testing.T) {
	t.Parallel()
	url, _ := serveInProcess(t, "--network-profile", "cable", "--chaos-http-errors", "418")
	resp, err := http.Get(url + "/api/chaos/config")
	require.NoError(t, err)
	defer resp.Body.Close()
	var config struct {
		Latency        map[string]any
		FaultInjection map[string]any `json:"fault_injection"`
	}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&config))
	require.EqualValues(t, 20, config.Latency["fixed_delay_ms"])
	require.Equal(t, []any{418.0}, config.FaultInjection["http_errors"])
}

func TestListNetworkProfiles(t *testing.T) {
	t.Parallel()
	code, stdout, _ := execute(t, "serve", "--list-network-profiles")
	require.Equal(t, exitOK, code)
	require.Equal(t, 5, strings.Count(stdout, "\n"))
	require.Contains(t, stdout, "slow_3g     A slow mobile connection\n")
}

func statusOf(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}
