package injector

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Once the instant has come at which a layer ends a connection, nothing passes
// it any more, however late the connection's end is on a busy machine.
func TestNothingPassesAConnectionThatIsDue(t *testing.T) {
	t.Parallel()
	for _, x := range []Toxic{{Type: ToxicReset}, {Type: ToxicDown}, {Type: ToxicClose, Stream: Upstream}} {
		for _, other := range [][]Toxic{nil, {{Type: ToxicSlicer, Stream: Upstream, Attributes: ToxicAttributes{AverageSize: 2}}}} {
			in := New()
			client, near := net.Pipe()
			far, upstream := net.Pipe()
			r := newRelay(in)
			require.True(t, r.admit(near))
			r.carry(far) // and nobody watches
			require.NoError(t, client.SetDeadline(time.Now().Add(time.Minute)))
			_, err := io.WriteString(client, "before")
			require.NoError(t, err)
			_, err = io.ReadFull(upstream, make([]byte, 6))
			require.NoError(t, err)

			in.Apply(Layer{Name: "end", Config: Config{TCP: &TCP{Toxics: append(other, x)}}})
			endsIt(t, r, client)
			how, _, _ := r.state()
			require.NotZero(t, how)
			r.end(how, "")
			_, err = upstream.Read(make([]byte, 1))
			require.Error(t, err)
		}
	}
}

// endsIt requires that bytes of the client's end a connection that nobody watches.
func endsIt(t *testing.T, r *relay, client net.Conn) {
	t.Helper()
	require.NoError(t, client.SetDeadline(time.Now().Add(time.Minute)))
	_, err := io.WriteString(client, "after")
	require.NoError(t, err, "it is read")
	for !r.up.isOver() {
		select {
		case <-r.wake: // which is the watcher's to hear
		case <-time.After(10 * time.Second):
			require.Fail(t, "it is not over")
		}
	}
}
