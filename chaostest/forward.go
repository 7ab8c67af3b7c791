package chaostest

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"

	"github.com/mockforge-go/mockforge/injector"
)

// forwarder sends requests on to what accepts at a backend's listener. A server
// there sees what it would see without the harness in between, and its client
// too: where it hangs up without an answer, so does the target.
func (e *Env) forwarder(b *backend) http.Handler {
	transport := func(version func(*http.Protocols, bool)) *http.Transport {
		var protocols http.Protocols
		version(&protocols, true)
		t := &http.Transport{
			DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return b.dial(ctx) },
			Protocols:           &protocols,
			MaxIdleConnsPerHost: 256,
			DisableCompression:  true,
		}
		e.forwarders = append(e.forwarders, t)
		return t
	}
	http1, http2 := transport((*http.Protocols).SetHTTP1), transport((*http.Protocols).SetUnencryptedHTTP2)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", b.listener.Addr().String()
			r.Out.URL.RawQuery = r.In.URL.RawQuery // what cannot be parsed too
			r.Out.Trailer = r.In.Trailer           // its values come with the end of the body
		},
		Transport: roundTripperFunc(func(r *http.Request) (*http.Response, error) {
			if injector.ProtocolOf(r) == injector.ProtocolGRPC {
				return http2.RoundTrip(r)
			}
			return http1.RoundTrip(r)
		}),
		FlushInterval: -1,
		ModifyResponse: func(r *http.Response) error {
			if len(r.Trailer) > 0 {
				r.Header.Del("Content-Length") // HTTP/2 has it beside trailers, HTTP/1.1 only instead of them
			}
			return nil
		},
		ErrorLog:     e.serverLog(b.target.Name),
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 && r.ProtoMajor == 1 {
			_ = http.NewResponseController(w).EnableFullDuplex() // a server may answer before it has read everything
		}
		proxy.ServeHTTP(w, r)
	})
}
