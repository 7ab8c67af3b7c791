package injector_test

import (
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// What a connection's end is told as is the toxic that made it, whatever its
// bytes pass on their way.
func TestTheToxicThatClosesIsTold(t *testing.T) {
	t.Parallel()
	latency := injector.Toxic{Type: injector.ToxicLatency, Attributes: attributes{Latency: time.Second}}
	for kind, first := range map[string]injector.Toxic{
		injector.KindTCPLimitData: {Type: injector.ToxicLimitData, Attributes: attributes{Bytes: 3}},
		injector.KindTCPClose:     {Type: injector.ToxicClose, Attributes: attributes{Timeout: time.Second}},
	} {
		seen := &events{}
		synctest.Test(t, func(t *testing.T) {
			in := injector.New(injector.WithObserver(seen))
			in.Apply(toxic(first, latency))
			l := connect(in, 1)
			says(t, l.upstream, "hello")
			_, err := io.ReadAll(l.client)
			require.NoError(t, err)
			require.NoError(t, <-l.over)
		})
		last := seen.outcomes[len(seen.outcomes)-1]
		require.Equal(t, kind, last.Fault)
		require.True(t, last.Failed)
	}
}

// A loss that times a connection out resets both of its ends, and is told as
// what ended it.
func TestALossThatTimesOutResetsBothEnds(t *testing.T) {
	t.Parallel()
	lossy := shaped(injector.TrafficShaping{PacketLossPercent: 99.999, ConnectionTimeout: new(100 * time.Millisecond)})
	for _, s := range []injector.Stream{injector.Upstream, injector.Downstream} {
		seen := &events{}
		synctest.Test(t, func(t *testing.T) {
			in := injector.New(injector.WithObserver(seen), injector.WithSequencer(&sequencer{}))
			in.Apply(lossy)
			l, from, to := open(in, s)
			start := time.Now()
			says(t, from, "hello")
			for _, end := range []net.Conn{from, to} {
				_, err := end.Read(make([]byte, 1))
				require.ErrorIs(t, err, syscall.ECONNRESET)
			}
			near(t, start, 100*time.Millisecond)
			require.NoError(t, <-l.over)
		})
		last := seen.outcomes[len(seen.outcomes)-1]
		require.Equal(t, injector.KindPacketLoss, last.Fault)
		require.True(t, last.Failed)
	}
}

// Where nothing passes, a reset does not pass either.
func TestAResetWaitsWhereNothingPasses(t *testing.T) {
	t.Parallel()
	for _, x := range []injector.Toxic{
		{Type: injector.ToxicTimeout},
		{Type: injector.ToxicLoss, Attributes: attributes{Percent: 100}},
	} {
		bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
			x.Stream = s
			remove := in.Apply(toxic(x))
			l, from, to := open(in, s)
			start := time.Now()
			require.NoError(t, from.SetLinger(0))
			require.NoError(t, from.Close())
			time.AfterFunc(time.Minute, remove)
			_, err := to.Read(make([]byte, 1))
			require.ErrorIs(t, err, syscall.ECONNRESET)
			near(t, start, time.Minute)
			require.NoError(t, <-l.over)
		})
	}
}

// What a peer has said before it resets arrives, also where the reset is
// noticed by a write, or by a half-close, first.
func TestLastWordsBeforeAResetArrive(t *testing.T) {
	t.Parallel()
	write := func(c *wire) error {
		_, err := c.Write(make([]byte, 1000))
		return err
	}
	for _, notice := range []func(c *wire) error{write, (*wire).CloseWrite} {
		for _, toxics := range [][]injector.Toxic{nil, {{Type: injector.ToxicSlicer, Attributes: attributes{AverageSize: 4}}}} {
			synctest.Test(t, func(t *testing.T) {
				in := injector.New()
				in.Apply(toxic(toxics...))
				client, front := newWire(1)
				back, upstream := newWire(1)
				over := make(chan error, 1)
				go func() { over <- in.Relay(t.Context(), front, dialed(lazy{back})) }()
				require.NoError(t, write(client))
				time.Sleep(time.Millisecond)
				says(t, upstream, "go away")
				require.NoError(t, upstream.Close(), "with what was not read: a reset")
				require.NoError(t, notice(client))
				b, err := io.ReadAll(client)
				require.ErrorIs(t, err, syscall.ECONNRESET)
				require.Equal(t, "go away", string(b))
				require.NoError(t, <-over)
			})
		}
	}
}

// A lazy connection is read a second late.
type lazy struct{ *wire }

func (l lazy) Read(b []byte) (int, error) {
	time.Sleep(time.Second)
	return l.wire.Read(b)
}

// Of a connection that a layer ends at once, nothing is read: what was there
// would be drawn for, or not, as it comes.
func TestNothingIsReadOfAConnectionThatEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, x := range []injector.ToxicType{injector.ToxicReset, injector.ToxicClose} {
		for _, stream := range []injector.Stream{injector.Upstream, injector.Downstream} {
			synctest.Test(t, func(t *testing.T) {
				in := injector.New(injector.WithSequencer(&sequencer{}))
				in.Apply(toxic(injector.Toxic{Type: x, Stream: stream}))
				client, front := newWire(1)
				back, _ := newWire(1)
				says(t, client, "hello")
				c := &watched{wire: front}
				require.NoError(t, in.Relay(t.Context(), c, dialed(back)))
				require.Zero(t, c.reads.Load())
			})
		}
	}
}

// A watched connection counts what is read before it is told to end.
type watched struct {
	*wire
	reads atomic.Int64
	ended atomic.Bool
}

func (w *watched) Read(b []byte) (int, error) {
	if !w.ended.Load() {
		w.reads.Add(1)
	}
	return w.wire.Read(b)
}

func (w *watched) SetDeadline(t time.Time) error {
	w.ended.Store(true)
	return w.wire.SetDeadline(t)
}
