package chaostest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/injector"
)

// page is what the upstream answers in tests of faults.
var page = strings.Repeat("0123456789", 100)

// A reply is what a client got.
type reply struct {
	status int
	header http.Header
	body   string
	err    error
	took   time.Duration
}

// fetch asks once, with a connection of its own where the client has none.
func fetch(client *http.Client, req *http.Request) (r reply) {
	start := time.Now()
	defer func() { r.took = time.Since(start) }()
	resp, err := client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return reply{status: resp.StatusCode, header: resp.Header, body: string(text), err: err}
}

func request(t testing.TB, method, url string, body io.Reader, header ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

func fault(f injector.FaultInjection) injector.Config {
	return injector.Config{FaultInjection: &f}
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

// faulty takes a body through a minute of a config, with a target to dial.
func faulty(t *testing.T, config injector.Config, upstream http.Handler, body func(step *chaostest.Step, target *chaostest.Target)) {
	t.Helper()
	var target *chaostest.Target
	in(t, chaos("faulty", time.Minute, config), func(step *chaostest.Step) { body(step, target) },
		chaostest.Upstream(upstream), chaostest.Setup(func(env *chaostest.Env) { target = env.Target("default") }))
}

// over is a transport of the user's own to a target.
func over(protocol string, target *chaostest.Target) http.RoundTripper {
	var protocols http.Protocols
	protocols.SetHTTP1(protocol == "HTTP/1.1")
	protocols.SetUnencryptedHTTP2(protocol == "HTTP/2.0")
	return &http.Transport{DialContext: target.Dial, Protocols: &protocols, MaxIdleConnsPerHost: 100}
}

// Each kind of fault as a real client sees it, over HTTP/1.1 and HTTP/2: the
// error, the status, the headers, the bytes, and the virtual time, which is the
// nominal one less at most 20 µs and never more.
func TestFaultsAsClientsSeeThem(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	tests := []struct {
		name    string
		why     string
		config  injector.Config
		timeout time.Duration // the client's own
		status  int
		fault   string // X-Mockforge-Fault
		took    time.Duration
		check   func(t testing.TB, r reply)
		h2      func(t testing.TB, r reply) // where HTTP/2 looks different
	}{
		{name: "latency", config: slow(120 * ms), status: 200, fault: "latency", took: 120 * ms, check: func(t testing.TB, r reply) {
			require.Equal(t, "120", r.header.Get("X-Mockforge-Injected-Latency-Ms"))
			require.Equal(t, page, r.body)
		}},
		{name: "an error", config: erring(1), status: 503, fault: "http_error", check: func(t testing.TB, r reply) {
			require.Equal(t, "faulty", r.header.Get("X-Mockforge-Step"))
		}},
		{name: "a status of one's own", config: fault(injector.FaultInjection{HTTPErrors: []int{418}, HTTPErrorProbability: new(1.0)}), status: 418, fault: "http_error"},
		{name: "connection refused by a 503", status: 503, fault: "connection_error",
			config: fault(injector.FaultInjection{ConnectionErrorKind: injector.HTTP503, ConnectionErrorProbability: new(1.0)})},
		{name: "reset", config: fault(injector.FaultInjection{ConnectionErrorKind: injector.TCPReset, ConnectionErrorProbability: new(1.0)}),
			check: func(t testing.TB, r reply) { require.ErrorIs(t, r.err, syscall.ECONNRESET) },
			h2:    func(t testing.TB, r reply) { require.ErrorContains(t, r.err, "stream error") }},
		{name: "closed", config: fault(injector.FaultInjection{ConnectionErrorKind: injector.TCPClose, ConnectionErrorProbability: new(1.0)}),
			check: func(t testing.TB, r reply) { require.ErrorIs(t, r.err, io.EOF) },
			h2:    func(t testing.TB, r reply) { require.Error(t, r.err) }},
		{name: "a gateway's time-out", status: 504, fault: "timeout", took: 800 * ms,
			config: fault(injector.FaultInjection{Timeout: new(800 * ms), TimeoutProbability: new(1.0)})},
		{name: "the client's time-out", took: 300 * ms, timeout: 300 * ms, check: func(t testing.TB, r reply) { require.True(t, isTimeout(r.err), r.err) },
			config: fault(injector.FaultInjection{Timeout: new(800 * ms), TimeoutProbability: new(1.0)})},
		{name: "a time-out equal to the delay", why: "the response is never late", timeout: 300 * ms, config: slow(300 * ms), status: 200, fault: "latency", took: 300 * ms},
		{name: "a partial response", status: 200, fault: "partial_response", config: fault(injector.FaultInjection{PartialResponseProbability: new(1.0)}),
			check: func(t testing.TB, r reply) {
				require.ErrorIs(t, r.err, io.ErrUnexpectedEOF)
				require.Less(t, len(r.body), len(page))
				require.True(t, strings.HasPrefix(page, r.body))
			},
			h2: func(t testing.TB, r reply) {
				require.Error(t, r.err)
				require.True(t, strings.HasPrefix(page, r.body))
			}},
		{name: "a truncated body", status: 200, fault: "payload_corruption",
			config: fault(injector.FaultInjection{CorruptionType: injector.Truncate, PayloadCorruptionProbability: new(1.0)}),
			check: func(t testing.TB, r reply) {
				require.NoError(t, r.err, "a complete response of fewer bytes")
				require.Less(t, len(r.body), len(page))
			}},
		{name: "random bytes", status: 200, fault: "payload_corruption",
			config: fault(injector.FaultInjection{CorruptionType: injector.RandomBytes, PayloadCorruptionProbability: new(1.0)}),
			check: func(t testing.TB, r reply) {
				require.Len(t, r.body, len(page))
				require.InDelta(t, len(page)/10, differing(page, r.body), float64(len(page)/20))
			}},
		{name: "flipped bits", status: 200, fault: "payload_corruption",
			config: fault(injector.FaultInjection{CorruptionType: injector.BitFlip, PayloadCorruptionProbability: new(1.0)}),
			check: func(t testing.TB, r reply) {
				require.Len(t, r.body, len(page))
				require.InDelta(t, len(page)/10, differing(page, r.body), float64(len(page)/20))
			}},
		{name: "too many", status: 429, fault: "rate_limit", config: injector.Config{RateLimit: &injector.RateLimit{RequestsPerSecond: 0.001, BurstSize: 1}},
			check: func(t testing.TB, r reply) { require.Regexp(t, `^\d+$`, r.header.Get("Retry-After")) }},
		{name: "a partition", took: 5 * time.Second, timeout: 5 * time.Second, check: func(t testing.TB, r reply) { require.True(t, isTimeout(r.err), r.err) },
			config: injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 100}}},
		{name: "bandwidth", status: 200, took: 10 * time.Second, check: func(t testing.TB, r reply) { require.Equal(t, page, r.body) },
			config: injector.Config{TrafficShaping: &injector.TrafficShaping{BandwidthLimit: 100}}, fault: "bandwidth"},
		{name: "nothing, with a probability of 0", status: 200, check: func(t testing.TB, r reply) { require.Equal(t, page, r.body) },
			config: injector.Config{Latency: &injector.Latency{FixedDelay: time.Second, Probability: new(0.0)}, FaultInjection: &injector.FaultInjection{
				HTTPErrorProbability: new(0.0), ConnectionErrorProbability: new(0.0), TimeoutProbability: new(0.0),
				PartialResponseProbability: new(0.0), PayloadCorruptionProbability: new(0.0),
			}}},
	}
	for _, tt := range tests {
		for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
			t.Run(tt.name+" over "+protocol, func(t *testing.T) {
				t.Parallel()
				faulty(t, tt.config, says(page), func(step *chaostest.Step, target *chaostest.Target) {
					client := &http.Client{Transport: over(protocol, target), Timeout: tt.timeout}
					if tt.config.RateLimit != nil {
						fetch(client, request(step, http.MethodGet, step.URL, nil)) // takes the only token
					}
					r := fetch(client, request(step, http.MethodGet, step.URL+"/page", nil))
					require.Equal(step, tt.status, r.status, "%v", r.err)
					require.Equal(step, tt.fault, r.header.Get("X-Mockforge-Fault"))
					check := tt.check
					if protocol == "HTTP/2.0" && tt.h2 != nil {
						check = tt.h2
					}
					if check == nil {
						check = func(t testing.TB, r reply) { require.NoError(t, r.err) }
					}
					check(step, r)
					switch {
					case tt.took >= 20*time.Microsecond && tt.fault != "bandwidth" && !isTimeout(r.err):
						require.Less(step, r.took, tt.took)
						require.GreaterOrEqual(step, r.took, tt.took-20*time.Microsecond)
					default:
						require.InDelta(step, tt.took, r.took, float64(20*time.Microsecond))
					}
				})
			})
		}
	}
}

func differing(a, b string) (n int) {
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}
