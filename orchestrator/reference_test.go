package orchestrator_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestReference(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, orchestrator.Reference(&b))
	golden(t, "testdata/reference.md", b.Bytes())
	for _, named := range injector.Presets() {
		require.Contains(t, b.String(), "`"+named.Name+"`")
	}
	require.ErrorIs(t, orchestrator.Reference(brokenWriter{}), errBroken)
}

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }
