package matrix_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/stretchr/testify/require"
)

// HTTP/2 without TLS, straight to the chaos server: many requests at once on
// one connection.
func TestHTTP2Cleartext(t *testing.T) {
	t.Parallel()
	var client *http.Client
	var dials atomic.Int64
	o := document(slow("slow", 500*time.Millisecond, 10*time.Second), outage("outage", 10*time.Second), quiet("healed", time.Second))
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		if step.Spec.Name == "healed" {
			_, err := fetch(step.Context(), client, step.URL)
			require.NoError(step, err)
			require.EqualValues(step, 1, dials.Load())
			return
		}
		step.Load(100, func(ctx context.Context) error {
			resp, err := fetch(ctx, client, step.URL)
			if resp != nil && resp.Proto != "HTTP/2.0" {
				step.Errorf("protocol %s, want HTTP/2.0", resp.Proto)
			}
			return err
		})
		step.Expect(assert.Operations().Equal(1000))
		if step.Spec.Name == "outage" {
			step.Expect(assert.ErrorRate().Equal(1))
			return
		}
		step.Expect(assert.ErrorRate().Equal(0), assert.Max().AtMost(500*time.Millisecond), assert.Latency(0.01).AtLeast(500*time.Millisecond-grid))
	}, chaostest.Setup(func(env *chaostest.Env) {
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		client = &http.Client{Transport: &http.Transport{
			Protocols: protocols,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				dials.Add(1)
				return env.Target("default").Dial(ctx, network, addr)
			},
		}}
		env.Cleanup(client.CloseIdleConnections)
	}))
}

// HTTP/2 with TLS, by httptest: an edge of the user's own in front of the
// chaos, with a certificate that has to be valid at the virtual time.
func TestHTTP2TLS(t *testing.T) {
	t.Parallel()
	var edge *httptest.Server
	o := document(slow("slow", 200*time.Millisecond, 5*time.Second), outage("outage", 5*time.Second))
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		step.Load(40, func(ctx context.Context) error {
			resp, err := fetch(ctx, edge.Client(), edge.URL)
			if resp != nil && (resp.Proto != "HTTP/2.0" || resp.TLS == nil) {
				step.Errorf("protocol %s, TLS %t", resp.Proto, resp.TLS != nil)
			}
			return err
		})
		step.Expect(assert.Operations().Equal(200))
		if step.Spec.Name == "outage" {
			step.Expect(assert.ErrorRate().Equal(1))
			return
		}
		step.Expect(assert.ErrorRate().Equal(0), assert.Max().AtMost(200*time.Millisecond), assert.Latency(0.01).AtLeast(200*time.Millisecond-grid))
	}, chaostest.Setup(func(env *chaostest.Env) {
		target, err := url.Parse(env.URL)
		require.NoError(env, err)
		proxy := httputil.NewSingleHostReverseProxy(target)
		proxy.Transport = env.Client().Transport
		l := newPipeListener()
		edge = &httptest.Server{Listener: l, Config: &http.Server{Handler: proxy}, EnableHTTP2: true}
		edge.StartTLS()
		env.Cleanup(edge.Close)
		edge.Client().Transport.(*http.Transport).DialContext = l.DialContext
	}))
}

// A response that is streamed arrives piece by piece, in its own time.
func TestServerSentEvents(t *testing.T) {
	t.Parallel()
	upstream := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 4 {
			_, _ = io.WriteString(w, "data: x\n\n")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Second)
		}
	})
	chaostest.RunOrchestration(t, document(slow("stream", 100*time.Millisecond, time.Minute)), func(step *chaostest.Step) {
		began := time.Now()
		resp, err := step.Client().Get(step.URL)
		require.NoError(step, err)
		defer resp.Body.Close()
		event := make([]byte, len("data: x\n\n"))
		for i := range 4 {
			_, err := io.ReadFull(resp.Body, event)
			require.NoError(step, err)
			requireAfter(step, 100*time.Millisecond+time.Duration(i)*time.Second-grid, time.Since(began), 2)
		}
	}, chaostest.Upstream(upstream))
}
