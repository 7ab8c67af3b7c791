package injector_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// Toxicity is drawn once a connection, in the order of connections.
func TestToxicityOfConnections(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		third := 0.3
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicLatency, Stream: s, Toxicity: &third, Attributes: attributes{Latency: time.Second}}))
		slow := 0
		for i := range 40 {
			l := connect(in, i+1)
			from, to := l.ends(s)
			var took [3]bool
			for j := range took {
				start := time.Now()
				_, err := from.Write([]byte{1})
				require.NoError(t, err)
				_, err = io.ReadFull(to, make([]byte, 1))
				require.NoError(t, err)
				took[j] = time.Since(start) > 500*time.Millisecond
			}
			require.Equal(t, [3]bool{took[0], took[0], took[0]}, took, "the whole connection")
			if took[0] {
				slow++
			}
			require.NoError(t, l.hangUp())
		}
		require.Equal(t, 12, slow)
	})
}

// A layer that goes on decides about the connections that are open.
func TestALayerReachesOpenConnections(t *testing.T) {
	t.Parallel()
	seen := &events{}
	synctest.Test(t, func(t *testing.T) {
		in := injector.New(injector.WithObserver(seen), injector.WithSequencer(&sequencer{}))
		var lines []*line
		for i := range 20 {
			lines = append(lines, connect(in, i+1))
			require.NoError(t, exchangeWith(lines[i].client, lines[i].upstream))
		}
		half := 0.5
		remove := in.Apply(toxic(injector.Toxic{Type: injector.ToxicDown, Toxicity: &half}))
		time.Sleep(time.Second)
		closed := 0
		for _, l := range lines {
			select {
			case err := <-l.over:
				require.NoError(t, err)
				closed++
			default:
				require.NoError(t, exchangeWith(l.client, l.upstream))
			}
		}
		require.Equal(t, 10, closed)
		remove()
		for _, l := range lines {
			_ = l.hangUpEnds()
		}
		time.Sleep(time.Second)
	})
	require.Equal(t, 10, seen.count(injector.KindTCPDown))
	faults := 0
	for _, o := range seen.outcomes {
		if o.Fault == injector.KindTCPDown && o.Failed {
			faults++
		}
	}
	require.Equal(t, 10, faults)
	require.Len(t, seen.outcomes, len(seen.requests))
	for _, r := range seen.requests {
		require.Equal(t, injector.ProtocolTCP, r.Protocol)
	}
}

// What a layer holds back goes on when it goes, in the right place of the others.
func TestLayersComeAndGoAroundBytes(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		l, from, to := open(in, s)
		start := time.Now()
		hold := in.Apply(toxic(injector.Toxic{Type: injector.ToxicTimeout, Stream: s}))
		says(t, from, "one")
		time.Sleep(time.Second)
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicLatency, Stream: s, Attributes: attributes{Latency: time.Second}}))
		says(t, from, "two")
		time.Sleep(time.Second)
		hold()
		arrives(t, to, "onetwo", start, 3*time.Second)
		in.Suspend()
		start = time.Now()
		says(t, from, "three")
		arrives(t, to, "three", start, 0)
		in.Resume()
		says(t, from, "four")
		arrives(t, to, "four", start, time.Second)
		require.NoError(t, l.hangUp())
	})
}

// A suspension lets go what was held, however short it was, and what acts
// afterwards is drawn for anew.
func TestASuspensionOfNoTime(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		half := 0.5
		in.Apply(toxic(
			injector.Toxic{Type: injector.ToxicTimeout, Stream: s},
			injector.Toxic{Type: injector.ToxicReset, Stream: s, Toxicity: &half, Attributes: attributes{Timeout: time.Hour}},
		))
		l, from, to := open(in, s)
		for i := range 20 {
			start := time.Now()
			says(t, from, "hello")
			time.Sleep(time.Second)
			in.Suspend()
			in.Resume()
			arrives(t, to, "hello", start, time.Second)
			for _, d := range in.Draws(injector.LayerRef{Name: "wire"}) {
				require.EqualValues(t, i+2, d.Requests)
			}
		}
		in.Release()
		require.NoError(t, l.hangUp())
	})
}

// What is on its way arrives, also where its sender is gone and the other
// direction broke.
func TestBytesOnTheirWayOutliveTheirSender(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicLatency, Stream: s, Attributes: attributes{Latency: time.Second}}))
		l, from, to := open(in, s)
		start := time.Now()
		says(t, from, "farewell")
		time.Sleep(time.Millisecond)
		require.NoError(t, from.Close())
		says(t, to, "nobody reads this")
		arrives(t, to, "farewell", start, time.Second)
		_ = l.hangUp()
	})
}

