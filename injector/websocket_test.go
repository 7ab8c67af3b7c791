package injector_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// sockets is a layer with one WebSocket section.
func sockets(ws injector.WebSocket) injector.Layer {
	return injector.Layer{Name: "step", Config: injector.Config{WebSocket: &ws}}
}

// connect opens a WebSocket connection.
func (w *world) connect(path string) *peer {
	w.Helper()
	c, err := w.lis.dial(context.Background(), "", "")
	require.NoError(w, err)
	p, err := handshake(c, path)
	require.NoError(w, err)
	return p
}

// both runs a test in virtual time, with an order and without.
func bothOrders(t *testing.T, h http.Handler, f func(w *world, seen *events)) {
	t.Helper()
	for _, sequenced := range []bool{false, true} {
		seen := &events{}
		opts := []injector.Option{injector.WithObserver(seen), injector.WithSeed(3)}
		if sequenced {
			opts = append(opts, injector.WithSequencer(&sequencer{}))
		}
		virtual(t, h, opts, func(w *world) { f(w, seen) })
	}
}

func TestWebSocketPasses(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789", 30_000)
	for _, headed := range []bool{false, true} {
		bothOrders(t, speaking(headed, echoing), func(w *world, seen *events) {
			p := w.connect("/chat")
			defer p.Close()
			in := make(chan frame)
			go func() {
				for range 5 {
					f, err := p.receive()
					if err != nil {
						f.payload = err.Error()
					}
					in <- f
				}
			}()
			sent := []frame{text("hello"), ping("?"), {fin: true, rsv: 0x40, op: 2, payload: "compressed"}, text(""), text(big)}
			require.NoError(w, p.send(sent...))
			sent[1].op = 10
			for _, want := range sent {
				require.Equal(w, want, <-in)
			}
			require.Less(w, w.elapsed(), time.Millisecond)
			require.Len(w, seen.requests, 1, "a handshake, and nothing was injected")
			require.Equal(w, "websocket", seen.requests[0].Protocol)
		})
	}
}

// The handshake is a request like others.
func TestWebSocketHandshakeFaults(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, echoing), func(w *world, _ *events) {
		remove := w.in.Apply(faults(injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: new(1.0)}))
		c, err := w.lis.dial(w.Context(), "", "")
		require.NoError(w, err)
		_, err = handshake(c, "/chat")
		require.EqualError(w, err, "bad handshake: 503 Service Unavailable")
		c.Close()
		remove()
		remove = w.in.Apply(slow(time.Second))
		start := time.Now()
		p := w.connect("/chat")
		defer p.Close()
		require.InDelta(w, float64(time.Second), float64(time.Since(start)), float64(2*grid))
		start = time.Now()
		require.NoError(w, exchangeText(p, "hello"))
		require.Less(w, time.Since(start), 10*grid, "latency is the handshake's")
		remove()
	})
}

func exchangeText(p *peer, word string) error {
	if err := p.send(text(word)); err != nil {
		return err
	}
	f, err := p.receive()
	if err == nil && f.payload != word {
		err = fmt.Errorf("got %d %q", f.op, f.payload)
	}
	return err
}

// A close comes after the drawn number of messages, to both ends, and then the
// connection ends in order.
func TestWebSocketClose(t *testing.T) {
	t.Parallel()
	var told chan frame
	bothOrders(t, speaking(false, telling(&told)), func(w *world, seen *events) {
		told = make(chan frame, 1)
		w.in.Apply(sockets(injector.WebSocket{CloseCodes: []int{1008}, Probability: new(1.0), CloseReason: "too much", CloseAfterMessages: [2]int{4, 4}}))
		p := w.connect("/chat")
		defer p.Close()
		require.NoError(w, exchangeText(p, "one"))
		require.NoError(w, exchangeText(p, "two"), "four messages, both directions together")
		f, err := p.receive()
		require.NoError(w, err)
		require.Equal(w, bye(1008, "too much"), f)
		require.Equal(w, bye(1008, "too much"), <-told, "the upstream is told the same")
		require.NoError(w, p.send(f))
		_, err = p.receive()
		require.Equal(w, io.EOF, err)
		require.Less(w, w.elapsed(), time.Millisecond)
		time.Sleep(time.Millisecond)
		require.Equal(w, 1, seen.count(injector.KindWebSocketClose))
		last := seen.requests[len(seen.requests)-1]
		require.Equal(w, "/chat", last.Path)
		require.Equal(w, "websocket", last.Protocol)
		require.Empty(w, last.Method)
		require.Equal(w, "GET /chat", last.Endpoint)
		require.Equal(w, 1008, last.Decisions[0].Status)
		require.Len(w, seen.outcomes, len(seen.requests))
		require.Equal(w, []injector.Draw{{Kind: "websocket_close", Probability: 1, Sampling: "exact", Requests: 1, Injected: 1}},
			w.in.Draws(injector.LayerRef{Name: "step"}))
	})
}

