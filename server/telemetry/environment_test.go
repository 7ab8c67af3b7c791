package telemetry_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/mockforge-go/mockforge/server/telemetry"
)

// unset takes away what the machine may have set.
func unset(t *testing.T) {
	t.Helper()
	for _, name := range []string{"OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"} {
		t.Setenv(name, "")
	}
	for _, name := range []string{"ENDPOINT", "HEADERS", "TIMEOUT", "COMPRESSION", "PROTOCOL", "CERTIFICATE"} {
		t.Setenv("OTEL_EXPORTER_OTLP_"+name, "")
		t.Setenv("OTEL_EXPORTER_OTLP_TRACES_"+name, "")
	}
}

// Not parallel: the environment is the whole process's.
func TestFromEnvironment(t *testing.T) {
	tests := []struct {
		set  string // NAME=VALUE, separated by spaces
		on   bool
		fail string
	}{
		{set: ""},
		{set: "OTEL_TRACES_EXPORTER=none OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"},
		{set: "OTEL_SDK_DISABLED=true OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"},
		{set: "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", on: true},
		{set: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://127.0.0.1:1/x", on: true},
		{set: "OTEL_TRACES_EXPORTER=otlp", on: true},
		{set: "OTEL_TRACES_EXPORTER=zipkin", fail: `OTEL_TRACES_EXPORTER: there is no exporter "zipkin": use otlp or none`},
		{set: "OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=grpc", fail: `OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" is not supported: use http/protobuf`},
		{set: "OTEL_EXPORTER_OTLP_ENDPOINT=127.0.0.1:4318", fail: "OTEL_EXPORTER_OTLP_ENDPOINT: it is not a URL like"},
		{set: "OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_HEADERS=secret", fail: "OTEL_EXPORTER_OTLP_HEADERS: it is a list of NAME=VALUE"},
		{set: "OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_TIMEOUT=10s", fail: `OTEL_EXPORTER_OTLP_TIMEOUT: "10s" is not a positive number of milliseconds`},
		{set: "OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=zip", fail: `OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "zip" is neither gzip nor none`},
		{set: "OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_CERTIFICATE=testdata/none.pem", fail: "OTEL_EXPORTER_OTLP_CERTIFICATE: "},
	}
	for _, tt := range tests {
		t.Run(tt.set, func(t *testing.T) {
			unset(t)
			for pair := range strings.FieldsSeq(tt.set) {
				name, value, _ := strings.Cut(pair, "=")
				t.Setenv(name, value)
			}
			tracer, shutdown, err := telemetry.FromEnvironment(t.Context(), "1.2.3", slog.New(slog.DiscardHandler))
			if tt.fail != "" {
				require.ErrorContains(t, err, tt.fail)
				require.NotContains(t, err.Error(), "secret")
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, tt.on, tracer != nil)
			require.NoError(t, shutdown(t.Context()))
		})
	}
}

// What a collector is sent, after it was busy once.
func TestExport(t *testing.T) {
	unset(t)
	for _, compression := range []string{"none", "gzip"} {
		t.Run(compression, func(t *testing.T) {
			var calls atomic.Int32
			got := make(chan *tracepb.TracesData, 1)
			collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if calls.Add(1) == 1 {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				var data tracepb.TracesData
				body := io.Reader(r.Body)
				if r.Header.Get("Content-Encoding") == "gzip" {
					body, _ = gzip.NewReader(r.Body)
				}
				text, _ := io.ReadAll(body)
				if proto.Unmarshal(text, &data) == nil && r.URL.Path == "/v1/traces" && r.Header.Get("Authorization") == "Bearer a b" &&
					r.Header.Get("Content-Type") == "application/x-protobuf" && (compression == "gzip") == (r.Header.Get("Content-Encoding") == "gzip") {
					got <- &data
				}
			}))
			t.Cleanup(collector.Close)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL+"/")
			t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20a%20b,x=y")
			t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
			tracer, shutdown, err := telemetry.FromEnvironment(t.Context(), "1.2.3", slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			tracer.Handler("payments", http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/orders/7", nil))
			require.NoError(t, shutdown(t.Context()))
			data := <-got
			require.Len(t, data.ResourceSpans, 1)
			resource := map[string]string{}
			for _, a := range data.ResourceSpans[0].Resource.Attributes {
				resource[a.Key] = a.Value.GetStringValue()
			}
			require.Equal(t, "mockforge", resource["service.name"])
			require.Equal(t, "1.2.3", resource["service.version"])
			require.Equal(t, "GET /orders/{id}", data.ResourceSpans[0].ScopeSpans[0].Spans[0].Name)
		})
	}
}

// A collector that refuses is a warning, without the token.
func TestExportFails(t *testing.T) {
	unset(t)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret")
	var log bytes.Buffer
	tracer, shutdown, err := telemetry.FromEnvironment(t.Context(), "1.2.3", slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	tracer.Handler("payments", http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	require.NoError(t, shutdown(context.Background()))
	require.Contains(t, log.String(), `msg="traces were dropped"`)
	require.Contains(t, log.String(), "401 Unauthorized")
	require.NotContains(t, log.String(), "secret")
}