// The same seed gives the same run, whatever the scheduler does.
func TestRelaysRepeat(t *testing.T) {
	t.Parallel()
	run := func() string {
		log := &strings.Builder{}
		seen := &events{}
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			in := injector.New(injector.WithSeed(3), injector.WithObserver(seen), injector.WithSequencer(&sequencer{}))
			some := 0.5
			in.Apply(toxic(
				injector.Toxic{Type: injector.ToxicLoss, Toxicity: &some, Attributes: attributes{Percent: 20}},
				injector.Toxic{Type: injector.ToxicBandwidth, Toxicity: &some, Attributes: attributes{Rate: 100}},
				injector.Toxic{Type: injector.ToxicLatency, Stream: injector.Upstream, Toxicity: &some, Attributes: attributes{Latency: 10 * time.Millisecond, Jitter: 10 * time.Millisecond}},
			))
			var mu sync.Mutex
			var wg sync.WaitGroup
			arrived := map[int][]string{}
			for i := range 8 {
				l := connect(in, i+1)
				time.Sleep(2 * time.Microsecond)
				go func() { _, _ = io.Copy(l.upstream, struct{ io.Reader }{l.upstream}); _ = l.upstream.CloseWrite() }()
				wg.Go(func() {
					for range 10 {
						_, _ = l.client.Write(make([]byte, 5000))
						_, _ = io.ReadFull(l.client, make([]byte, 5000))
						mu.Lock()
						arrived[i] = append(arrived[i], time.Since(start).String())
						mu.Unlock()
					}
					_ = l.client.CloseWrite()
					_ = l.hangUp()
				})
			}
			time.AfterFunc(50*time.Millisecond, func() {
				in.Apply(toxic(injector.Toxic{Type: injector.ToxicSlicer, Toxicity: &some, Attributes: attributes{AverageSize: 1000, Delay: time.Millisecond}}))
			})
			wg.Wait()
			for i := range 8 {
				fmt.Fprintln(log, i, arrived[i])
			}
		})
		for _, r := range seen.requests {
			fmt.Fprintln(log, r.N, r.At.UnixNano(), r.Decisions)
		}
		for _, o := range seen.outcomes {
			fmt.Fprintln(log, o.N, o.At.UnixNano(), o.Fault)
		}
		return log.String()
	}
	first := run()
	require.Contains(t, first, injector.KindTCPLoss)
	for range 9 {
		require.Equal(t, first, run())
	}
}

// What a layer lets go in many connections at one instant meets what they share
// in an order that no scheduler makes.
func TestHeldBytesShareABandwidthInOrder(t *testing.T) {
	t.Parallel()
	run := func() (log string) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			in := injector.New(injector.WithSequencer(&sequencer{}))
			hold := in.Apply(toxic(injector.Toxic{Type: injector.ToxicTimeout}))
			in.Apply(toxic(injector.Toxic{Type: injector.ToxicBandwidth, Attributes: attributes{Rate: 10}}))
			var all sync.WaitGroup
			arrived := make([]time.Duration, 16)
			for i := range arrived {
				l := connect(in, i+1)
				_, err := l.upstream.Write(make([]byte, 500))
				require.NoError(t, err)
				time.Sleep(time.Millisecond)
				all.Go(func() {
					_, _ = io.ReadFull(l.client, make([]byte, 500))
					arrived[i] = time.Since(start)
					_ = l.hangUp()
				})
			}
			hold()
			all.Wait()
			log = fmt.Sprint(arrived)
		})
		return log
	}
	first := run()
	for range 9 {
		require.Equal(t, first, run())
	}
}

// A journal is told of connections, and of layers that reach them, one thing at
// a time.
func TestRelaysInOrder(t *testing.T) {
	t.Parallel()
	book := &connections{}
	synctest.Test(t, func(t *testing.T) {
		in := injector.New(injector.InOrder(), injector.WithObserver(book))
		l := connect(in, 1)
		require.NoError(t, exchangeWith(l.client, l.upstream))
		in.Apply(toxic(injector.Toxic{Type: injector.ToxicLatency, Attributes: attributes{Latency: time.Second}}))
		remove := in.Apply(toxic(injector.Toxic{Type: injector.ToxicLoss, Attributes: attributes{Percent: 50}}))
		for range 40 {
			require.NoError(t, exchangeWith(l.client, l.upstream))
		}
		remove()
		require.NoError(t, l.hangUp())
	})
	require.Equal(t, 1, book.count(injector.KindTCPLatency))
	require.Equal(t, 20, book.count(injector.KindTCPLoss))
	require.Equal(t, 2+40, book.told, "each draw, of the connection for each toxic and of the chunks")
}

// connections is a journal that counts what is no request.
type connections struct {
	events
	told int
}

func (c *connections) Layer(*injector.LayerChange)  {}
func (c *connections) Switch(time.Time, bool)       {}
func (c *connections) Wait(*injector.Wait)          {}
func (c *connections) Resume(*injector.Resume)      {}
func (c *connections) Connection(injector.LayerRef) {}
func (c *connections) Drew(d *injector.Drew) {
	for _, n := range d.Rules {
		c.told += n
	}
}

// Everything that arrives at one instant of virtual time is one chunk, in
// however many writes it came.
func TestBytesOfOneInstantAreOneChunk(t *testing.T) {
	t.Parallel()
	for _, s := range []injector.Stream{injector.Upstream, injector.Downstream} {
		synctest.Test(t, func(t *testing.T) {
			in := injector.New(injector.WithSequencer(&sequencer{}))
			in.Apply(toxic(injector.Toxic{Type: injector.ToxicLoss, Stream: s, Attributes: attributes{Percent: 1}}))
			l, from, to := open(in, s)
			for range 50 {
				for range 20 {
					says(t, from, "word")
				}
				_, err := io.ReadFull(to, make([]byte, 80))
				require.NoError(t, err)
			}
			require.EqualValues(t, 50, in.Draws(injector.LayerRef{Name: "wire"})[0].Requests)
			require.NoError(t, l.hangUp())
		})
	}
}
