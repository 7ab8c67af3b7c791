package injector_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// Nothing passes between a layer and the one that replaces it.
func TestReplaceLeavesNoGap(t *testing.T) {
	t.Parallel()
	always := 1.0
	failing := func(codes ...int) injector.Layer {
		return injector.Layer{Name: "config", Config: injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: codes, HTTPErrorProbability: &always}}}
	}
	for _, options := range [][]injector.Option{nil, {injector.InOrder()}} {
		in := injector.New(options...)
		remove := in.Apply(failing(500))
		var passed, failed atomic.Int64
		handler := in.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed.Add(1) }))
		var stop atomic.Bool
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for !stop.Load() {
					w := httptest.NewRecorder()
					handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
					if w.Code >= 500 {
						failed.Add(1)
					}
				}
			})
		}
		for n := range 1000 {
			for failed.Load() <= int64(n) { // some come to each layer
				runtime.Gosched()
			}
			remove = in.Replace(injector.LayerRef{Name: "config"}, failing(500+n%4))
		}
		stop.Store(true)
		all.Wait()
		require.Zero(t, passed.Load())
		remove()
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		require.EqualValues(t, 1, passed.Load(), "only one was in force")
	}
}
