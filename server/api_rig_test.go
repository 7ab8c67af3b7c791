package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/server"
)

// An answer of the API, which conforms to its description.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask calls the API below /api/chaos of a live server. A body that is not a
// string is sent as JSON.
func (l *live) ask(t *testing.T, method, path string, body any, header ...string) answer {
	t.Helper()
	return l.askPath(t, method, "/api/chaos"+path, body, header...)
}

func (l *live) askPath(t *testing.T, method, path string, body any, header ...string) answer {
	t.Helper()
	text := bodyOf(t, body)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, method, l.URL()+path, bytes.NewReader(text))
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			q.Host = header[i+1]
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(q) // no redirects
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if method != http.MethodHead && method != http.MethodOptions {
		describe(t).check(t, q, text, resp.StatusCode, resp.Header, data)
	}
	return answer{resp.StatusCode, resp.Header, data}
}

// says requires a status and a message, which is the error's where it is none
// of success.
func (a answer) says(t *testing.T, status int, message string) answer {
	t.Helper()
	require.Equal(t, status, a.status, "%s", a.body)
	if status < 300 {
		require.Equal(t, message, a.message(t).Message)
	} else {
		require.Equal(t, message, a.failure(t).Error)
	}
	return a
}

func (a answer) message(t *testing.T) (m server.Message) {
	t.Helper()
	a.into(t, &m)
	return m
}

func (a answer) failure(t *testing.T) (f server.Failure) {
	t.Helper()
	a.into(t, &f)
	return f
}

func (a answer) into(t *testing.T, value any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.body, value), "%s", a.body)
}

// ok requires success.
func (a answer) ok(t *testing.T) answer {
	t.Helper()
	require.Equal(t, 200, a.status, "%s", a.body)
	return a
}

func decodeJSON(t *testing.T, data []byte) (value any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(data, &value), "%s", data)
	return value
}
