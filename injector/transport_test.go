package injector_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// upstream answers every request of a client with 200.
type upstream struct{}

func (upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Length": {"12"}}, Request: r, ContentLength: 12,
		Body: io.NopCloser(strings.NewReader("hello, world")),
	}, nil
}

func TestFaultsAtTheRoundTripper(t *testing.T) {
	t.Parallel()
	one := new(1.0)
	tests := []struct {
		name   string
		config injector.Config
		err    error
		dial   bool
		cut    bool
		status int
		header string
		body   string // "*": not the upstream's
		took   time.Duration
	}{
		{name: "http error", config: injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: one}},
			status: 503, header: "http_error", body: "*"},
		{name: "reset", config: injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorKind: injector.TCPReset, ConnectionErrorProbability: one}},
			err: syscall.ECONNRESET},
		{name: "close", config: injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorKind: injector.TCPClose, ConnectionErrorProbability: one}},
			err: io.EOF},
		{name: "time-out", config: injector.Config{FaultInjection: &injector.FaultInjection{TimeoutProbability: one}},
			status: 504, header: "timeout", body: "*", took: 5 * time.Second},
		{name: "partial", config: injector.Config{FaultInjection: &injector.FaultInjection{PartialResponseProbability: one}},
			status: 200, header: "partial_response", cut: true},
		{name: "corruption", config: injector.Config{FaultInjection: &injector.FaultInjection{PayloadCorruptionProbability: one}},
			status: 200, header: "payload_corruption", body: "*"},
		{name: "truncation", config: injector.Config{FaultInjection: &injector.FaultInjection{PayloadCorruptionProbability: one, CorruptionType: injector.Truncate}},
			status: 200, header: "payload_corruption", body: "*"},
		{name: "latency", config: injector.Config{Latency: &injector.Latency{FixedDelay: time.Second}},
			status: 200, header: "latency", body: "hello, world", took: time.Second},
		{name: "bandwidth", config: injector.Config{TrafficShaping: &injector.TrafficShaping{BandwidthLimit: 6}},
			status: 200, header: "bandwidth", body: "hello, world", took: 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, sequenced := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					var opts []injector.Option
					if sequenced {
						opts = append(opts, injector.WithSequencer(&sequencer{}))
					}
					seen := &events{}
					in := injector.New(append(opts, injector.WithObserver(seen))...)
					in.Apply(injector.Layer{Name: "step", Config: tt.config})
					client := &http.Client{Transport: in.RoundTripper(upstream{})}
					start := time.Now()
					resp, body, err := get(client, "http://test/x")
					require.InDelta(t, float64(tt.took), float64(time.Since(start)), float64(3*grid))
					require.Len(t, seen.requests, 1)
					require.Len(t, seen.outcomes, 1, "the request ended")
					if tt.err != nil {
						require.ErrorIs(t, err, tt.err)
						var op *net.OpError
						require.Equal(t, tt.err == syscall.ECONNRESET, errors.As(err, &op))
						return
					}
					if tt.cut {
						require.ErrorIs(t, err, io.ErrUnexpectedEOF)
						require.True(t, seen.outcomes[0].Failed)
					} else {
						require.NoError(t, err)
					}
					require.Equal(t, tt.status, resp.StatusCode)
					require.Equal(t, tt.header, resp.Header.Get("X-Mockforge-Fault"))
					require.NotNil(t, resp.Request)
					if tt.body == "*" {
						require.NotEqual(t, "hello, world", body)
						require.EqualValues(t, len(body), resp.ContentLength)
					} else if tt.body != "" {
						require.Equal(t, tt.body, body)
					}
				})
			}
		})
	}
}

func TestRoundTripperHonoursTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		in.Apply(injector.Layer{Config: injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 100}}})
		client := &http.Client{Transport: in.RoundTripper(upstream{}), Timeout: 3 * time.Second}
		start := time.Now()
		_, err := client.Post("http://test/x", "", strings.NewReader("payload"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(start))
		time.Sleep(time.Hour)
	})
}

// A RoundTripper must close the request's body, and must not change the
// request, whatever happens.
func TestRoundTripperKeepsItsContract(t *testing.T) {
	t.Parallel()
	for _, p := range []float64{0, 1} {
		in := injector.New(injector.WithSequencer(nextTurn{}))
		in.Apply(faults(injector.FaultInjection{HTTPErrorProbability: &p}))
		body := &closer{Reader: strings.NewReader("payload")}
		r, err := http.NewRequest("POST", "http://test/", body)
		require.NoError(t, err)
		r.ContentLength = 7
		resp, err := in.RoundTripper(upstream{}).RoundTrip(r)
		require.NoError(t, err)
		resp.Body.Close()
		require.True(t, body.closed, "p %v", p)
		require.Same(t, body, r.Body)
	}
}

type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

// nextTurn is a Sequencer that never makes anyone wait.
type nextTurn struct{}

func (nextTurn) Turn(_ context.Context, key func() string, decide func(time.Time)) error {
	_ = key()
	decide(time.Now())
	return nil
}

func (nextTurn) Slot() injector.Slot { return anyTime{} }

type anyTime struct{}

func (anyTime) Before(t time.Time) time.Time { return t.Add(-1) }
func (anyTime) After(t time.Time) time.Time  { return t }
func (anyTime) Release()                     {}

func TestRoundTripperRefusesConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		in.Apply(shaped(injector.TrafficShaping{MaxConnections: 1}))
		rt := in.RoundTripper(slowUpstream{})
		var wg sync.WaitGroup
		wg.Go(func() { _, _, _ = get(&http.Client{Transport: rt}, "http://test") })
		synctest.Wait()
		_, _, err := get(&http.Client{Transport: rt}, "http://test")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		wg.Wait()
		_, _, err = get(&http.Client{Transport: rt}, "http://test")
		require.NoError(t, err)
	})
}

type slowUpstream struct{ upstream }

func (u slowUpstream) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(time.Second)
	return u.upstream.RoundTrip(r)
}
