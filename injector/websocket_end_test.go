package injector_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// What an end leaves incomplete arrives all the same, before the end does: the
// other one finds out by itself.
func TestWebSocketUnfinished(t *testing.T) {
	t.Parallel()
	whole := text("hello").encode(true)
	cut := text(strings.Repeat("x", 200)).encode(true)
	for name, last := range map[string][]byte{
		"half a head":               cut[:3],
		"a head":                    cut[:8],
		"half a payload":            cut[:100],
		"half a ping":               ping("hello").encode(true)[:8],
		"half a close":              bye(1000, "bye").encode(true)[:7],
		"half a fragmented message": frame{op: 1, payload: "hel"}.encode(true),
		"a frame of no kind":        frame{fin: true, op: 3, payload: "hello"}.encode(true)[:7],
		"a long ping":               frame{fin: true, op: 9, payload: strings.Repeat("x", 126)}.encode(true),
		"a message in a message":    append(frame{op: 1, payload: "hel"}.encode(true), whole...),
		"the end of no message":     frame{fin: true, payload: "lo"}.encode(true),
		"a length below zero":       {0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5},
	} {
		for _, protocol := range []string{"chat", "graphql-ws"} { // of which messages are kept until they are whole
			for _, up := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/up=%v", name, protocol, up), func(t *testing.T) {
					t.Parallel()
					sent := append(append([]byte{}, whole...), last...)
					came := make(chan []byte, 1)
					in := injector.New()
					in.Apply(sockets(injector.WebSocket{MessageDelay: new(time.Millisecond)}))
					s := serve(t, in, speaking(false, func(p *peer) {
						if !up {
							_, _ = p.Write(sent)
							return // it closes
						}
						b, _ := io.ReadAll(p.in)
						came <- b
					}))
					c, err := net.Dial("tcp", s.Listener.Addr().String())
					require.NoError(t, err)
					defer c.Close()
					require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
					p, err := handshake(c, "/chat", "Sec-WebSocket-Protocol: "+protocol)
					require.NoError(t, err)
					if up {
						_, err = p.Write(sent)
						require.NoError(t, err)
						require.NoError(t, c.(*net.TCPConn).CloseWrite())
						require.Equal(t, sent, <-came)
						return
					}
					b, err := io.ReadAll(p.in)
					require.NoError(t, err)
					require.Equal(t, sent, b)
				})
			}
		}
	}
}

// An end that does not read, and sends all the time, is left too once chaos has
// closed the connection: it cannot send for ever.
func TestWebSocketCloseUnread(t *testing.T) {
	t.Parallel()
	flood := func(p *peer) error {
		for {
			if err := p.send(text(strings.Repeat("x", 1000))); err != nil {
				return err
			}
		}
	}
	closing := sockets(injector.WebSocket{CloseCodes: []int{1001}, Probability: new(1.0), CloseAfterMessages: [2]int{50, 50}})
	ended := func(w *world, err error) {
		w.Helper()
		require.Error(w, err)
		require.NotErrorIs(w, err, os.ErrDeadlineExceeded)
		require.InDelta(w, float64(5*time.Second), float64(w.elapsed()), float64(time.Millisecond))
	}
	var over chan error
	bothOrders(t, speaking(false, func(p *peer) { over <- flood(p) }), func(w *world, _ *events) {
		over = make(chan error, 1)
		w.in.Apply(closing)
		p := w.connect("/chat")
		defer p.Close()
		ended(w, <-over)
	})
	bothOrders(t, speaking(false, func(p *peer) {
		_ = p.SetReadDeadline(time.Now().Add(time.Minute))
		for {
			if _, err := p.receive(); err != nil {
				break
			}
		}
		time.Sleep(time.Minute) // nor does it close
	}), func(w *world, _ *events) {
		w.in.Apply(closing)
		p := w.connect("/chat")
		defer p.Close()
		require.NoError(w, p.SetWriteDeadline(time.Now().Add(time.Minute)))
		ended(w, flood(p))
	})
}

// On the client's side, where the connection has no deadlines, Close does not
// wait for ever for an upstream that does not read.
func TestWebSocketRoundTripperUnread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lis := newMemory()
		gone := make(chan error, 1)
		server := &http.Server{Handler: speaking(false, func(p *peer) {
			time.Sleep(time.Hour)
			_, err := p.Write([]byte("?"))
			gone <- err
		})}
		go func() { _ = server.Serve(lis) }() // ends when the test closes it
		defer server.Close()
		client := &http.Client{Transport: injector.New().RoundTripper(&http.Transport{DialContext: lis.dial})}
		c := dialUpgrade(t, client, "http://test/chat")
		_, err := c.Write(text(strings.Repeat("x", 10_000)).encode(true))
		require.NoError(t, err)
		require.NoError(t, c.Close())
		require.Error(t, <-gone)
	})
}

// dialUpgrade opens a connection with a client: it is the body of the response.
func dialUpgrade(t *testing.T, client *http.Client, url string) *rwcPeer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
		r.Header.Set(name, value)
	}
	resp, err := client.Do(r)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
	rwc, ok := resp.Body.(io.ReadWriteCloser)
	require.True(t, ok)
	t.Cleanup(func() { rwc.Close() })
	return newRWCPeer(rwc)
}

// Answers that chaos gives in the upstream's place wait as the upstream's would: a
// client that does not read them cannot send for ever.
func TestWebSocketAnswersUnread(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, publishing), func(w *world, _ *events) {
		w.in.Apply(graph(injector.GraphQL{Probability: new(1.0)}))
		p := w.subscriber("graphql-transport-ws")
		defer p.Close()
		require.NoError(w, p.SetWriteDeadline(time.Now().Add(time.Minute)))
		sent := 0
		for err := error(nil); err == nil && sent < 20_000; {
			err = p.send(text(starting("subscribe", "1", "Bad")))
			sent++
		}
		require.Less(w, sent, 2000)
		require.NoError(w, p.SetWriteDeadline(time.Time{}))
		_, err := p.expect(sent - 1)
		require.NoError(w, err, "all of them are answered")
	})
}

// An end that closes some time after a message of its own was dropped is closed:
// nothing waits for what will not leave.
func TestWebSocketCloseAfterDrop(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, func(p *peer) {
		_ = p.send(text("lost"))
		time.Sleep(time.Second)
		// it closes
	}), func(w *world, seen *events) {
		w.in.Apply(sockets(injector.WebSocket{MessageDropProbability: new(1.0)}))
		p := w.connect("/chat")
		defer p.Close()
		require.NoError(w, p.SetReadDeadline(time.Now().Add(time.Minute)))
		_, err := p.receive()
		require.ErrorIs(w, err, io.EOF)
		require.InDelta(w, float64(time.Second), float64(w.elapsed()), float64(3*grid))
		require.Equal(w, 1, seen.count(injector.KindMessageDrop))
	})
}
