package client_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server/client"
)

func TestRefusal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		want   string // URL is the server's
	}{
		{"one sentence", 409, `{"error": "an orchestration is already running: x (stop it with mockforge orchestrate stop)"}`,
			"an orchestration is already running: x (stop it with mockforge orchestrate stop)"},
		{"problems", 422, `{"error": "the orchestration is invalid", "problems": [{"line": 3, "column": 5, "path": "steps[0].scenario", "message": "unknown", "suggestion": "slow_backend"}, {"message": "also"}]}`,
			"the orchestration is invalid\n  3:5: steps[0].scenario: unknown; did you mean \"slow_backend\"?\n  also"},
		{"problems twice", 422, `{"error": "3:5: steps: bad\nalso", "problems": [{"line": 3, "column": 5, "path": "steps", "message": "bad"}, {"message": "also"}]}`,
			"the document has errors\n  3:5: steps: bad\n  also"},
		{"token", 401, `{"error": "this server wants an admin token"}`, "this server wants an admin token (HTTP 401)"},
		{"not ours", 404, "<html>nginx</html>\n", `GET URL/api/chaos/orchestration/status: 404 Not Found, and not in the words of a mockforge server: "<html>nginx</html>"`},
		{"nothing", 500, "", `GET URL/api/chaos/orchestration/status: 500 Internal Server Error, and not in the words of a mockforge server`},
		{"a page", 400, strings.Repeat("é", 1000), `GET URL/api/chaos/orchestration/status: 400 Bad Request, and not in the words of a mockforge server: "` + strings.Repeat("é", 60) + `…"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := record(t, answer(tt.status, tt.body))
			_, err := newClient(t, server.URL).Status(t.Context())
			var refused *client.Error
			require.ErrorAs(t, err, &refused)
			require.NotErrorIs(t, err, client.ErrUnreachable)
			require.Equal(t, tt.status, refused.StatusCode)
			require.Equal(t, strings.ReplaceAll(tt.want, "URL", server.URL), err.Error())
			require.Len(t, server.requests(), 1, "the answer would be the same")
		})
	}
}

// Something else listens there.
func TestForeignAnswer(t *testing.T) {
	t.Parallel()
	server := record(t, answer(http.StatusOK, "<html>"))
	_, err := newClient(t, server.URL).Status(t.Context())
	require.EqualError(t, err, "GET "+server.URL+"/api/chaos/orchestration/status: the answer is not what a mockforge server sends: invalid character '<' looking for beginning of value; is the base URL right?")
}

// A service that has an answer to everything is no mockforge server: a run that
// it was told to start would be taken for started.
func TestAnswerOfAnotherService(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		call func(context.Context, *client.Client) error
		has  string
	}{
		{"status", func(ctx context.Context, c *client.Client) error { _, err := c.Status(ctx); return err }, "is_running"},
		{"start", func(ctx context.Context, c *client.Client) error { _, err := c.StartNamed(ctx, "x", nil); return err }, "message"},
		{"stop", func(ctx context.Context, c *client.Client) error { _, err := c.Stop(ctx); return err }, "message"},
		{"run", func(ctx context.Context, c *client.Client) error { _, err := c.Run(ctx, "x"); return err }, "state"},
		{"health", func(ctx context.Context, c *client.Client) error { _, err := c.Health(ctx); return err }, "status"},
		{"chaos status", func(ctx context.Context, c *client.Client) error { _, err := c.ChaosStatus(ctx); return err }, "enabled"},
		{"config", func(ctx context.Context, c *client.Client) error { _, err := c.Config(ctx); return err }, "enabled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.call(t.Context(), newClient(t, record(t, answer(http.StatusOK, `{"path": "/"}`)).URL))
			require.ErrorContains(t, err, `: the answer is not what a mockforge server sends: it has no "`+tt.has+`"; is the base URL right?`)
		})
	}
}

// The bound on answers holds, and nobody waits for their end.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	c := newClient(t, "http://192.0.2.1", client.WithHTTPClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(spaces{})}, nil
	})}))
	_, err := c.Export(t.Context(), "x", orchestrator.YAML)
	require.EqualError(t, err, "GET http://192.0.2.1/api/chaos/orchestrations/x/export?format=yaml: the answer is larger than 33554432 bytes")
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// What is sent how often, and with which waits between.
func TestRepeats(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	unknown := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}}
	get := func(ctx context.Context, c *client.Client) error { _, err := c.Status(ctx); return err }
	put := func(ctx context.Context, c *client.Client) error {
		_, err := c.SetConfig(ctx, []byte(`{}`))
		return err
	}
	start := func(ctx context.Context, c *client.Client) error {
		_, err := c.StartNamed(ctx, "x", nil)
		return err
	}
	remove := func(ctx context.Context, c *client.Client) error { _, err := c.Delete(ctx, "x"); return err }
	tests := []struct {
		name string
		call func(context.Context, *client.Client) error
		// What the transport does: the last entry goes on for ever.
		errs    []error
		status  int
		sent    int
		elapsed time.Duration
		lost    bool // ErrUnreachable
		why     string
	}{
		{"read, refused", get, []error{refused}, 0, 5, 1500 * time.Millisecond, true, "100, 200, 400 and 800 ms"},
		{"read, refused at first", get, []error{refused, refused, nil}, 200, 3, 300 * time.Millisecond, false, "a server that starts"},
		{"read, reset", get, []error{reset, nil}, 200, 2, 100 * time.Millisecond, false, ""},
		{"read, unknown host", get, []error{unknown}, 0, 1, 0, true, "a typing mistake does not go away"},
		{"read, gateway", get, []error{nil}, 502, 5, 1500 * time.Millisecond, false, "and the last response is told"},
		{"read, server error", get, []error{nil}, 500, 1, 0, false, ""},
		{"write, reset", put, []error{reset, nil}, 200, 2, 100 * time.Millisecond, false, "the same again is the same"},
		{"start, refused at first", start, []error{refused, refused, nil}, 200, 3, 300 * time.Millisecond, false, "nothing was sent"},
		{"start, unknown host", start, []error{unknown, nil}, 200, 1, 0, true, "a typing mistake does not go away"},
		{"read, wrong certificate", get, []error{x509.UnknownAuthorityError{}, nil}, 200, 1, 0, true, "nor does that"},
		{"start, reset", start, []error{reset, nil}, 200, 1, 0, true, "the run may have begun"},
		{"start, gateway", start, []error{nil}, 503, 1, 0, false, "the run may have begun"},
		{"delete, reset", remove, []error{reset, nil}, 200, 1, 0, true, "the second answer would be 404"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				c := newClient(t, "http://h", client.WithHTTPClient(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					if r.Body != nil {
						body, err := io.ReadAll(r.Body)
						require.NoError(t, err)
						require.NotEmpty(t, body, "each sending has the whole body")
					}
					err := tt.errs[min(sent, len(tt.errs)-1)]
					sent++
					if err != nil {
						return nil, err
					}
					return response(tt.status, `{"is_running": false, "message": "done"}`), nil
				})}))
				began := time.Now()
				err := tt.call(t.Context(), c)
				require.Equal(t, tt.elapsed, time.Since(began), tt.why)
				require.Equal(t, tt.sent, sent, tt.why)
				require.Equal(t, tt.lost, errors.Is(err, client.ErrUnreachable), "%v", err)
				var refused *client.Error
				switch {
				case tt.status == 200 && !tt.lost:
					require.NoError(t, err)
				case errors.As(err, &refused):
					require.Equal(t, tt.status, refused.StatusCode)
				default:
					require.True(t, tt.lost)
				}
			})
		})
	}
}

// A real connection that is cut after the request: the start is not repeated.
func TestStartOnce(t *testing.T) {
	t.Parallel()
	server := record(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			conn.Close()
		}
	})
	_, err := newClient(t, server.URL).StartNamed(t.Context(), "x", nil)
	require.ErrorIs(t, err, client.ErrUnreachable)
	require.EqualError(t, err, "the server cannot be reached: POST "+server.URL+"/api/chaos/orchestration/start: EOF")
	require.Len(t, server.requests(), 1)
}

// A real port at which nobody listens.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	_, err := newClient(t, "http://127.0.0.1:1").Stop(t.Context())
	require.ErrorIs(t, err, client.ErrUnreachable)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.NotContains(t, err.Error(), "giving up")
}

// A server that takes the request and says nothing.
func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "http://h", client.WithTimeout(7*time.Second), client.WithHTTPClient(&http.Client{Transport: roundTrip(silent)}))
		began := time.Now()
		_, err := c.Status(t.Context())
		require.ErrorIs(t, err, client.ErrUnreachable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.EqualError(t, err, "the server cannot be reached: GET http://h/api/chaos/orchestration/status: no answer within 7s: context deadline exceeded")
		require.Equal(t, 7*time.Second, time.Since(began))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.Status(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, client.ErrUnreachable, "the caller's own deadline says nothing about the server")
	})
}

func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
