package injector_test

import (
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// greets begins its answer, and then takes its time: until its client has
// sent everything.
var greets = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	_, _ = w.Write(make([]byte, 1000))
	_ = http.NewResponseController(w).Flush()
	_, _ = io.Copy(io.Discard, r.Body)
})

// listens sends its header, and its body once the client has sent everything.
var listens = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	_, _ = io.Copy(io.Discard, r.Body)
})

// A response that ends early ends the request too, also on HTTP/2, where the
// client's stream is open until the handler returns.
func TestAbortedResponseOfAnOpenStream(t *testing.T) {
	t.Parallel()
	partial := injector.FaultInjection{PartialResponseProbability: new(1.0)}
	replaced := partial
	replaced.Rewrite = &injector.Rewrite{Body: new("something else")}
	tests := map[string]struct {
		upstream http.Handler
		config   injector.Config
	}{
		"partial":  {greets, injector.Config{FaultInjection: &partial}},
		"replaced": {listens, injector.Config{FaultInjection: &replaced}},
		// By that seed the request gets there, and its answer is lost.
		"lost": {listens, injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 50, ConnectionTimeout: new(time.Millisecond)}}},
	}
	for name, tt := range tests {
		for _, through := range []string{"handler", "proxy"} {
			t.Run(name+" "+through, func(t *testing.T) {
				t.Parallel()
				ended := make(chan bool)
				upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					tt.upstream.ServeHTTP(w, r)
					close(ended)
				})
				in := injector.New(injector.WithSeed(1))
				in.Apply(injector.Layer{Config: tt.config})
				var h http.Handler = upstream
				if through == "proxy" {
					to, err := url.Parse(serveH2C(t, upstream))
					require.NoError(t, err)
					proxy := httputil.NewSingleHostReverseProxy(to)
					proxy.Transport = h2c(t).Transport
					h = proxy
				}
				client, base := seam(t, "handler", in, h)
				body, send := io.Pipe()
				defer send.Close()
				go func() { _, _ = send.Write([]byte("hello")) }()
				failed := make(chan error, 1)
				go func() {
					resp, err := client.Post(base, "text/plain", body)
					if err == nil {
						_, err = io.ReadAll(resp.Body)
						resp.Body.Close()
					}
					failed <- err
				}()
				select {
				case err := <-failed:
					require.ErrorContains(t, err, "stream error")
				case <-time.After(10 * time.Second):
					t.Fatal("the client waits for an end")
				}
				select {
				case <-ended:
				case <-time.After(10 * time.Second):
					t.Fatal("the upstream is not told")
				}
			})
		}
	}
}
