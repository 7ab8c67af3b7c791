package injector_test

import (
	"io"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

type attributes = injector.ToxicAttributes

func TestToxicLatency(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicLatency, Stream: s, Attributes: attributes{Latency: time.Second}}))
		l, from, to := open(in, s)
		time.Sleep(10 * time.Second)
		start := time.Now()
		for _, word := range []string{"one", "two", "three"} { // on their way at the same time
			says(t, from, word)
			time.Sleep(100 * time.Millisecond)
		}
		arrives(t, to, "one", start, time.Second)
		arrives(t, to, "two", start, 1100*time.Millisecond)
		arrives(t, to, "three", start, 1200*time.Millisecond)
		start = time.Now()
		says(t, to, "back")
		arrives(t, from, "back", start, 0)
		require.NoError(t, l.hangUp())
	})
}

func TestToxicJitterKeepsTheOrder(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicLatency, Stream: s, Attributes: attributes{Latency: 100 * time.Millisecond, Jitter: 100 * time.Millisecond}}))
		l, from, to := open(in, s)
		delays := map[time.Duration]bool{}
		for i := range 50 {
			start := time.Now()
			_, err := from.Write([]byte{byte(i)})
			require.NoError(t, err)
			b := make([]byte, 1)
			_, err = io.ReadFull(to, b)
			require.NoError(t, err)
			require.EqualValues(t, i, b[0])
			took := time.Since(start)
			require.LessOrEqual(t, took, 200*time.Millisecond+3*grid)
			delays[took.Round(10*time.Millisecond)] = true
		}
		require.Greater(t, len(delays), 10, "they differ")
		require.NoError(t, l.hangUp())
	})
}

// A link with latency carries as much as one without: what is under way does
// not stop the sender.
func TestLatencyDoesNotCutThroughput(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicLatency, Stream: s, Attributes: attributes{Latency: time.Second}}))
		l, from, to := open(in, s)
		start := time.Now()
		const size = 2 << 20
		go func() {
			_, _ = from.Write(make([]byte, size))
			_ = from.CloseWrite()
		}()
		n, err := io.Copy(io.Discard, to)
		require.NoError(t, err)
		require.EqualValues(t, size, n)
		near(t, start, time.Second)
		require.NoError(t, l.hangUp())
	})
}

func TestWhatIsUnderWayIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicLatency, Attributes: attributes{Latency: time.Hour}}))
		l := connect(in, 1)
		from, _ := l.ends(injector.Downstream)
		require.NoError(t, from.SetWriteDeadline(time.Now().Add(time.Minute)))
		n, err := from.Write(make([]byte, 40<<20))
		require.Error(t, err, "the sender has to wait")
		require.InDelta(t, 32<<20, n, 1<<20)
		require.NoError(t, l.hangUp())
	})
}

func TestToxicBandwidthIsShared(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicBandwidth, Stream: s, Attributes: attributes{Rate: 10}}))
		lines := []*line{connect(in, 1), connect(in, 2)}
		start := time.Now()
		done := make(chan time.Duration)
		for _, l := range lines {
			from, to := l.ends(s)
			go func() { _, _ = from.Write(make([]byte, 10_000)) }()
			go func() {
				_, _ = io.ReadFull(to, make([]byte, 10_000))
				done <- time.Since(start)
			}()
		}
		for range lines {
			took := <-done
			require.Greater(t, took, 1900*time.Millisecond)
			require.Less(t, took, 2*time.Second+4*grid)
		}
		for _, l := range lines {
			require.NoError(t, l.hangUp())
		}
	})
}

// A link that is not busy takes nothing away from the latency behind it.
func TestToxicLatencyBehindBandwidth(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(
			injector.Toxic{Type: injector.ToxicBandwidth, Stream: s, Attributes: attributes{Rate: 1000}},
			injector.Toxic{Type: injector.ToxicLatency, Stream: s, Attributes: attributes{Latency: 10 * time.Millisecond}},
		))
		l, from, to := open(in, s)
		for range 5 {
			start := time.Now()
			says(t, from, "hello")
			arrives(t, to, "hello", start, 10*time.Millisecond)
			time.Sleep(5 * time.Millisecond)
		}
		require.NoError(t, l.hangUp())
	})
}

func TestToxicLoss(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicLoss, Stream: s, Attributes: attributes{Percent: 20}}))
		l, from, to := open(in, s)
		stalls := 0
		for i := range 100 {
			start := time.Now()
			_, err := from.Write([]byte{byte(i)})
			require.NoError(t, err)
			b := make([]byte, 1)
			_, err = io.ReadFull(to, b)
			require.NoError(t, err)
			require.EqualValues(t, i, b[0])
			if took := time.Since(start); took > time.Millisecond {
				stalls++
				require.InDelta(t, 0, float64((took+time.Millisecond)%(200*time.Millisecond)), float64(2*time.Millisecond))
			}
		}
		require.Equal(t, 20, stalls, "sampled exactly")
		d := in.Draws(injector.LayerRef{Name: "wire"})
		require.Len(t, d, 1)
		require.Equal(t, injector.KindTCPLoss, d[0].Kind)
		require.EqualValues(t, 100, d[0].Requests)
		require.EqualValues(t, 20, d[0].Injected)
		require.NoError(t, l.hangUp())
	})
}

