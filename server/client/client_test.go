package client_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/server/client"
)

func TestNew(t *testing.T) {
	t.Parallel()
	tests := []struct {
		url  string
		want string // the URL, or the error
		opts []client.Option
	}{
		{"http://localhost:3000", "http://localhost:3000", nil},
		{"http://localhost:3000/", "http://localhost:3000", nil},
		{"https://example.com/mock/forge//", "https://example.com/mock/forge", nil},
		{"http://[::1]:3000", "http://[::1]:3000", nil},
		{"", `no base URL; a server on this machine is "http://localhost:3000"`, nil},
		{"localhost:3000", `base URL "localhost:3000" has no scheme; did you mean "http://localhost:3000"?`, nil},
		{"127.0.0.1:3000", `base URL "127.0.0.1:3000" has no scheme; did you mean "http://127.0.0.1:3000"?`, nil},
		{"ftp://localhost", `the scheme must be http or https, not "ftp"`, nil},
		{"http://", `has no host`, nil},
		{"http://h/?x=1", `must end with the path`, nil},
		{"http://h/#x", `must end with the path`, nil},
		{"http://h:port", `invalid port`, nil},
		{"http://me:secret@h", `the base URL holds a password; use WithToken`, nil},
		{"http://h", `must be longer than 0`, []client.Option{client.WithTimeout(0)}},
		{"http://h", `must be longer than 0`, []client.Option{client.WithPollInterval(-1)}},
		{"http://h", `is there a line end in it?`, []client.Option{client.WithToken("secret\n")}},
	}
	for _, tt := range tests {
		t.Run(tt.url+tt.want, func(t *testing.T) {
			t.Parallel()
			c, err := client.New(tt.url, tt.opts...)
			if err != nil {
				require.ErrorContains(t, err, tt.want)
				require.NotContains(t, err.Error(), "secret")
				return
			}
			require.Equal(t, tt.want, c.URL())
		})
	}
}

// The token goes with every call, to this server and nowhere else.
func TestToken(t *testing.T) {
	t.Parallel()
	other := record(t, answer(http.StatusOK, `{"is_running": true}`))
	server := record(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	c := newClient(t, server.URL, client.WithToken("open sesame"))

	_, err := c.Status(t.Context())
	var refused *client.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusTemporaryRedirect, refused.StatusCode)
	require.Equal(t, "Bearer open sesame", server.requests()[0].header.Get("Authorization"))
	require.Empty(t, other.requests(), "a redirect would take the token along")

	_, err = newClient(t, server.URL).Status(t.Context())
	require.Error(t, err)
	require.NotContains(t, server.requests()[1].header, "Authorization")
}

func TestPathPrefix(t *testing.T) {
	t.Parallel()
	server := record(t, answer(http.StatusOK, `{"status": "ok", "version": "v1"}`))
	health, err := newClient(t, server.URL+"/behind/a%2Fproxy/").Health(t.Context())
	require.NoError(t, err)
	require.Equal(t, client.Health{Status: "ok", Version: "v1"}, health)
	require.Equal(t, "GET /behind/a%2Fproxy/health", server.requests()[0].line)
}

func TestHTTPClient(t *testing.T) {
	t.Parallel()
	var used bool
	c := newClient(t, "http://192.0.2.1", client.WithHTTPClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		used = true
		return response(http.StatusOK, `{"is_running": true}`), nil
	})}), client.WithTimeout(time.Minute))
	status, err := c.Status(t.Context())
	require.NoError(t, err)
	require.True(t, status.Running)
	require.True(t, used)
}

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: readCloser{strings.NewReader(body)}}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }
