package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// tries is how often a call is sent at most: with the waits of backoff, a
// server has about a second and a half to come up.
const tries = 5

// newRetrying wraps a client so that it repeats what may be repeated. The last
// response reaches the caller, whatever it is, and nothing is logged.
func newRetrying(c *http.Client, wait time.Duration, policy retryablehttp.CheckRetry) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient:   c,
		Logger:       nil,
		RetryMax:     tries - 1,
		RetryWaitMin: wait,
		RetryWaitMax: 20 * wait,
		CheckRetry:   policy,
		Backoff:      backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// backoff doubles the wait each time. There is no jitter: one client does not
// make a crowd, and a wait that is known is easier to explain.
func backoff(least, most time.Duration, attempt int, _ *http.Response) time.Duration {
	return min(most, least<<min(attempt, 10))
}

// retryRepeatable repeats calls whose second sending changes nothing: when the
// connection fails, and when something before the server had no answer.
func retryRepeatable(ctx context.Context, response *http.Response, err error) (bool, error) {
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err != nil:
		return !hopeless(err), nil
	}
	switch response.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true, nil
	}
	return false, nil
}

// retryUnsent repeats a call only where it did not leave this machine.
func retryUnsent(ctx context.Context, _ *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" && !hopeless(err), nil
}

// hopeless errors stay the same however often one tries.
func hopeless(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var authority x509.UnknownAuthorityError
	var dns *net.DNSError
	switch {
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &authority):
		return true
	case errors.As(err, &dns):
		return dns.IsNotFound
	}
	return false
}
