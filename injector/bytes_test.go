package injector_test

import (
	"context"
	"crypto/sha256"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// No fault but those that say so changes, reorders or loses bytes: 64 MiB each
// way at once go through all of them together, and less through each of them.
func TestBytesArriveAsTheyWereSent(t *testing.T) {
	t.Parallel()
	data := make([]byte, 64<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	one := func(kind injector.ToxicType, a attributes) injector.Layer {
		return toxic(
			injector.Toxic{Type: kind, Stream: injector.Upstream, Attributes: a},
			injector.Toxic{Type: kind, Stream: injector.Downstream, Attributes: a},
		)
	}
	delay := attributes{Latency: time.Second, Jitter: 300 * time.Millisecond}
	var all []injector.Layer
	layers := map[string]injector.Layer{
		"latency":    one(injector.ToxicLatency, attributes{Latency: time.Second}),
		"jitter":     one(injector.ToxicLatency, delay),
		"bandwidth":  one(injector.ToxicBandwidth, attributes{Rate: 1000}),
		"loss":       one(injector.ToxicLoss, attributes{Percent: 10}),
		"slow_close": one(injector.ToxicSlowClose, attributes{Delay: time.Second}),
		"slicer":     one(injector.ToxicSlicer, attributes{AverageSize: 16000, SizeVariation: 15999, Delay: 4 * time.Millisecond}),

		"latency section":   slow(time.Second),
		"bandwidth section": shaped(injector.TrafficShaping{BandwidthLimit: 1 << 20}),
		"loss section":      shaped(injector.TrafficShaping{PacketLossPercent: 10}),
	}
	for _, name := range slices.Sorted(maps.Keys(layers)) {
		layer := layers[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				in := injector.New()
				in.Apply(layer)
				l := connect(in, 1)
				start := time.Now()
				transfer(t, l, data[:4<<20])
				require.NoError(t, <-l.over)
				require.Greater(t, time.Since(start), 900*time.Millisecond, "it was held up")
				_ = l.hangUpEnds()
			})
		})
		all = append(all, layer)
	}
	t.Run("all of them", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			in := injector.New()
			for _, layer := range all {
				in.Apply(layer)
			}
			l := connect(in, 1)
			transfer(t, l, data)
			require.NoError(t, <-l.over)
			_ = l.hangUpEnds()
		})
	})
	t.Run("on and off", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			in := injector.New(injector.WithSequencer(&sequencer{}))
			l := connect(in, 1)
			ctx, stop := context.WithCancel(context.Background())
			go comeAndGo(ctx, in, delay)
			transfer(t, l, data)
			stop()
			time.Sleep(time.Minute)
			require.NoError(t, <-l.over)
			_ = l.hangUpEnds()
		})
	})
}

// comeAndGo puts layers on, and takes them off, also while they hold something.
func comeAndGo(ctx context.Context, in *injector.Injector, delay attributes) {
	for ctx.Err() == nil {
		var off []func()
		for _, s := range []injector.Stream{injector.Upstream, injector.Downstream} {
			for _, x := range []injector.Toxic{
				{Type: injector.ToxicSlicer, Attributes: attributes{AverageSize: 4000, SizeVariation: 2000}},
				{Type: injector.ToxicLatency, Attributes: delay},
				{Type: injector.ToxicBandwidth, Attributes: attributes{Rate: 5000}},
				{Type: injector.ToxicLoss, Attributes: attributes{Percent: 1}},
				{Type: injector.ToxicTimeout},
			} {
				x.Stream = s
				off = append(off, in.Apply(toxic(x)))
				time.Sleep(100 * time.Millisecond)
			}
		}
		in.Suspend()
		in.Resume()
		for _, remove := range off {
			remove()
			time.Sleep(70 * time.Millisecond)
		}
	}
}

// transfer sends the data both ways at once.
func transfer(t *testing.T, l *line, data []byte) {
	t.Helper()
	want := sha256.Sum256(data)
	sums := make(chan [sha256.Size]byte, 2)
	for _, s := range []injector.Stream{injector.Upstream, injector.Downstream} {
		from, to := l.ends(s)
		go func() {
			_, _ = from.Write(data) // what does not arrive is seen at the other end
			_ = from.CloseWrite()
		}()
		go func() {
			h := sha256.New()
			_, _ = io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{to}, make([]byte, 256<<10))
			sums <- [sha256.Size]byte(h.Sum(nil))
		}()
	}
	for range 2 {
		require.Equal(t, want, <-sums)
	}
}

// hangUpEnds closes both ends.
func (l *line) hangUpEnds() error {
	_ = l.client.Close()
	return l.upstream.Close()
}
