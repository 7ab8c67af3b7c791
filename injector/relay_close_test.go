package injector_test

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// A connection that was due to be closed behind what is on its way is closed
// behind it, were the layer gone before that had arrived: its receiver reads late.
func TestACloseOutlivesItsLayer(t *testing.T) {
	t.Parallel()
	const size = wireBuffer + 16<<10 // more than the receiver has room for
	closing := injector.Toxic{Type: injector.ToxicClose, Attributes: attributes{Timeout: time.Second}}
	slow := func(order int, d time.Duration) injector.Layer {
		return injector.Layer{Name: "slow", Order: order, Config: injector.Config{TCP: &injector.TCP{Toxics: []injector.Toxic{
			{Type: injector.ToxicLatency, Stream: injector.Upstream, Attributes: attributes{Latency: d}},
			{Type: injector.ToxicLatency, Stream: injector.Downstream, Attributes: attributes{Latency: d}},
		}}}}
	}
	for name, c := range map[string]struct {
		standing []injector.Layer
		off      func(in *injector.Injector, remove func())
	}{
		"nothing else": {off: func(_ *injector.Injector, remove func()) { remove() }},
		"behind another layer": {
			standing: []injector.Layer{slow(-1, time.Millisecond)},
			off:      func(_ *injector.Injector, remove func()) { remove() },
		},
		"in front of another layer": {
			standing: []injector.Layer{slow(1, time.Millisecond)},
			off:      func(_ *injector.Injector, remove func()) { remove() },
		},
		"replaced": {
			standing: []injector.Layer{slow(1, time.Millisecond)},
			off: func(in *injector.Injector, _ func()) {
				in.Replace(injector.LayerRef{Name: "wire"}, injector.Layer{Name: "wire"})
			},
		},
		"released":  {off: func(in *injector.Injector, _ func()) { in.Release() }},
		"suspended": {off: func(in *injector.Injector, _ func()) { in.Suspend(); time.Sleep(time.Second); in.Resume() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
				for _, layer := range c.standing {
					in.Apply(layer)
				}
				l, from, to := open(in, s)
				synctest.Wait()
				sent := bytes.Repeat([]byte("0123456789abcdef"), size/16)
				_, err := from.Write(sent) // there are two buffers
				require.NoError(t, err)
				time.Sleep(time.Second)
				x := closing
				x.Stream = s
				remove := in.Apply(toxic(x))
				time.Sleep(2 * time.Second)
				c.off(in, remove)
				time.Sleep(time.Second)
				says(t, from, "too late")
				time.Sleep(time.Second)
				got, err := io.ReadAll(to)
				require.NoError(t, err)
				require.Len(t, got, size)
				require.True(t, bytes.Equal(sent, got))
				require.NoError(t, <-l.over, "it is over")
			})
		})
	}
}

// So is one that a message was to close.
func TestACloseOfAMessageOutlivesItsLayer(t *testing.T) {
	t.Parallel()
	bothStreams(t, func(t *testing.T, in *injector.Injector, s injector.Stream) {
		in.Apply(injector.Layer{Name: "slow", Order: 1, Config: injector.Config{TCP: &injector.TCP{Toxics: []injector.Toxic{
			{Type: injector.ToxicLatency, Stream: s, Attributes: attributes{Latency: time.Second}},
		}}}})
		l, from, to := open(in, s)
		synctest.Wait()
		sent := bytes.Repeat([]byte("x"), wireBuffer+16<<10)
		_, err := from.Write(sent)
		require.NoError(t, err)
		time.Sleep(500 * time.Millisecond)
		remove := in.Apply(toxic(injector.Toxic{
			Type: injector.ToxicClose, Stream: s, Per: injector.PerMessage, Protocol: "lines", Attributes: attributes{Timeout: time.Second},
		}))
		says(t, from, "it closes\n")
		time.Sleep(2 * time.Second) // what was sent before has not arrived: nobody reads
		remove()
		time.Sleep(time.Second)
		got, err := io.ReadAll(to)
		require.NoError(t, err)
		require.True(t, bytes.Equal(sent, got), "%d bytes", len(got))
		require.NoError(t, <-l.over)
	})
}
