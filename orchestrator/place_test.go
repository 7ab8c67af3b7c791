package orchestrator_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/orchestrator"
)

func TestLineOf(t *testing.T) {
	t.Parallel()
	const path = "../chaostest/testdata/failing/testdata/expects.yaml"
	require.Equal(t, 3, orchestrator.LineOf(path, "steps[0]"))
	require.Equal(t, 12, orchestrator.LineOf(path, "steps[0].expect[1]"))
	require.Zero(t, orchestrator.LineOf(path, "steps[0].expect[7]"), "no such value")
	require.Zero(t, orchestrator.LineOf("testdata/missing.yaml", "steps[0]"), "no such file")
}