// A client that does not answer a close frame is left after five seconds.
func TestWebSocketCloseUnanswered(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(true, echoing), func(w *world, _ *events) {
		w.in.Apply(sockets(injector.WebSocket{CloseCodes: []int{1001}, Probability: new(1.0), CloseAfterMessages: [2]int{1, 1}}))
		p := w.connect("/chat")
		defer p.Close()
		require.NoError(w, p.send(text("one")))
		f, err := p.receive()
		require.NoError(w, err)
		require.Equal(w, bye(1001, "injected by step"), f, "the answer to the message comes after the end")
		start := time.Now()
		_, err = p.receive()
		require.Equal(w, io.EOF, err)
		require.InDelta(w, float64(5*time.Second), float64(time.Since(start)), float64(2*grid))
	})
}

// The draw is made once for each connection, and is exact over those that come
// so far.
func TestWebSocketCloseDraws(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, echoing), func(w *world, seen *events) {
		w.in.Apply(sockets(injector.WebSocket{CloseCodes: []int{1001, 1011}, Probability: new(0.2)}))
		closed := map[int]int{}
		for range 100 {
			p := w.connect("/chat")
			for range 10 {
				require.NoError(w, p.send(text("x")))
				f, err := p.receive()
				require.NoError(w, err)
				if f.op == 8 {
					closed[f.code()]++
					break
				}
			}
			p.Close()
		}
		require.Equal(w, 20, closed[1001]+closed[1011], "%v", closed)
		require.Positive(w, closed[1001])
		require.Positive(w, closed[1011])
		require.Equal(w, 20, seen.count(injector.KindWebSocketClose))
	})
}

func TestWebSocketMessageFaults(t *testing.T) {
	t.Parallel()
	const word = "grüße aus Köln, 世界"
	tests := []struct {
		name   string
		ws     injector.WebSocket
		kind   string
		change func(t *testing.T, got frame)
	}{
		{"corruption", injector.WebSocket{MessageCorruptionProbability: new(0.1)}, injector.KindMessageCorruption, func(t *testing.T, got frame) {
			require.Len(t, got.payload, len(word))
			require.True(t, utf8.ValidString(got.payload), "%q", got.payload)
		}},
		{"truncation", injector.WebSocket{MessageTruncationProbability: new(0.1)}, injector.KindMessageTruncation, func(t *testing.T, got frame) {
			require.Less(t, len(got.payload), len(word))
			require.True(t, strings.HasPrefix(word, got.payload), "%q", got.payload)
			require.True(t, utf8.ValidString(got.payload), "%q", got.payload)
		}},
	}
	for _, tt := range tests {
		for _, direction := range []injector.WebSocketTraffic{"", injector.Both, injector.FromClient, injector.FromUpstream} {
			bothOrders(t, speaking(false, echoing), func(w *world, seen *events) {
				tt.ws.Direction = direction
				w.in.Apply(sockets(tt.ws))
				p := w.connect("/chat")
				defer p.Close()
				changed := 0
				for range 200 {
					require.NoError(w, p.send(frame{op: 1, payload: word[:10]}, ping("?"), frame{fin: true, payload: word[10:]}))
					got, pongs := p.message()
					require.Equal(w, byte(1), got.op)
					require.Equal(w, 1, pongs)
					if got.payload != word {
						changed++
						tt.change(w.T, got)
					}
				}
				want := map[injector.WebSocketTraffic]int{injector.FromClient: 20, injector.FromUpstream: 20}[direction]
				if want != 0 {
					require.Equal(w, want, changed)
				} else {
					require.InDelta(w, 40, seen.count(tt.kind), 3, "what was cut to nothing cannot be cut again")
					require.Greater(w, changed, 25)
					require.LessOrEqual(w, changed, 40)
				}
				require.InDelta(w, len(seen.requests)-1, seen.count(tt.kind), 3, "each is told as a request of its own")
			})
		}
	}
}

