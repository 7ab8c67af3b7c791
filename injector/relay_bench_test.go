package injector_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// bridge is a relay over loopback, for benchmarks.
func bridge(b *testing.B, in *injector.Injector) (client, upstream net.Conn) {
	b.Helper()
	pair := func() (net.Conn, net.Conn) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		out, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		accepted, err := l.Accept()
		if err != nil {
			b.Fatal(err)
		}
		return out, accepted
	}
	client, front := pair()
	back, upstream := pair()
	over := make(chan error, 1)
	go func() { over <- in.Relay(context.Background(), front, dialed(back)) }()
	b.Cleanup(func() {
		client.Close()
		upstream.Close()
		if err := <-over; err != nil {
			b.Error(err)
		}
	})
	return client, upstream
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// repeats is how often an accuracy is measured, where there is time; the median
// counts.
func repeats() int {
	if testing.Short() {
		return 1
	}
	return 5
}

// BenchmarkBandwidthAccuracy says by how many percent the bandwidth of a bulk
// transfer over loopback differs from the limit, after the first tenth: socket
// buffers have to fill.
func BenchmarkBandwidthAccuracy(b *testing.B) {
	sections := map[string]func(rate int64) injector.Layer{
		"toxic": func(rate int64) injector.Layer {
			return toxic(injector.Toxic{Type: injector.ToxicBandwidth, Attributes: attributes{Rate: rate / 1000}})
		},
		"section": func(rate int64) injector.Layer {
			return shaped(injector.TrafficShaping{BandwidthLimit: rate})
		},
	}
	for _, name := range []string{"toxic", "section"} {
		for _, rate := range []int64{10_000, 100_000, 1_000_000, 10_000_000, 100_000_000} {
			b.Run(fmt.Sprintf("%s/%dKBs", name, rate/1000), func(b *testing.B) {
				var off []float64
				for range b.N {
					for range repeats() {
						in := injector.New()
						in.Apply(sections[name](rate))
						off = append(off, deviation(b, in, rate))
					}
				}
				b.ReportMetric(median(off), "%off")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// deviation is measured over a second's worth of bytes.
func deviation(b *testing.B, in *injector.Injector, rate int64) float64 {
	client, upstream := bridge(b, in)
	go func() { _, _ = io.Copy(upstream, endless{}) }() // ends with the connection
	if _, err := io.CopyN(io.Discard, client, rate/10); err != nil {
		b.Fatal(err)
	}
	start, n, buffer := time.Now(), int64(0), make([]byte, 256<<10)
	for n < rate {
		m, err := client.Read(buffer)
		if err != nil {
			b.Fatal(err)
		}
		n += int64(m)
	}
	seconds := time.Since(start).Seconds()
	client.Close()
	return 100 * math.Abs(float64(n)/seconds/float64(rate)-1)
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// BenchmarkRelay is what a relay carries where nothing limits it.
func BenchmarkRelay(b *testing.B) {
	for _, name := range []string{"off", "latency"} {
		b.Run(name, func(b *testing.B) {
			in := injector.New()
			if name == "latency" {
				in.Apply(toxic(injector.Toxic{Type: injector.ToxicLatency, Attributes: attributes{Latency: time.Millisecond}}))
			}
			client, upstream := bridge(b, in)
			const size = 1 << 20
			b.SetBytes(size)
			go func() { _, _ = io.Copy(upstream, endless{}) }() // ends with the connection
			for range b.N {
				if _, err := io.CopyN(io.Discard, client, size); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
