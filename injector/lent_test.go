package injector_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// A slowBody has nothing to read until it is closed, and its Read returns a
// second later.
type slowBody struct {
	closed   chan struct{}
	returned atomic.Bool
}

func (b *slowBody) Read([]byte) (int, error) {
	<-b.closed
	time.Sleep(time.Second)
	b.returned.Store(true)
	return 0, io.ErrClosedPipe
}

func (b *slowBody) Close() error {
	close(b.closed)
	return nil
}

// What a proxy still reads when its handler returns, or panics, ends before
// net/http ends the stream: else it ends the whole connection. Nothing is read
// after it.
func TestNobodyReadsAfterTheHandler(t *testing.T) {
	t.Parallel()
	for _, panics := range []bool{false, true} {
		for _, in := range []*injector.Injector{injector.New(), breaking()} {
			synctest.Test(t, func(t *testing.T) {
				body := &slowBody{closed: make(chan struct{})}
				var kept io.Reader
				h := in.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					kept = r.Body
					go func() { _, _ = r.Body.Read(make([]byte, 1)) }()
					synctest.Wait() // it reads
					if panics {
						panic(http.ErrAbortHandler)
					}
				}))
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, payments, body)
				r.Header.Set("Content-Type", "application/grpc")
				r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
				serve := func() { h.ServeHTTP(httptest.NewRecorder(), r) }
				if panics {
					require.Panics(t, serve)
				} else {
					serve()
				}
				require.True(t, body.returned.Load())
				synctest.Wait()
				_, err := kept.Read(make([]byte, 1))
				require.Error(t, err)
			})
		}
	}
}

// breaking breaks calls off, later than a test makes them last.
func breaking() *injector.Injector {
	in := injector.New()
	in.Apply(grpcLayer(interruption(9)))
	return in
}
