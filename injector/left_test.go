package injector_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// goneConn is the connection of a client that has left, which the request's
// context does not know yet.
type goneConn chan struct{}

func (c goneConn) PeerGone() <-chan struct{} { return c }

// Who carries bytes of a client that has left gets an error at once, and does
// not go on to take bandwidth from others.
func TestNobodyCarriesForAClientThatHasLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		left := make(goneConn)
		close(left)
		in := injector.New()
		in.Apply(shaped(injector.TrafficShaping{BandwidthLimit: 1000}))
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", 100)))
		r = r.WithContext(context.WithValue(r.Context(), injector.ConnContextKey{}, left))
		var read, wrote error
		in.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, read = io.ReadAll(r.Body)
			_, wrote = w.Write(make([]byte, 50))
		})).ServeHTTP(httptest.NewRecorder(), r)
		require.ErrorIs(t, read, context.Canceled)
		require.ErrorIs(t, wrote, context.Canceled)
	})
}
