package orchestrator

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// request is the operation of the document's load: one HTTP request. It fails
// on an error, a 5xx or a 429.
func (r *Run) request(t *Traffic) func(context.Context) error {
	target := t.Target
	if target == "" {
		target = r.Targets()[0]
	}
	method := t.Method
	if method == "" {
		method = http.MethodGet
	}
	path := t.Path
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	timeout := t.Timeout
	if timeout == 0 {
		timeout = DefaultTrafficTimeout
	}
	url := r.opts.URL(target) + path
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		var body io.Reader
		if t.Body != "" {
			body = strings.NewReader(t.Body)
		}
		req, err := http.NewRequestWithContext(ctx, method, url, body)
		if err != nil {
			return err
		}
		for name, value := range t.Headers {
			if strings.EqualFold(name, "Host") {
				req.Host = value
				continue
			}
			req.Header.Set(name, value)
		}
		resp, err := r.opts.Client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		if FailedStatus(resp.StatusCode) {
			return fmt.Errorf("%s %s: %s", method, path, resp.Status)
		}
		return nil
	}
}

// FailedStatus reports whether a response counts as failed for its caller: a
// 5xx or a 429.
func FailedStatus(code int) bool { return code >= 500 || code == http.StatusTooManyRequests }
