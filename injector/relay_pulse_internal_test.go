package injector

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a layer ends it ends, were the layer gone again before the watcher of the
// connection came to run.
func TestAShortLayerEndsConnections(t *testing.T) {
	t.Parallel()
	for _, x := range []Toxic{
		{Type: ToxicReset}, {Type: ToxicDown}, {Type: ToxicClose}, {Type: ToxicClose, Stream: Upstream},
		{Type: ToxicReset, Attributes: ToxicAttributes{Timeout: time.Millisecond}},
		{Type: ToxicTimeout, Attributes: ToxicAttributes{Timeout: time.Millisecond}},
	} {
		for _, off := range []func(in *Injector, remove func()){
			func(_ *Injector, remove func()) { remove() },
			func(in *Injector, _ func()) { in.Release() },
			func(in *Injector, _ func()) { in.Suspend() },
			func(in *Injector, _ func()) { in.Replace(LayerRef{Name: "end"}, Layer{Name: "end"}) },
		} {
			in := New()
			client, near := net.Pipe()
			far, upstream := net.Pipe()
			r := newRelay(in)
			require.True(t, r.admit(near))
			r.carry(far) // and nobody watches
			remove := in.Apply(Layer{Name: "end", Config: Config{TCP: &TCP{Toxics: []Toxic{x}}}})
			time.Sleep(x.Attributes.Timeout) // until it is due
			off(in, remove)
			endsIt(t, r, client)
			how, kind, _ := r.state()
			require.NotZero(t, how, x)
			require.Equal(t, toxicKinds[x.Type], kind)
			r.end(how, kind)
			_, err := upstream.Read(make([]byte, 1))
			require.Error(t, err, "nothing has come")
			_, err = client.Read(make([]byte, 1))
			require.Error(t, err)
		}
	}
}
