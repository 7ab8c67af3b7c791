package client_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A document is sent without the spaces and escapes that would make it larger
// than a server reads.
func TestStartCompact(t *testing.T) {
	t.Parallel()
	server := record(t, answer(http.StatusOK, `{"message": "started", "id": "r1"}`))
	o := &orchestrator.Orchestration{
		Name: "a <&> b", Steps: []orchestrator.Step{{Name: "a", Duration: time.Second, Expect: []assert.Expectation{assert.MustParse("error_rate <= 1%")}}},
	}
	c := newClient(t, server.URL)
	_, err := c.Start(t.Context(), o)
	require.NoError(t, err)
	var readable, want bytes.Buffer
	require.NoError(t, orchestrator.Encode(&readable, o, orchestrator.JSON))
	require.NoError(t, json.Compact(&want, readable.Bytes()))
	require.Equal(t, want.String(), server.requests()[0].body)
	require.Contains(t, want.String(), "error_rate <= 1%")

	_, err = c.Import(t.Context(), []byte("expect: error_rate <= 1%"), orchestrator.YAML)
	require.NoError(t, err)
	require.Contains(t, server.requests()[1].body, "error_rate <= 1%")
}
