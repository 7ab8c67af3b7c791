package injector

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// openSocket is a connection whose handshake was made, and its far end.
func openSocket(t *testing.T, in *Injector, header http.Header) (s *socket, far net.Conn) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://test/chat", nil)
	require.NoError(t, err)
	r.Header = header
	far, inner := net.Pipe()
	s = newSocket(in.engine, in.target, nil, r, inner, true)
	s.start(nil)
	t.Cleanup(func() {
		_ = far.Close() // the test is over
		_ = s.Close()
	})
	return s, far
}

// A connection that outlives many layers remembers those in force only, and
// those that rest.
func TestWebSocketForgetsLayersThatAreGone(t *testing.T) {
	t.Parallel()
	in := New()
	s, far := openSocket(t, in, http.Header{})
	message := frameHead{fin: true, op: opText, length: 1}.append(nil)
	message = append(message, 'x')
	pass := func() {
		go func() { _, _ = far.Write(message) }() // it arrives, or ReadFull fails
		_, err := io.ReadFull(s, make([]byte, len(message)))
		require.NoError(t, err)
	}
	closing := func(name string) func() {
		return in.Apply(Layer{Name: name, Config: Config{WebSocket: &WebSocket{Probability: new(0.001), CloseAfterMessages: [2]int{100, 100}}}})
	}
	closing("stays")
	for range 50 {
		off := closing("goes")
		pass()
		off()
	}
	in.Suspend()
	pass()
	in.Resume()
	pass()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.LessOrEqual(t, len(s.plans), 2)
	require.Equal(t, 100-51, s.plans[in.target.set.Load().bindings[0].websocket.closes])
}

// A frame of any length ends what is kept of a message.
func TestGraphQLKeepsNoLongFrame(t *testing.T) {
	t.Parallel()
	s, far := openSocket(t, New(), http.Header{"Sec-Websocket-Protocol": {"graphql-ws"}})
	sent := append(frameHead{op: opText, length: 3}.append(nil), "hel"...)
	sent = append(frameHead{op: opContinuation, length: 1<<63 - 1}.append(sent), "lo"...)
	go func() { _, _ = far.Write(sent) }() // it arrives, or ReadFull fails
	got := make([]byte, len(sent))
	_, err := io.ReadFull(s, got)
	require.NoError(t, err)
	require.Equal(t, sent, got)
}
