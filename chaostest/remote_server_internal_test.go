package chaostest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A document goes out without the spaces that would make it larger than a
// server reads.
func TestRemoteStartIsCompact(t *testing.T) {
	t.Parallel()
	var sent string
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			sent = string(body)
		}
		_, _ = io.WriteString(w, `{"id": "r1"}`)
	}))
	defer there.Close()
	s, err := newRemoteServer(there.URL, "")
	require.NoError(t, err)
	defer s.close()
	require.NoError(t, s.start(t.Context(), &orchestrator.Orchestration{Name: "x", Seed: new(uint64(7)), Steps: []orchestrator.Step{
		{Name: "a", Duration: time.Second, Expect: []assert.Expectation{assert.MustParse("server.requests >= 0")}},
	}}))
	require.NotRegexp(t, `\n|  `, sent)
	require.JSONEq(t, `{"name":"x","steps":[{"name":"a","duration_seconds":1,"expect":["server.requests >= 0"]}],"seed":7}`, sent)
}
