package injector

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
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

// Where a request is sent again, as on a connection that was lost, its messages
// are counted anew.
func TestMessagesThatAreSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // where no call is broken off before the test has looked
		c := &cut{passage: &passage{}, after: 2}
		long := "\x00\x00\x00\x00\x04long"
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(long+long+long))
		require.NoError(t, err)
		r = c.request(r)
		defer c.end()
		_, err = io.ReadFull(r.Body, make([]byte, len(long)+6)) // in the middle of the second
		require.NoError(t, err)
		require.True(t, c.rising())
		for range 2 {
			body, err := r.GetBody()
			require.NoError(t, err)
			require.False(t, c.rising())
			require.False(t, c.full())
			_, err = io.ReadFull(body, make([]byte, 6))
			require.NoError(t, err)
			require.NoError(t, r.Body.Close())
			require.True(t, c.rising(), "the body before it is nobody's any more")
			_, err = io.ReadFull(body, make([]byte, 2*len(long)-6))
			require.NoError(t, err)
			require.True(t, c.full())
		}
	})
}

// Who may send nothing more to the client does not wait for the rest of a message
// that will not come.
func TestNoWaitForTheRestOfAMessage(t *testing.T) {
	t.Parallel()
	part := "\x00\x00\x00\x00\x04lo"
	ends := map[string]func(io.ReadCloser) error{
		"body":  func(b io.ReadCloser) error { _, err := io.Copy(io.Discard, b); return err },
		"close": io.ReadCloser.Close,
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &cut{passage: &passage{}, after: 1}
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(part))
				require.NoError(t, err)
				r = c.request(r)
				defer c.end()
				_, err = io.ReadFull(r.Body, make([]byte, len(part)))
				require.NoError(t, err)
				time.AfterFunc(time.Second, func() { _ = end(r.Body) }) // it may be told that the call is over
				start := time.Now()
				c.stop()
				require.Equal(t, time.Second+cutAfter, time.Since(start))
			})
		})
	}
}
