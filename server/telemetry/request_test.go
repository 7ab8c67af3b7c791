package telemetry_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/server"
	"github.com/mockforge-go/mockforge/server/telemetry"
)

// A traced server is one whose spans are kept.
type traced struct {
	*server.Server
	t     *testing.T
	spans *tracetest.InMemoryExporter
}

func serve(t *testing.T, opts server.Options) *traced {
	t.Helper()
	kept := tracetest.NewInMemoryExporter()
	opts.Port, opts.Logger = server.AnyPort, slog.New(slog.DiscardHandler)
	opts.Tracer = telemetry.New(sdk.NewTracerProvider(sdk.WithSyncer(kept)))
	s, err := server.New(opts)
	require.NoError(t, err)
	require.NoError(t, s.Listen())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return &traced{Server: s, t: t, spans: kept}
}

// span waits for the only span of that name.
func (s *traced) span(name string) (found tracetest.SpanStub) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		n := 0
		for _, span := range s.spans.GetSpans() {
			if span.Name == name {
				found = span
				n++
			}
		}
		return n == 1
	}, time.Minute, 5*time.Millisecond, name)
	return found
}

func attributes(s tracetest.SpanStub) map[string]any {
	out := map[string]any{}
	for _, a := range s.Attributes {
		out[string(a.Key)] = a.Value.AsInterface()
	}
	return out
}

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	parent  = "00-" + traceID + "-b7ad6b7169203331-01"
)

// send sends a request in the middle of a trace.
func (s *traced) send(method, path, body string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, method, s.URL()+path, strings.NewReader(body))
	require.NoError(s.t, err)
	q.Header.Set("Traceparent", parent)
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return // a fault may be just that
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // may be cut off
}

func TestRequestSpan(t *testing.T) {
	t.Parallel()
	one := new(1.0)
	tests := []struct {
		name   string
		config injector.Config
		status codes.Code
		want   map[string]any // nil: absent
	}{
		{"untouched", injector.Config{}, codes.Unset, map[string]any{
			"http.response.status_code": int64(200), "http.request.method": "POST", "http.route": "/orders/{id}", "url.path": "/orders/7",
			"mockforge.target": "default", "client.address": "127.0.0.1", "network.protocol.version": "1.1",
			"mockforge.chaos.fault": nil, "mockforge.chaos.step": nil, "error.type": nil,
		}},
		{"http error", injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: one}}, codes.Error, map[string]any{
			"http.response.status_code": int64(503), "mockforge.chaos.fault": []string{"http_error"}, "mockforge.chaos.step": []string{"config"},
			"mockforge.chaos.outcome": "http_error", "error.type": "Service Unavailable", "mockforge.chaos.injected_latency_ms": nil,
		}},
		{"masked", injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{404}, HTTPErrorProbability: one, TimeoutProbability: one}}, codes.Unset, map[string]any{
			"mockforge.chaos.fault": []string{"http_error"}, "error.type": nil,
		}},
		{"latency", injector.Config{Latency: &injector.Latency{FixedDelay: 20 * time.Millisecond}}, codes.Unset, map[string]any{
			"http.response.status_code": int64(200), "mockforge.chaos.fault": []string{"latency"}, "mockforge.chaos.injected_latency_ms": 20.0, "mockforge.chaos.outcome": nil,
		}},
		{"reset", injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorProbability: one, ConnectionErrorKind: injector.TCPReset}}, codes.Error, map[string]any{
			"http.response.status_code": nil, "mockforge.chaos.fault": []string{"connection_error"}, "error.type": "connection_error",
		}},
		{"partial", injector.Config{FaultInjection: &injector.FaultInjection{PartialResponseProbability: one}}, codes.Error, map[string]any{
			"http.response.status_code": nil, "mockforge.chaos.outcome": "partial_response", "error.type": "partial_response",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, server.Options{Chaos: true, Config: tt.config})
			s.send("POST", "/orders/7?token=secret", "secret")
			span := s.span("POST /orders/{id}")
			require.Equal(t, trace.SpanKindServer, span.SpanKind)
			require.Equal(t, traceID, span.SpanContext.TraceID().String())
			require.Equal(t, "b7ad6b7169203331", span.Parent.SpanID().String())
			require.Equal(t, tt.status, span.Status.Code)
			got := attributes(span)
			for key, want := range tt.want {
				require.Equal(t, want, got[key], key)
			}
			for key, value := range got {
				require.NotContains(t, fmt.Sprint(value), "secret", key)
			}
		})
	}
}

// A span has the interruptions that happened.
func TestInterruptedCallSpan(t *testing.T) {
	t.Parallel()
	for after, want := range map[int][]string{1: {"latency", "stream_interruption"}, 3: {"latency"}} {
		s := serve(t, server.Options{Chaos: true, Config: injector.Config{
			Latency: &injector.Latency{FixedDelay: time.Millisecond},
			GRPC:    &injector.GRPC{StreamInterruptionProbability: new(1.0), InterruptAfterMessages: [2]int{after, after}},
		}})
		resp, err := http.Post(s.URL()+"/shop.Payments/Charge", "application/grpc", strings.NewReader("\x00\x00\x00\x00\x02hi"))
		require.NoError(t, err)
		resp.Body.Close()
		got := attributes(s.span("POST /shop.Payments/Charge"))
		require.Equal(t, want, got["mockforge.chaos.fault"])
		require.Equal(t, []string{"config"}, got["mockforge.chaos.step"])
	}
}

// The upstream's spans are children of the server's.
func TestTraceGoesOnUpstream(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Get("Traceparent") }))
	t.Cleanup(upstream.Close)
	s := serve(t, server.Options{Upstream: upstream.URL})
	s.send("GET", "/", "")
	require.Equal(t, "00-"+traceID+"-"+s.span("GET /").SpanContext.SpanID().String()+"-01", <-seen)
}

// A handler must not change the request that it was given.
func TestRequestStaysAsItWas(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/", nil)
	inside := ""
	telemetry.New(sdk.NewTracerProvider()).Handler("default", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		inside = r.Header.Get("Traceparent")
	})).ServeHTTP(httptest.NewRecorder(), r)
	require.NotEmpty(t, inside)
	require.Empty(t, r.Header.Get("Traceparent"))
}

// A method that nobody knows is named alike each time, and the API makes no
// spans.
func TestOtherTraffic(t *testing.T) {
	t.Parallel()
	s := serve(t, server.Options{})
	s.send("GET", "/api/chaos/status", "")
	s.send("GET", "/health", "")
	s.send("BREW", "/pot", "")
	span := s.span("HTTP")
	require.Equal(t, "_OTHER", attributes(span)["http.request.method"])
	require.Len(t, s.spans.GetSpans(), 1)
}

func TestUpgradeIsTraced(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		_, _ = io.CopyN(conn, rw, 4)
	}))
	t.Cleanup(upstream.Close)
	s := serve(t, server.Options{Upstream: upstream.URL})
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/socket", nil)
	require.NoError(t, err)
	q.Header.Set("Connection", "Upgrade")
	q.Header.Set("Upgrade", "echo")
	resp, err := http.DefaultTransport.RoundTrip(q)
	require.NoError(t, err)
	require.Equal(t, 101, resp.StatusCode)
	conn := resp.Body.(io.ReadWriteCloser)
	_, err = conn.Write([]byte("ping"))
	require.NoError(t, err)
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, "ping", string(got))
	require.NoError(t, conn.Close())
	require.Equal(t, attribute.IntValue(101).AsInterface(), attributes(s.span("GET /socket"))["http.response.status_code"])
}
