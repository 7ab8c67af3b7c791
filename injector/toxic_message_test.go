package injector_test

import (
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// perMessage is a toxic that draws for each line.
func perMessage(kind injector.ToxicType, s injector.Stream, toxicity float64, a attributes) injector.Layer {
	return toxic(injector.Toxic{Type: kind, Stream: s, Per: injector.PerMessage, Protocol: "lines", Toxicity: &toxicity, Attributes: a})
}

func TestLatencyOfMessages(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(perMessage(injector.ToxicLatency, s, 0.25, attributes{Latency: time.Second}))
		l, from, to := open(in, s)
		slow := 0
		for range 40 {
			start := time.Now()
			for _, part := range []string{"hel", "lo\n"} { // one message in two chunks
				says(t, from, part)
				time.Sleep(time.Millisecond)
			}
			_, err := io.ReadFull(to, make([]byte, 6))
			require.NoError(t, err)
			if time.Since(start) > 500*time.Millisecond {
				slow++
				near(t, start, time.Second)
			}
		}
		require.Equal(t, 10, slow)
		d := in.Draws(injector.LayerRef{Name: "wire"})
		require.EqualValues(t, 40, d[0].Requests, "not one for each chunk")
		require.EqualValues(t, 10, d[0].Injected)
		require.NoError(t, l.hangUp())
	})
}

// The messages before the one that is hit arrive, and it does not.
func TestAMessageEndsTheConnection(t *testing.T) {
	t.Parallel()
	for kind, want := range map[injector.ToxicType]error{
		injector.ToxicReset: syscall.ECONNRESET, injector.ToxicClose: io.EOF, injector.ToxicTimeout: io.EOF,
	} {
		bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
			in.Apply(perMessage(kind, s, 0.1, attributes{Timeout: time.Second}))
			l, from, to := open(in, s)
			start := time.Now()
			says(t, from, strings.Repeat("hello\n", 40))
			b, err := io.ReadAll(to)
			if want != io.EOF {
				require.ErrorIs(t, err, want)
			} else {
				require.NoError(t, err)
			}
			near(t, start, time.Second)
			require.Zero(t, len(b)%6, "whole messages")
			require.Less(t, len(b)/6, 20)
			require.NoError(t, <-l.over)
		})
	}
}

func TestAStruckMessageHeals(t *testing.T) {
	t.Parallel()
	for _, kind := range []injector.ToxicType{injector.ToxicReset, injector.ToxicClose, injector.ToxicTimeout, injector.ToxicLatency} {
		bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
			remove := in.Apply(perMessage(kind, s, 1, attributes{Timeout: time.Minute, Latency: time.Minute}))
			l, from, to := open(in, s)
			start := time.Now()
			says(t, from, "hello\nworld\n")
			time.Sleep(time.Second)
			remove()
			arrives(t, to, "hello\nworld\n", start, time.Second)
			time.Sleep(time.Hour)
			require.NoError(t, exchangeWith(l.client, l.upstream), "the alarm is off")
			require.NoError(t, l.hangUp())
		})
	}
}

// Bytes that are no messages are delayed chunk by chunk, and none is lost.
func TestBrokenFramingFallsBackToChunks(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(toxic(injector.Toxic{
			Type: injector.ToxicLatency, Stream: s, Per: injector.PerMessage, Protocol: "redis", Attributes: attributes{Latency: time.Second},
		}))
		l, from, to := open(in, s)
		for range 3 {
			start := time.Now()
			says(t, from, "$nonsense\r\n")
			arrives(t, to, "$nonsense\r\n", start, time.Second)
		}
		require.NoError(t, l.hangUp())
	})
}

// A message that went on while everything was suspended ends nothing later.
func TestASuspensionTakesTheAlarmOfAMessage(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(perMessage(injector.ToxicReset, s, 1, attributes{Timeout: time.Minute}))
		l, from, to := open(in, s)
		start := time.Now()
		says(t, from, "hello\n")
		time.Sleep(time.Second)
		in.Suspend()
		arrives(t, to, "hello\n", start, time.Second)
		in.Resume()
		time.Sleep(time.Hour)
		require.Empty(t, l.over, "the connection goes on")
		require.NoError(t, l.hangUp())
	})
}
