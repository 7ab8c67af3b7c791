package server_test

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

func TestDescriptionIsValid(t *testing.T) {
	t.Parallel()
	d := describe(t)
	require.NoError(t, d.doc.Validate(t.Context(), openapi3.IsOpenAPI31OrLater()))
	require.Equal(t, "3.1.0", d.doc.OpenAPI)
}