func TestWebSocketDrop(t *testing.T) {
	t.Parallel()
	for direction, want := range map[injector.WebSocketTraffic]int{injector.Both: 81, injector.FromClient: 90, injector.FromUpstream: 90} {
		bothOrders(t, speaking(false, echoing), func(w *world, seen *events) {
			w.in.Apply(sockets(injector.WebSocket{MessageDropProbability: new(0.1), Direction: direction}))
			p := w.connect("/chat")
			defer p.Close()
			go func() {
				for i := range 100 {
					_ = p.send(text(fmt.Sprint(i)), ping("still here"))
				}
				_ = p.send(bye(1000, ""))
			}()
			texts, pongs, last := 0, 0, -1
			for {
				f, err := p.receive()
				require.NoError(w, err)
				if f.op == 8 {
					break
				}
				if f.op == 10 {
					pongs++
					continue
				}
				var n int
				_, err = fmt.Sscan(f.payload, &n)
				require.NoError(w, err)
				require.Greater(w, n, last)
				texts, last = texts+1, n
			}
			require.Equal(w, 100, pongs, "control frames are untouched")
			require.InDelta(w, want, texts, 1, string(direction))
			require.Equal(w, 100-texts, seen.count(injector.KindMessageDrop))
			draws := w.in.Draws(injector.LayerRef{Name: "step"})
			require.Len(w, draws, 1)
			require.EqualValues(w, 100-texts, draws[0].Injected)
			if direction != injector.Both {
				require.EqualValues(w, 100, draws[0].Requests)
			}
		})
	}
}

// A delay keeps the order; pings overtake, unless control_frames says
// otherwise.
func TestWebSocketDelay(t *testing.T) {
	t.Parallel()
	for _, controls := range []bool{false, true} {
		bothOrders(t, speaking(false, echoing), func(w *world, seen *events) {
			p := w.connect("/chat")
			defer p.Close()
			remove := w.in.Apply(sockets(injector.WebSocket{MessageDelay: new(time.Second), Direction: injector.FromUpstream, ControlFrames: controls}))
			start := time.Now()
			after := func(f frame, op byte, payload string, want time.Duration) {
				w.Helper()
				require.Equal(w, op, f.op)
				require.Equal(w, payload, f.payload)
				require.InDelta(w, float64(want), float64(time.Since(start)), float64(3*grid))
			}
			go func() {
				_ = p.send(text("one"))
				time.Sleep(100 * time.Millisecond)
				_ = p.send(text("two"), ping("?"))
				time.Sleep(100 * time.Millisecond)
				remove()
				_ = p.send(text("three"))
			}()
			receive := func() frame {
				f, err := p.receive()
				require.NoError(w, err)
				return f
			}
			if !controls {
				after(receive(), 10, "?", 100*time.Millisecond)
			}
			after(receive(), 1, "one", time.Second)
			after(receive(), 1, "two", 1100*time.Millisecond)
			if controls {
				after(receive(), 10, "?", 1100*time.Millisecond)
			}
			after(receive(), 1, "three", 1100*time.Millisecond)
			want := 2
			if controls {
				want++
			}
			require.Equal(w, want, seen.count(injector.KindMessageDelay), "a layer that is off delays nothing")
		})
	}
}

// Release and Suspend cut delays short; Close of the layer does not.
func TestWebSocketRelease(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, echoing), func(w *world, _ *events) {
		w.in.Apply(sockets(injector.WebSocket{MessageDelay: new(time.Hour), Direction: injector.FromClient}))
		p := w.connect("/chat")
		defer p.Close()
		time.AfterFunc(time.Second, w.in.Release)
		require.NoError(w, exchangeText(p, "hello"))
		require.InDelta(w, float64(time.Second), float64(w.elapsed()), float64(5*grid))
	})
}

// What is on its way when an end closes still arrives.
func TestWebSocketLinger(t *testing.T) {
	t.Parallel()
	hasty := speaking(false, func(p *peer) { _ = p.send(text("last words"), bye(1000, "done")) })
	bothOrders(t, hasty, func(w *world, _ *events) {
		w.in.Apply(sockets(injector.WebSocket{MessageDelay: new(2 * time.Second)}))
		p := w.connect("/chat")
		defer p.Close()
		got, err := p.expect(1)
		require.NoError(w, err)
		require.Equal(w, []string{"last words"}, got)
		require.InDelta(w, float64(2*time.Second), float64(w.elapsed()), float64(5*grid))
		f, err := p.receive()
		require.NoError(w, err)
		require.Equal(w, 1000, f.code(), "a close does not overtake what is late")
		_, err = p.receive()
		require.Equal(w, io.EOF, err)
	})
}

// A layer that goes on acts on the next messages of open connections, and only
// on the paths that it names.
func TestWebSocketLayersComeAndGo(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, echoing), func(w *world, _ *events) {
		p, other := w.connect("/chat/7"), w.connect("/other")
		defer p.Close()
		defer other.Close()
		require.NoError(w, exchangeText(p, "before"))
		remove := w.in.Apply(sockets(injector.WebSocket{MessageDropProbability: new(1.0), Paths: []string{"/chat/*"}, Direction: injector.FromClient}))
		require.NoError(w, p.send(text("lost")))
		require.NoError(w, exchangeText(other, "another path"))
		remove()
		require.NoError(w, exchangeText(p, "after"))
	})
}
