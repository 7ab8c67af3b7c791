package server

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// A forwarder sends requests to an upstream. It is the seam behind which a
// faster path can take the place of httputil.ReverseProxy: nothing else of the
// data plane knows how a request gets there.
type forwarder interface{ http.Handler }

// newForwarder forwards to an upstream; nil is the echo.
func newForwarder(target string, upstream *url.URL, t *transports, o Options) forwarder {
	if upstream == nil {
		return echo{target}
	}
	plain := *upstream
	h2c := plain.Scheme == "h2c"
	if h2c {
		plain.Scheme = "http"
	}
	failures := &sparing{log: o.Logger}
	return &proxy{httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.RawQuery = r.In.URL.RawQuery // what cannot be parsed too
			r.SetURL(&plain)
			if o.TrustForwarded {
				r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			}
			r.SetXForwarded()
			r.Out.Trailer = r.In.Trailer // its values come with the end of the body
		},
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			again, settled := rewindable(r, h2c)
			defer settled()
			return t.of(h2c, r).RoundTrip(again)
		}),
		ModifyResponse: func(r *http.Response) error {
			if len(r.Trailer) > 0 {
				r.Header.Del("Content-Length") // HTTP/2 has it beside trailers, HTTP/1.1 only instead of them
			}
			return nil
		},
		BufferPool: &t.buffers,
		ErrorLog:   slog.NewLogLogger(o.Logger.With("target", target).Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				panic(http.ErrAbortHandler) // the client has left, or its answer was cut off
			}
			failures.warn("upstream failed", "target", target, "method", r.Method, "path", r.URL.Path, "error", err)
			writeError(w, http.StatusBadGateway, "the upstream of target "+target+" cannot be reached: "+rootCause(err))
		},
	}}
}

// A proxy forwards with httputil.ReverseProxy.
type proxy struct{ httputil.ReverseProxy }

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect {
		w.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
		writeError(w, http.StatusMethodNotAllowed, "CONNECT: this server forwards to its own upstreams only, and tunnels nowhere")
		return
	}
	if r.ContentLength != 0 && r.ProtoMajor == 1 {
		// An upstream may begin its answer before it has read all of the request.
		_ = http.NewResponseController(w).EnableFullDuplex() // a ResponseWriter that cannot is one that need not
	}
	p.ReverseProxy.ServeHTTP(&promptWriter{ResponseWriter: w}, r)
}

// rootCause leaves out what a client has no use for.
func rootCause(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Error()
	}
	return err.Error()
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// transports are shared by all targets. Connections are kept in plenty: a proxy
// that runs out of idle connections dials for every request.
type transports struct {
	standard *http.Transport
	h2c      *http.Transport // HTTP/2 without TLS
	buffers  bufferPool
}

func newTransports(config *tls.Config) *transports {
	fresh := func() *http.Transport {
		return &http.Transport{
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:       config.Clone(),
			TLSHandshakeTimeout:   10 * time.Second,
			ExpectContinueTimeout: time.Second,
			MaxIdleConnsPerHost:   4096,
			IdleConnTimeout:       90 * time.Second,
			DisableCompression:    true,
			ForceAttemptHTTP2:     true,
		}
	}
	t := &transports{standard: fresh(), h2c: fresh()}
	var only http.Protocols
	only.SetUnencryptedHTTP2(true)
	t.h2c.Protocols = &only
	return t
}

// of chooses HTTP/2 for an upstream that was said to speak it, and for gRPC,
// which knows nothing else.
func (t *transports) of(h2c bool, r *http.Request) *http.Transport {
	if h2c || r.URL.Scheme == "http" && injector.ProtocolOf(r) == injector.ProtocolGRPC {
		return t.h2c
	}
	return t.standard
}

func (t *transports) close() {
	t.standard.CloseIdleConnections()
	t.h2c.CloseIdleConnections()
}

// bufferSize is large enough for streams to run at the speed of the network.
const bufferSize = 64 << 10

// A bufferPool lends the buffers that responses are copied with.
type bufferPool struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (p *bufferPool) Get() []byte {
	if b, ok := p.pool.Get().(*[bufferSize]byte); ok {
		return b[:]
	}
	return new([bufferSize]byte)[:]
}

// Put implements httputil.BufferPool.
func (p *bufferPool) Put(b []byte) {
	if cap(b) >= bufferSize {
		p.pool.Put((*[bufferSize]byte)(b[:bufferSize]))
	}
}
