package injector

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// A connection that outlives many layers remembers those in force only.
func TestRelayForgetsLayersThatAreGone(t *testing.T) {
	t.Parallel()
	in := New()
	client, near := net.Pipe()
	far, upstream := net.Pipe()
	over := make(chan error, 1)
	go func() {
		over <- in.Relay(context.Background(), near, func(context.Context) (net.Conn, error) { return far, nil })
	}()
	pass := func() {
		go func() { _, _ = client.Write([]byte("x")) }() // it arrives, or ReadFull fails
		_, err := io.ReadFull(upstream, make([]byte, 1))
		require.NoError(t, err)
	}
	pass()
	var it *relay
	in.engine.relayMu.Lock()
	for r := range in.engine.relays {
		it = r
	}
	in.engine.relayMu.Unlock()
	require.NotNil(t, it)
	for range 50 {
		off := in.Apply(Layer{Name: "slow", Config: Config{TCP: &TCP{Toxics: []Toxic{
			{Type: ToxicSlicer, Stream: Upstream, Attributes: ToxicAttributes{AverageSize: 10}},
			{Type: ToxicReset, Attributes: ToxicAttributes{Timeout: 1 << 40}},
		}}}})
		pass()
		off()
	}
	pass()
	it.mu.Lock()
	require.LessOrEqual(t, len(it.met), 2)
	require.LessOrEqual(t, len(it.alarms), 2)
	it.mu.Unlock()
	require.NoError(t, client.Close())
	require.NoError(t, <-over)
	_ = upstream.Close() // it is gone either way
}