func TestToxicPartitionHeals(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		l, from, to := open(in, s)
		start := time.Now()
		says(t, from, "before")
		arrives(t, to, "before", start, 0)
		remove := in.Apply(toxic(injector.Toxic{Type: injector.ToxicLoss, Stream: s, Attributes: attributes{Percent: 100}}))
		says(t, from, "during")
		require.NoError(t, from.CloseWrite())
		require.NoError(t, to.SetReadDeadline(time.Now().Add(time.Hour)))
		_, err := to.Read(make([]byte, 1))
		require.Error(t, err, "silence")
		require.NoError(t, to.SetReadDeadline(time.Time{}))
		remove()
		b, err := io.ReadAll(to)
		require.NoError(t, err)
		require.Equal(t, "during", string(b))
		near(t, start, time.Hour)
		require.NoError(t, l.hangUp())
	})
}

func TestToxicSlowClose(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicSlowClose, Stream: s, Attributes: attributes{Delay: time.Second}}))
		l, from, to := open(in, s)
		start := time.Now()
		says(t, from, "hello")
		require.NoError(t, from.CloseWrite())
		arrives(t, to, "hello", start, 0)
		_, err := to.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		near(t, start, time.Second)
		require.NoError(t, l.hangUp())
	})
}

func TestToxicTimeout(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicTimeout, Stream: s, Attributes: attributes{Timeout: time.Second}}))
		start := time.Now()
		l, from, to := open(in, s)
		says(t, from, "lost")
		_, err := to.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "nothing passes, and an orderly close")
		near(t, start, time.Second)
		_, err = from.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "both ends")
		require.NoError(t, <-l.over)
	})
}

func TestToxicTimeoutOfZeroHeals(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		remove := in.Apply(toxic(injector.Toxic{Type: injector.ToxicTimeout, Stream: s}))
		l, from, to := open(in, s)
		start := time.Now()
		for range 3 {
			says(t, from, "held")
		}
		time.AfterFunc(time.Hour, remove)
		arrives(t, to, "heldheldheld", start, time.Hour)
		require.NoError(t, l.hangUp())
	})
}

func TestToxicReset(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicReset, Stream: s, Attributes: attributes{Timeout: time.Second}}))
		start := time.Now()
		l, from, to := open(in, s)
		says(t, from, "passes")
		arrives(t, to, "passes", start, 0)
		_, err := to.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		near(t, start, time.Second)
		_, err = from.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.NoError(t, <-l.over)
	})
}

// What is on its way when the time has come is still delivered.
func TestToxicClose(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(
			injector.Toxic{Type: injector.ToxicClose, Stream: s, Attributes: attributes{Timeout: time.Second}},
			injector.Toxic{Type: injector.ToxicLatency, Stream: s, Attributes: attributes{Latency: 10 * time.Second}},
		))
		start := time.Now()
		l, from, to := open(in, s)
		time.Sleep(500 * time.Millisecond)
		says(t, from, "hello")
		time.Sleep(time.Second)
		says(t, from, "too late")
		arrives(t, to, "hello", start, 10500*time.Millisecond)
		_, err := to.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		near(t, start, 10500*time.Millisecond)
		require.NoError(t, <-l.over)
	})
}

// The connection closes also where its stream has ended by itself before.
func TestToxicCloseBehindTheEndOfItsStream(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicClose, Stream: s, Attributes: attributes{Timeout: time.Second}}))
		start := time.Now()
		l, from, to := open(in, s)
		require.NoError(t, from.CloseWrite())
		_, err := to.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		near(t, start, 0)
		require.NoError(t, from.SetReadDeadline(start.Add(time.Minute)))
		_, err = from.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		near(t, start, time.Second)
		require.NoError(t, <-l.over)
	})
}

func TestToxicSlicer(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicSlicer, Stream: s, Attributes: attributes{AverageSize: 10, SizeVariation: 5, Delay: time.Millisecond}}))
		l, from, to := open(in, s)
		start := time.Now()
		go func() { _, _ = from.Write(make([]byte, 10_000)) }()
		sizes := map[int]int{}
		pieces, left := 0, 10_000
		for left > 0 {
			b := make([]byte, 100)
			n, err := to.Read(b)
			require.NoError(t, err)
			left -= n
			pieces++
			sizes[n]++
		}
		require.InDelta(t, 1000, pieces, 50)
		near(t, start, time.Duration(pieces-1)*time.Millisecond)
		for n := range sizes {
			require.LessOrEqual(t, n, 15)
		}
		require.Greater(t, len(sizes), 8)
		require.NoError(t, l.hangUp())
	})
}

