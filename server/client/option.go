package client

import (
	"net/http"
	"time"
)

// An Option changes what New returns.
type Option func(*settings)

type settings struct {
	token     string
	http      *http.Client
	timeout   time.Duration
	poll      time.Duration
	silence   time.Duration
	retryWait time.Duration
}

// WithToken sends the server's admin token with every call.
func WithToken(token string) Option { return func(s *settings) { s.token = token } }

// WithHTTPClient makes the calls with c, for a proxy or TLS settings of one's
// own. Default: a client that follows no redirects. A Timeout of c ends event
// streams too.
func WithHTTPClient(c *http.Client) Option { return func(s *settings) { s.http = c } }

// WithTimeout bounds each call as a whole, repetitions included. It bounds
// neither Wait nor Events, only the calls that Wait makes. Default: 30 s.
func WithTimeout(d time.Duration) Option { return func(s *settings) { s.timeout = d } }

// WithPollInterval is how often Wait looks. Default: 500 ms.
func WithPollInterval(d time.Duration) Option { return func(s *settings) { s.poll = d } }
