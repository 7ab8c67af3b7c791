package server

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A request can be sent again until its response begins, or more of it was sent
// than is kept.
func TestHowLongARequestCanBeSentAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		size int
		want error
	}{{10, nil}, {maxRewind, nil}, {maxRewind + 1, errCannotRewind}} {
		whole := strings.Repeat("x", tt.size)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://test/", strings.NewReader(whole))
		require.NoError(t, err)
		out, settled := rewindable(r, true)
		got, err := io.ReadAll(out.Body)
		require.NoError(t, err)
		require.Equal(t, whole, string(got))
		again, err := out.GetBody()
		require.ErrorIs(t, err, tt.want, "%d bytes", tt.size)
		if tt.want != nil {
			continue
		}
		_, err = out.Body.Read(make([]byte, 1))
		require.ErrorIs(t, err, http.ErrBodyReadAfterClose, "there is one body at a time")
		got, err = io.ReadAll(again)
		require.NoError(t, err)
		require.Equal(t, whole, string(got))
		settled()
		_, err = out.GetBody()
		require.ErrorIs(t, err, errCannotRewind, "its response has begun")
	}
}
