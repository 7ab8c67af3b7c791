package chaostest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// remotePatience is how long one call of a server's API may take.
const remotePatience = 5 * time.Second

// A remoteServer is a running mockforge server. It is safe for concurrent use
// once a run was started.
type remoteServer struct {
	base   string // without a slash at the end
	token  string
	client *http.Client
	run    string // its id

	patience time.Duration // for one call, and for signs of a start without an answer
}

func newRemoteServer(base, token string) (*remoteServer, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("chaostest.Remote(%q): that is not the URL of a server, such as http://127.0.0.1:3000", base)
	}
	return &remoteServer{
		base: strings.TrimRight(base, "/"), token: token, patience: remotePatience,
		client: &http.Client{Timeout: remotePatience, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}},
	}, nil
}

func (s *remoteServer) close() { s.client.CloseIdleConnections() }

// A remoteTarget is a target as the server describes it.
type remoteTarget struct{ Name, URL string }

// targets asks for the server's targets, with absolute URLs.
func (s *remoteServer) targets(ctx context.Context) ([]remoteTarget, error) {
	var status struct{ Targets []remoteTarget }
	if err := s.call(ctx, http.MethodGet, "/status", nil, &status); err != nil {
		return nil, err
	}
	if len(status.Targets) == 0 { // it has one at least
		return nil, fmt.Errorf("%s is not a mockforge server: what it answers to GET /api/chaos/status has no targets", s.base)
	}
	for i, t := range status.Targets {
		switch {
		case t.URL == "":
			t.URL = s.base
		case strings.HasPrefix(t.URL, "/"):
			t.URL = s.base + t.URL
		}
		status.Targets[i].URL = strings.TrimRight(t.URL, "/")
	}
	return status.Targets, nil
}

// Report implements orchestrator.Leader. The status is that of the last run,
// which may be somebody else's by now.
func (s *remoteServer) Report(ctx context.Context) (orchestrator.Report, error) {
	report, err := s.last(ctx)
	if err != nil || report.ID == s.run {
		return report, err
	}
	report = orchestrator.Report{}
	err = s.call(ctx, http.MethodGet, "/orchestration/history/"+url.PathEscape(s.run), nil, &report)
	return report, err
}

// Stop implements orchestrator.Leader. A run of somebody else's goes on.
func (s *remoteServer) Stop(ctx context.Context) error {
	status, err := s.last(ctx)
	if err != nil {
		return err
	}
	if status.ID != s.run || status.State.Ended() {
		return nil
	}
	return s.call(ctx, http.MethodPost, "/orchestration/stop", nil, nil)
}

// call makes one call of the API.
func (s *remoteServer) call(ctx context.Context, method, path string, body []byte, answer any) error {
	path = "/api/chaos" + path
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		if cause, ok := errors.AsType[*url.Error](err); ok {
			err = cause.Err
		}
		return fmt.Errorf("no mockforge server answers at %s: %w: start one with mockforge serve --chaos, or correct the URL of chaostest.Remote", s.base, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return fmt.Errorf("%s %s%s: %w", method, s.base, path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return s.refused(method+" "+path, resp, text)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s is not a mockforge server: it answers %s %s with %s that is no JSON", s.base, method, path, resp.Header.Get("Content-Type"))
	}
	return nil
}

// refused says what the server has against a call.
func (s *remoteServer) refused(call string, resp *http.Response, text []byte) error {
	var answer struct{ Error string }
	if json.Unmarshal(text, &answer) != nil || answer.Error == "" {
		return fmt.Errorf("%s is not a mockforge server: it answers %s with %s", s.base, call, resp.Status)
	}
	message := fmt.Sprintf("the server at %s: %s", s.base, answer.Error)
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
		message += ": give its admin token to chaostest.RemoteToken, or set CHAOSTEST_REMOTE_TOKEN"
	}
	return &refusedError{message}
}

// hostPort is where to dial for a URL.
func hostPort(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	port := u.Port()
	switch {
	case port == "" && u.Scheme == "https":
		port = "443"
	case port == "":
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}
