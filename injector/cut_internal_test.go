package injector

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What may not pass any more is read and dropped, but a Read for nothing reads
// nothing, and ends.
func TestReadForNothingOfAHeldBody(t *testing.T) {
	t.Parallel()
	c := &cut{}
	c.ctx, c.cancel = context.WithCancel(t.Context())
	defer c.cancel()
	rest := strings.NewReader("one too many")
	b := &cutBody{ReadCloser: io.NopCloser(rest), cut: c, held: true}
	n, err := b.Read(nil)
	require.Equal(t, []any{0, nil}, []any{n, err})
	require.Equal(t, 12, rest.Len())
	c.cancel()
	_, err = b.Read(make([]byte, 1))
	require.ErrorIs(t, err, errCut)
}
