package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// A Client talks to one server. Make it with New. It is safe for concurrent
// use.
type Client struct {
	base    *url.URL // without a slash at the end
	token   string
	timeout time.Duration
	poll    time.Duration
	silence time.Duration

	again *retryablehttp.Client // for what may be sent twice
	once  *retryablehttp.Client // for what may not
	plain *http.Client          // for streams
}

// New returns a client for the server at baseURL, such as
// http://localhost:3000. A path in it is kept, for servers behind a proxy. It
// sends nothing yet.
func New(baseURL string, opts ...Option) (*Client, error) {
	base, err := parseBase(baseURL)
	if err != nil {
		return nil, err
	}
	s := settings{timeout: 30 * time.Second, poll: 500 * time.Millisecond, silence: 45 * time.Second, retryWait: 100 * time.Millisecond}
	for _, o := range opts {
		o(&s)
	}
	if s.timeout <= 0 || s.poll <= 0 {
		return nil, errors.New("client: a time-out and a poll interval must be longer than 0")
	}
	if strings.ContainsFunc(s.token, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, errors.New("client: the token must be printable ASCII; is there a line end in it?")
	}
	plain := s.http
	if plain == nil {
		plain = newHTTPClient()
	}
	return &Client{
		base: base, token: s.token, timeout: s.timeout, poll: s.poll, silence: s.silence,
		again: newRetrying(plain, s.retryWait, retryRepeatable), once: newRetrying(plain, s.retryWait, retryUnsent), plain: plain,
	}, nil
}

// URL is the server's base URL, without a slash at the end.
func (c *Client) URL() string { return c.base.String() }

func parseBase(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errors.New(`client: no base URL; a server on this machine is "http://localhost:3000"`)
	case !strings.Contains(text, "://"):
		return nil, fmt.Errorf("client: base URL %q has no scheme; did you mean %q?", text, "http://"+text)
	case err != nil:
		return nil, fmt.Errorf("client: base URL: %w", err)
	case base.Scheme != "http" && base.Scheme != "https":
		return nil, fmt.Errorf("client: base URL %q: the scheme must be http or https, not %q", text, base.Scheme)
	case base.Host == "":
		return nil, fmt.Errorf("client: base URL %q has no host", text)
	case base.User != nil:
		return nil, errors.New("client: the base URL holds a password; use WithToken")
	case base.RawQuery != "" || base.Fragment != "":
		return nil, fmt.Errorf("client: base URL %q: must end with the path", text)
	}
	base.Path, base.RawPath = strings.TrimRight(base.Path, "/"), strings.TrimRight(base.RawPath, "/")
	return base, nil
}

// newHTTPClient follows no redirects: they would turn a POST into a GET, and
// take the token along.
func newHTTPClient() *http.Client {
	transport := http.DefaultTransport
	if t, ok := transport.(*http.Transport); ok {
		transport = t.Clone()
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
