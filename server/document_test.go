package server_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/server"
)

// A short document may stand for a long one. What was imported can be started
// and exported, however long it is when it is written out.
func TestDocumentsThatGrow(t *testing.T) {
	t.Parallel()
	var document strings.Builder
	// Words are long in no time; as many numbers keep a busy machine busy.
	fmt.Fprintf(&document, "name: grows\nscenarios: {}\nsteps:\n  - {name: s0, duration_seconds: 0, when: on_failure, scenario: &faults {description: %s, config: {fault_injection: {http_errors: [503]}}}}\n", strings.Repeat("word ", 300))
	for n := 1; n < 990; n++ {
		fmt.Fprintf(&document, "  - {name: s%d, when: on_failure, duration_seconds: 1, scenario: *faults}\n", n)
	}
	l := serveLive(t, server.Options{Chaos: true})
	var answer struct{ Error string }
	require.Equal(t, 200, l.call("POST", "/api/chaos/orchestration/import", map[string]string{"content": document.String(), "format": "yaml"}, &answer), answer.Error)
	require.Equal(t, 200, l.call("POST", "/api/chaos/orchestration/start", `{"name": "grows"}`, &answer), answer.Error)
	var exported json.RawMessage
	require.Equal(t, 200, l.call("GET", "/api/chaos/orchestrations/grows/export", nil, &exported))
	require.Less(t, document.Len(), 100<<10)
	require.Greater(t, len(exported), 1<<20, "written out it is larger than a document can be")
}

func TestTargetsThatNothingReaches(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		targets []server.Target
		want    string
	}{
		{"same prefix", []server.Target{{Name: "a", Prefix: "/x"}, {Name: "b", Prefix: "/x/"}}, "target b: requests for /x go to target a already: give it another prefix, host or port"},
		{"same host", []server.Target{{Name: "a", Host: "shop.test"}, {Name: "b", Host: "SHOP.test"}}, "target b: requests for shop.test go to target a already: give it another prefix, host or port"},
		{"the API's", []server.Target{{Name: "a", Prefix: "/api/chaos"}}, "target a: prefix /api/chaos is the server's own: use another"},
		{"below the API's", []server.Target{{Name: "a", Prefix: "/api/chaos/x"}}, "target a: prefix /api/chaos/x is the server's own: use another"},
		{"metrics", []server.Target{{Name: "metrics"}}, "target metrics: prefix /metrics is the server's own: use another"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := server.New(server.Options{Targets: tt.targets, Logger: slog.New(slog.DiscardHandler)})
			require.EqualError(t, err, tt.want)
		})
	}
	_, err := server.New(server.Options{Targets: []server.Target{{Name: "a", Prefix: "/x"}, {Name: "b", Prefix: "/x", Host: "b.test"}, {Name: "c", Port: server.AnyPort}}})
	require.NoError(t, err)
}

// Only a server that listens can drive load at itself.
func TestLoadNeedsListen(t *testing.T) {
	t.Parallel()
	s, err := server.New(server.Options{Chaos: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	front := httptest.NewServer(s.Handler())
	defer front.Close()
	var failure server.Failure
	code := callAPI(t, front.URL, "POST", "/api/chaos/orchestration/start", `{"name": "x", "load": {"rate": 5}, "steps": [{"name": "a", "duration_seconds": 1}]}`, &failure)
	require.Equal(t, 409, code)
	require.Equal(t, "the document drives load, and this server does not listen: call Listen", failure.Error)
	require.Equal(t, 200, callAPI(t, front.URL, "POST", "/api/chaos/orchestration/start", `{"name": "x", "steps": [{"name": "a", "duration_seconds": 0}]}`, nil))
}
