package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// transport implements driver.
func (s *Server) transport() http.RoundTripper { return s.load }

// url implements driver. A document without targets means the only one there
// is.
func (s *Server) url(target string) string {
	t := s.plane.find(target)
	if t == nil {
		t = s.plane.targets[0]
	}
	return t.url(s.scheme(), s.address())
}

// newLoadTransport reaches the server's own targets, whatever host their URL
// names, and nothing else.
func (s *Server) newLoadTransport() *http.Transport {
	t := newTransports(s.opts.UpstreamTLS).standard
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(s.address().String())
		if err != nil {
			return nil, err
		}
		return dialer.DialContext(ctx, network, net.JoinHostPort(host, port))
	}
	if s.opts.TLS != nil {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // the server talks to itself, over loopback
	}
	return t
}
