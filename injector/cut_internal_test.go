package injector

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

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

// Whoever reads on after the end does not join the read that was left behind,
// which still has the piece and the place for its result.
func TestNoReadJoinsTheOneLeftBehind(t *testing.T) {
	t.Parallel()
	c := &cut{}
	c.ctx, c.cancel = context.WithCancel(t.Context())
	from, to := io.Pipe()
	b := &cutBody{ReadCloser: from, cut: c}
	c.cancel()
	for range 3 {
		_, err := b.Read(make([]byte, 1))
		require.ErrorIs(t, err, errCut)
	}
	_, err := to.Write([]byte("x")) // one reads, and no other
	require.NoError(t, err)
	require.NoError(t, to.CloseWithError(errCut))
	r := <-b.reads
	require.Equal(t, readResult{1, nil}, r)
	require.Never(t, func() bool { return len(b.reads) > 0 }, 20*time.Millisecond, time.Millisecond)
}