func TestToxicLimitData(t *testing.T) {
	t.Parallel()
	for _, limit := range []int64{0, 1, 50_000} {
		bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
			in.Apply(toxic(injector.Toxic{Type: injector.ToxicLimitData, Stream: s, Attributes: attributes{Bytes: limit}}))
			l, from, to := open(in, s)
			go func() { _, _ = from.Write(make([]byte, 100_000)) }()
			b, err := io.ReadAll(to)
			require.NoError(t, err)
			require.Len(t, b, int(limit))
			require.NoError(t, <-l.over)
			_ = from.Close()
		})
	}
}

// The end of a stream is not one of its bytes.
func TestToxicLimitDataLetsAnEndThrough(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicLimitData, Stream: s}))
		l, from, to := open(in, s)
		require.NoError(t, from.CloseWrite())
		_, err := to.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		start := time.Now()
		says(t, to, "back")
		arrives(t, from, "back", start, 0)
		require.NoError(t, l.hangUp())
	})
}

func TestToxicRefuse(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, _ injector.Stream) {
		before := connect(in, 1)
		require.NoError(t, exchangeWith(before.client, before.upstream))
		remove := in.Apply(toxic(injector.Toxic{Type: injector.ToxicRefuse}))
		l := connect(in, 2)
		_, err := l.client.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.NoError(t, <-l.over)
		require.NoError(t, exchangeWith(before.client, before.upstream), "those that are open stay open")
		_, err = in.AdmitTCP(t.Context(), "127.0.0.1:3")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		release, err := in.AdmitConn(t.Context(), "127.0.0.1:3")
		require.NoError(t, err, "toxics do not act on targets that speak HTTP")
		release()
		remove()
		l = connect(in, 4)
		require.NoError(t, exchangeWith(l.client, l.upstream))
		require.NoError(t, l.hangUp())
		require.NoError(t, before.hangUp())
	})
}

func TestToxicDown(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, _ injector.Stream) {
		before := connect(in, 1)
		require.NoError(t, exchangeWith(before.client, before.upstream))
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicDown}))
		_, err := before.client.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "open ones are closed")
		require.NoError(t, <-before.over)
		l := connect(in, 2)
		_, err = l.client.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
		require.NoError(t, <-l.over)
	})
}

// A dial that was let in is not asked again when its connection is accepted.
func TestADialIsDrawnOnce(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, _ injector.Stream) {
		half := 0.5
		layer := toxic(injector.Toxic{Type: injector.ToxicRefuse, Toxicity: &half})
		layer.Config.TrafficShaping = &injector.TrafficShaping{MaxConnections: 1}
		in.Apply(layer)
		refused := 0
		for i := range 40 {
			client, front := newWire(100 + i)
			release, err := in.AdmitTCP(t.Context(), front.RemoteAddr().String())
			if err != nil {
				refused++
				continue
			}
			back, upstream := newWire(1)
			l := &line{client: client, upstream: upstream, over: make(chan error, 1)}
			go func() { l.over <- in.Relay(t.Context(), front, dialed(back)) }()
			require.NoError(t, exchangeWith(l.client, l.upstream), "it was let in")
			require.NoError(t, l.hangUp())
			release()
		}
		require.Equal(t, 20, refused)
		d := in.Draws(injector.LayerRef{Name: "wire"})
		require.EqualValues(t, 40, d[0].Requests)
		require.EqualValues(t, 20, d[0].Injected)
	})
}

// Nor is one whose client has left before that.
func TestADialIsDrawnOnceThoughItsClientLeaves(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(toxic(injector.Toxic{Type: injector.ToxicRefuse, Toxicity: new(1e-9)}))
	for i := range 3 {
		client, front := newWire(100)
		release, err := in.AdmitTCP(t.Context(), front.RemoteAddr().String())
		require.NoError(t, err)
		require.NoError(t, client.Close())
		release()
		back, upstream := newWire(1)
		require.NoError(t, upstream.Close())
		require.NoError(t, in.Relay(t.Context(), front, dialed(back)))
		require.EqualValues(t, i+1, in.Draws(injector.LayerRef{Name: "wire"})[0].Requests)
	}
}

// A close stays an orderly one where the peer is still sending.
func TestAToxicClosesInTheMiddleOfAnUpload(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicTimeout, Stream: s, Attributes: attributes{Timeout: time.Second}}))
		l := connect(in, 1)
		from, _ := l.ends(s)
		go func() { _, _ = from.Write(make([]byte, 300_000)) }()
		_, err := from.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, <-l.over)
		_, err = from.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "no reset behind it")
	})
}
