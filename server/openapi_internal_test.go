package server

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The description has every endpoint that the server has, and no other.
func TestDescriptionHasTheEndpoints(t *testing.T) {
	t.Parallel()
	s, err := New(Options{})
	require.NoError(t, err)
	want := []string{"GET /health", "GET /metrics"} // beside the API
	for _, e := range s.endpoints() {
		want = append(want, e.method+" "+apiPrefix+e.path)
	}
	var described struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		}
	}
	require.NoError(t, json.Unmarshal(description, &described))
	var got []string
	ids := map[string]bool{}
	for path, operations := range described.Paths {
		for method, o := range operations {
			got = append(got, strings.ToUpper(method)+" "+path)
			require.False(t, ids[o.OperationID], "operationId %q twice", o.OperationID)
			ids[o.OperationID] = true
		}
	}
	require.ElementsMatch(t, want, got)
}
