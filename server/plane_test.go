package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/server"
)

// A plane is a server that runs, with clients of its own.
type plane struct {
	*testing.T
	*server.Server
	client *http.Client
}

// startPlane runs a server on loopback until the test ends.
func startPlane(t *testing.T, o server.Options) *plane {
	t.Helper()
	o.Port = server.AnyPort
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := server.New(o)
	require.NoError(t, err)
	require.NoError(t, s.Listen())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	p := &plane{T: t, Server: s}
	p.client = p.newClient("HTTP/1.1")
	t.Cleanup(func() {
		p.client.CloseIdleConnections()
		cancel()
		require.NoError(t, <-ended)
	})
	return p
}

// newClient speaks one protocol only, with TLS where the server has it.
func (p *plane) newClient(protocol string) *http.Client {
	var protocols http.Protocols
	switch {
	case protocol == "HTTP/1.1":
		protocols.SetHTTP1(true)
	case strings.HasPrefix(p.URL(), "https"):
		protocols.SetHTTP2(true)
	default:
		protocols.SetUnencryptedHTTP2(true)
	}
	transport := &http.Transport{Protocols: &protocols, TLSClientConfig: trusting(), DisableCompression: true}
	p.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// config puts a standing config in force over the API, as JSON.
func (p *plane) config(text string) {
	p.Helper()
	p.call("PUT", "/api/chaos/config", text)
}

// call uses the API and expects it to agree.
func (p *plane) call(method, path, body string) string {
	p.Helper()
	req, err := http.NewRequestWithContext(p.Context(), method, p.URL()+path, strings.NewReader(body))
	require.NoError(p, err)
	resp, err := p.client.Do(req)
	require.NoError(p, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(p, err)
	require.Equal(p, http.StatusOK, resp.StatusCode, "%s %s: %s", method, path, answer)
	return string(answer)
}

// get fetches a path and returns what there was of the answer.
func (p *plane) get(path string) (*http.Response, string, error) {
	p.Helper()
	return fetch(p.T, p.client, p.URL()+path)
}

func fetch(t *testing.T, c *http.Client, url string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := c.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// backend starts an upstream and returns its URL as Options.Upstream takes it.
func backend(t *testing.T, scheme string, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	t.Cleanup(s.Close)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	switch scheme {
	case "https":
		s.EnableHTTP2 = true
		s.StartTLS()
	case "h2c":
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		s.Start()
		return strings.Replace(s.URL, "http:", "h2c:", 1)
	default:
		s.Start()
	}
	return s.URL
}

// certificate is the one of httptest's servers, for 127.0.0.1.
func certificate(t *testing.T) *tls.Config {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return &tls.Config{Certificates: s.TLS.Certificates}
}

// trusting trusts that certificate.
func trusting() *tls.Config {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{RootCAs: pool}
}

// A route is a protocol in front of the server and one behind it.
type route struct{ front, back string }

// fronts are the protocols that clients may speak.
var fronts = []string{"HTTP/1.1", "HTTP/2", "HTTP/1.1 TLS", "HTTP/2 TLS"}

// over runs a test over every protocol in front and behind.
func over(t *testing.T, h http.HandlerFunc, f func(p *plane, r route)) {
	t.Helper()
	for _, front := range fronts {
		for _, back := range []string{"http", "https", "h2c"} {
			t.Run(strings.ReplaceAll(front, "/", "")+" to "+back, func(t *testing.T) {
				t.Parallel()
				f(startRoute(t, route{front, back}, h), route{front, back})
			})
		}
	}
}

func startRoute(t *testing.T, r route, h http.HandlerFunc) *plane {
	t.Helper()
	o := server.Options{Upstream: backend(t, r.back, h), UpstreamTLS: trusting(), Chaos: true}
	protocol, secure := strings.CutSuffix(r.front, " TLS")
	if secure {
		o.TLS = certificate(t)
	}
	p := startPlane(t, o)
	p.client = p.newClient(protocol)
	return p
}

// layers are configs that change nothing that a client can see but the time.
var layers = []struct{ name, config string }{
	{"off", `{"enabled": false}`},
	{"quiet", `{"enabled": true, "fault_injection": {"http_errors": [503], "http_error_probability": 0.000000001}}`},
	{"latency", `{"enabled": true, "latency": {"fixed_delay_ms": 5, "probability": 1}}`},
	{"bandwidth", `{"enabled": true, "traffic_shaping": {"bandwidth_limit_bps": 1000000000000}}`},
}

// noise is n bytes of which no two pieces are alike.
func noise(n int64) io.Reader {
	block := make([]byte, 1<<20+7)
	x := uint32(1)
	for i := range block {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		block[i] = byte(x)
	}
	at := 0
	return io.LimitReader(readerFunc(func(b []byte) (int, error) {
		n := copy(b, block[at:])
		at = (at + n) % len(block)
		return n, nil
	}), n)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// read reads exactly n bytes.
func read(t *testing.T, r io.Reader, n int) string {
	t.Helper()
	var b bytes.Buffer
	_, err := io.CopyN(&b, r, int64(n))
	require.NoError(t, err)
	return b.String()
}
