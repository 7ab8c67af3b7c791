package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/server"
)

// message is one of gRPC, with its prefix.
const message = "\x00\x00\x00\x00\x02hi"

// answersCalls answers a call with one message.
func answersCalls(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/grpc")
	_, _ = io.WriteString(w, message)
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
}

// An interruption is counted where it happens, and not where the call has ended
// before; together with other faults of its request it is one trigger.
func TestInterruptionsAreCounted(t *testing.T) {
	t.Parallel()
	series := `mockforge_chaos_faults_total{endpoint="POST /shop.Payments/Charge",fault_type="stream_interruption"}`
	for _, tt := range []struct {
		name            string
		after           int
		latency         *injector.Latency
		status          string
		faults, counted int
		triggers        int
	}{
		{"spared", 3, nil, "0", absent, 0, 0},
		{"broken off", 2, nil, "14", 3, 3, 3},
		{"spared and late", 3, &injector.Latency{FixedDelay: 1}, "0", absent, 0, 3},
		{"broken off and late", 2, &injector.Latency{FixedDelay: 1}, "14", 3, 3, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := serveLive(t, server.Options{Chaos: true, Upstream: backend(t, "h2c", http.HandlerFunc(answersCalls)), Config: injector.Config{
				Latency: tt.latency,
				GRPC:    &injector.GRPC{StreamInterruptionProbability: new(1.0), InterruptAfterMessages: [2]int{tt.after, tt.after}},
			}})
			client := &http.Client{Transport: &http.Transport{Protocols: new(http.Protocols)}}
			client.Transport.(*http.Transport).Protocols.SetUnencryptedHTTP2(true)
			defer client.CloseIdleConnections()
			for range 3 {
				resp, err := client.Post(l.URL()+"/shop.Payments/Charge", "application/grpc", strings.NewReader(message))
				require.NoError(t, err)
				_, err = io.Copy(io.Discard, resp.Body)
				require.NoError(t, err)
				resp.Body.Close()
				require.Equal(t, tt.status, resp.Trailer.Get("Grpc-Status"))
			}
			l.reaches(map[string]float64{
				`mockforge_chaos_requests_total{protocol="grpc",status="2xx",target="default"}`: 3,
				series: float64(tt.faults), "mockforge_chaos_triggers_total": float64(tt.triggers),
			})
			var stats server.Stats
			require.Equal(t, 200, l.call("GET", "/api/chaos/stats", nil, &stats))
			require.EqualValues(t, tt.counted, stats.FaultsTotalByType["stream_interruption"])
		})
	}
}

// gRPC-Web is HTTP/1.1 as well as HTTP/2: an upstream gets what it speaks.
func TestGRPCWebIsForwarded(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"application/grpc": "HTTP/2.0", "application/grpc+proto": "HTTP/2.0", "application/grpc;x=y": "HTTP/2.0",
		"application/grpc-web": "HTTP/1.1", "application/grpc-web+proto": "HTTP/1.1", "application/grpc-web-text": "HTTP/1.1",
	} {
		upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
		upstream.Config.Protocols = new(http.Protocols)
		upstream.Config.Protocols.SetHTTP1(true)
		upstream.Config.Protocols.SetUnencryptedHTTP2(want == "HTTP/2.0")
		upstream.Start()
		l := serveLive(t, server.Options{Upstream: upstream.URL})
		resp, err := http.Post(l.URL()+"/shop.Payments/Charge", kind, strings.NewReader(message))
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, want, string(body), kind)
		upstream.Close()
	}
}
