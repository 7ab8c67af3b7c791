package injector_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// working takes a second.
var working = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) })

func walled(b injector.Bulkhead) injector.Layer {
	return injector.Layer{Name: "wall", Config: injector.Config{Bulkhead: &b}}
}

// got is how a request ended.
type got struct {
	name, body string
	code       int
	at         time.Duration
	err        error
}

// send asks at an instant and reports how that ended.
func (w *world) send(to chan<- got, at time.Duration, name string, timeout time.Duration) {
	go func() {
		time.Sleep(at)
		ctx := context.Background()
		if timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		req, err := http.NewRequestWithContext(ctx, "GET", "http://test/"+name, nil)
		if err != nil {
			to <- got{err: err}
			return
		}
		resp, err := w.client.Do(req)
		g := got{name: name, at: w.elapsed(), err: err}
		if err == nil {
			var b strings.Builder
			buf := make([]byte, 512)
			for err == nil {
				var n int
				n, err = resp.Body.Read(buf)
				b.Write(buf[:n])
			}
			resp.Body.Close()
			g.code, g.body = resp.StatusCode, b.String()
		}
		to <- g
	}()
}

func TestBulkhead(t *testing.T) {
	t.Parallel()
	for _, sequenced := range []bool{false, true} {
		seen := &events{}
		opts := []injector.Option{injector.WithObserver(seen)}
		allowance := time.Duration(0)
		if sequenced {
			opts = append(opts, injector.WithSequencer(&sequencer{}))
			allowance = 3 * grid
		}
		virtual(t, working, opts, func(w *world) {
			w.in.Apply(walled(injector.Bulkhead{MaxConcurrentRequests: 1, MaxQueueSize: new(3), QueueTimeout: new(1500 * time.Millisecond)}))
			ends := make(chan got, 10)
			ms := time.Millisecond
			w.send(ends, 0, "first", 0)
			w.send(ends, 1*ms, "second", 0)
			w.send(ends, 2*ms, "left", 500*ms)
			w.send(ends, 3*ms, "third", 0)    // its time in the queue runs out
			w.send(ends, 4*ms, "refused", 0)  // the queue is full
			w.send(ends, 550*ms, "fourth", 0) // in the place of the one that left
			want := []struct {
				name string
				at   time.Duration
				code int
				body string
			}{
				{"refused", 4 * ms, 503, "bulkhead_rejected"},
				{"left", 502 * ms, 0, ""},
				{"first", 1000 * ms, 200, ""},
				{"third", 1503 * ms, 503, "bulkhead_timeout"},
				{"second", 2000 * ms, 200, ""},
				{"fourth", 3000 * ms, 200, ""},
			}
			for i, want := range want {
				g := <-ends
				require.Equal(w, want.name, g.name, "end %d", i)
				require.InDelta(w, float64(want.at), float64(g.at), float64(allowance), want.name)
				require.Equal(w, want.code, g.code, want.name)
				require.Contains(w, g.body, want.body)
			}
		})
		require.Equal(t, "bulkhead accepting refusing: 1 in progress, 3 waiting", seen.changes[0])
		require.Contains(t, seen.changes[1], "bulkhead refusing accepting")
		require.Equal(t, 2, seen.count("bulkhead"))
	}
}

func TestQueueEndsWithTheLayer(t *testing.T) {
	t.Parallel()
	virtual(t, working, nil, func(w *world) {
		remove := w.in.Apply(walled(injector.Bulkhead{MaxConcurrentRequests: 1, QueueTimeout: new(time.Hour)}))
		ends := make(chan got, 10)
		for range 3 {
			w.send(ends, 0, "x", 0)
		}
		time.Sleep(500 * time.Millisecond)
		remove()
		for _, ms := range []int{1000, 1500, 1500} {
			g := <-ends
			require.Equal(w, 200, g.code)
			require.Equal(w, time.Duration(ms)*time.Millisecond, g.at, "those in the queue go on as soon as it is gone")
		}
	})
}

func TestBulkheadRejectionIsNoUpstreamFailure(t *testing.T) {
	t.Parallel()
	virtual(t, working, nil, func(w *world) {
		l := walled(injector.Bulkhead{MaxConcurrentRequests: 1, MaxQueueSize: new(0)})
		l.Config.CircuitBreaker = &injector.CircuitBreaker{FailureThreshold: 1}
		w.in.Apply(l)
		ends := make(chan got, 10)
		w.send(ends, 0, "a", 0)
		w.send(ends, 1, "b", 0)
		require.Equal(w, 503, (<-ends).code)
		state, _ := w.in.BreakerState("default")
		require.Equal(w, "closed", state)
		require.Equal(w, 200, (<-ends).code)
	})
}
