package injector_test

import (
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// In virtual time what arrives at one instant leaves at instants of its own, in
// both directions, so that nobody wakes at the same time.
func TestWebSocketInstants(t *testing.T) {
	t.Parallel()
	instants := make(chan time.Time, 100)
	server := speaking(false, func(p *peer) {
		for {
			f, err := p.receive()
			if err != nil {
				return
			}
			instants <- time.Now()
			time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // together again
			if p.send(f) != nil {
				return
			}
		}
	})
	virtual(t, server, []injector.Option{injector.WithSequencer(&sequencer{})}, func(w *world) {
		instants = make(chan time.Time, 100)
		var clients sync.WaitGroup
		var peers []*peer
		for range 8 {
			peers = append(peers, w.connect("/chat"))
		}
		time.Sleep(time.Millisecond - time.Duration(time.Now().UnixNano()%int64(time.Millisecond)))
		for _, p := range peers {
			clients.Go(func() {
				defer p.Close()
				_ = exchangeText(p, "hello")
				instants <- time.Now()
			})
		}
		clients.Wait()
		close(instants)
		seen := map[time.Time]bool{}
		for at := range instants {
			require.False(w, seen[at], "%v twice", at)
			seen[at] = true
		}
		require.Len(w, seen, 16)
	})
}

// What a client does at multiples of the grid after its handshake never meets a
// message, whichever way the upstream answers.
func TestWebSocketAnswerHasASlotOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, headed := range []bool{false, true} {
		virtual(t, speaking(headed, echoing), []injector.Option{injector.WithSequencer(&sequencer{})}, func(w *world) {
			w.in.Apply(sockets(injector.WebSocket{MessageDelay: new(30 * time.Millisecond), Direction: injector.FromUpstream}))
			p := w.connect("/chat")
			defer p.Close()
			opened := time.Now()
			for range 3 {
				require.NoError(w, exchangeText(p, "hello"))
				require.NotZero(w, time.Since(opened)%grid, "headed: %t", headed)
				time.Sleep(time.Millisecond)
			}
		})
	}
}

func TestWebSocketBandwidth(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, echoing), func(w *world, seen *events) {
		p := w.connect("/chat")
		defer p.Close()
		w.in.Apply(shaped(injector.TrafficShaping{BandwidthLimit: 1000}))
		start := time.Now()
		require.NoError(w, p.send(frame{fin: true, op: 2, payload: strings.Repeat("x", 992)})) // and a head of 8
		_, err := p.receive()
		require.NoError(w, err)
		require.InDelta(w, float64(2*time.Second), float64(time.Since(start)), float64(10*time.Millisecond), "up, and down with a head of 4")
		require.NoError(w, p.send(bye(1000, "")))
		_, err = p.receive()
		require.NoError(w, err)
		_, err = p.receive()
		require.Equal(w, io.EOF, err)
		synctest.Wait()
		require.InDelta(w, float64(time.Second), float64(seen.outcomes[0].HeldUp), float64(20*time.Millisecond))
		require.InDelta(w, float64(time.Second), float64(seen.outcomes[0].HeldDown), float64(20*time.Millisecond))
	})
}

func TestWebSocketPartition(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, echoing), func(w *world, _ *events) {
		p := w.connect("/chat")
		defer p.Close()
		remove := w.in.Apply(shaped(injector.TrafficShaping{PacketLossPercent: 100}))
		start := time.Now()
		require.NoError(w, p.SetReadDeadline(start.Add(time.Minute)))
		require.ErrorIs(w, exchangeText(p, "hello"), os.ErrDeadlineExceeded, "silence")
		require.NoError(w, p.send(ping("?")))
		require.NoError(w, p.SetReadDeadline(time.Time{}))
		time.AfterFunc(time.Minute, remove)
		got, err := p.expect(2)
		require.NoError(w, err)
		require.Equal(w, []string{"hello", "?"}, got, "nothing was lost when the link healed")
		require.InDelta(w, float64(2*time.Minute), float64(time.Since(start)), float64(5*grid))
	})
}

func TestWebSocketLoss(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, echoing), func(w *world, seen *events) {
		p := w.connect("/chat")
		defer p.Close()
		w.in.Apply(shaped(injector.TrafficShaping{PacketLossPercent: 10}))
		start := time.Now()
		for range 100 {
			require.NoError(w, exchangeText(p, "hello"))
		}
		require.Greater(w, time.Since(start), 20*200*time.Millisecond-time.Millisecond)
		require.Equal(w, 20, seen.count(injector.KindPacketLoss))
	})
	bothOrders(t, speaking(false, echoing), func(w *world, _ *events) {
		p := w.connect("/chat")
		defer p.Close()
		w.in.Apply(shaped(injector.TrafficShaping{PacketLossPercent: 99, ConnectionTimeout: new(time.Second)}))
		err := exchangeText(p, "hello")
		for err == nil {
			err = exchangeText(p, "hello")
		}
		require.ErrorIs(w, err, io.EOF, "a pipe cannot be reset: it ends")
	})
}

// A delay is no limit of bandwidth: a message comes so much later as it says,
// however many are under way.
func TestWebSocketDelayKeepsUp(t *testing.T) {
	t.Parallel()
	bothOrders(t, speaking(false, echoing), func(w *world, _ *events) {
		w.in.Apply(sockets(injector.WebSocket{MessageDelay: new(time.Second)}))
		p := w.connect("/chat")
		defer p.Close()
		const count = 300
		start := time.Now()
		go func() {
			for range count {
				_ = p.send(text(strings.Repeat("x", 1000)))
				time.Sleep(time.Millisecond)
			}
		}()
		for n := range count {
			_, err := p.receive()
			require.NoError(w, err)
			require.InDelta(w, float64(2*time.Second), float64(time.Since(start)-time.Duration(n)*time.Millisecond), float64(5*grid))
		}
	})
}
