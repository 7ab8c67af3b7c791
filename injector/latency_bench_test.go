package injector_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// A delayed is something that a layer delays, once an exchange.
type delayed struct {
	layer    func(time.Duration) injector.Layer
	exchange func(b *testing.B, in *injector.Injector) func() error
}

// overTCP is a byte each way through a relay.
func overTCP(b *testing.B, in *injector.Injector) func() error {
	client, upstream := bridge(b, in)
	return func() error { return exchangeWith(client, upstream) }
}

// overHTTP is a request through a handler, on a connection that stays open.
func overHTTP(b *testing.B, in *injector.Injector) func() error {
	s := httptest.NewServer(in.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})))
	b.Cleanup(s.Close)
	return func() error {
		r, err := s.Client().Get(s.URL)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, r.Body)
		r.Body.Close()
		return err
	}
}

// BenchmarkLatencyAccuracy says by how many percent the delay that a layer adds
// to messages over loopback differs from its latency, in a process that has
// nothing else to do. What it is compared with is an exchange without the layer
// after a pause of the same length: whoever has waited so long wakes up slowly.
func BenchmarkLatencyAccuracy(b *testing.B) {
	ways := map[string]delayed{
		"toxic": {func(d time.Duration) injector.Layer {
			return toxic(injector.Toxic{Type: injector.ToxicLatency, Stream: injector.Upstream, Attributes: attributes{Latency: d}})
		}, overTCP},
		"section": {slow, overTCP},
		"http":    {slow, overHTTP},
	}
	for _, name := range []string{"toxic", "section", "http"} {
		for _, d := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second} {
			b.Run(fmt.Sprintf("%s/%v", name, d), func(b *testing.B) {
				plain, in := injector.New(), injector.New()
				in.Apply(ways[name].layer(d))
				without, with := ways[name].exchange(b, plain), ways[name].exchange(b, in)
				for range b.N {
					var short, long []float64
					for range max(int(time.Second/d/2), repeats()) {
						short = append(short, timed(b, without, d))
						long = append(long, timed(b, with, 0))
					}
					b.ReportMetric(100*math.Abs((median(long)-median(short))/d.Seconds()-1), "%off")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// timed is how many seconds an exchange takes, after a pause.
func timed(b *testing.B, exchange func() error, pause time.Duration) float64 {
	time.Sleep(pause)
	start := time.Now()
	if err := exchange(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start).Seconds()
}
