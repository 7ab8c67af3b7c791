package injector_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// mixed is a config in which connections and messages share rules with requests, and
// have rules of their own.
func mixed(i int) injector.Config {
	const half = time.Millisecond / 2
	schedules := []*injector.Schedule{
		nil, {Type: "first", Count: 30}, {Type: "every", Count: 3}, {Type: "window", From: time.Millisecond, To: 3 * time.Millisecond, Period: 5 * time.Millisecond},
		{Type: "ramp", Start: new(0.2)},
	}
	toxic := func(t injector.ToxicType, s injector.Stream, a injector.ToxicAttributes) injector.Toxic {
		return injector.Toxic{Type: t, Stream: s, Toxicity: new(0.6), Attributes: a}
	}
	perMessage := toxic(injector.ToxicLatency, injector.Upstream, injector.ToxicAttributes{Latency: half, Jitter: half})
	perMessage.Name, perMessage.Per, perMessage.Protocol = "each", injector.PerMessage, "lines"
	return injector.Config{
		Latency: &injector.Latency{FixedDelay: half, JitterPercent: 50, Probability: new(0.4), Schedule: schedules[i%5]},
		FaultInjection: &injector.FaultInjection{
			HTTPErrors: []int{500, 503}, HTTPErrorProbability: new(0.3), ConnectionErrorProbability: new(0.1), PartialResponseProbability: new(0.2),
			TimeoutErrors: new(true), TimeoutProbability: new(0.1), Timeout: new(half), Schedule: schedules[i/5%5],
		},
		TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 5, ConnectionTimeout: new(half), BandwidthLimit: 100 << 20},
		TCP: &injector.TCP{Toxics: []injector.Toxic{
			toxic(injector.ToxicLatency, injector.Upstream, injector.ToxicAttributes{Latency: half, Jitter: half}),
			toxic(injector.ToxicLatency, injector.Downstream, injector.ToxicAttributes{Latency: half}),
			{Type: injector.ToxicRefuse, Toxicity: new(0.2)}, perMessage,
			toxic(injector.ToxicSlicer, injector.Downstream, injector.ToxicAttributes{AverageSize: 2}),
			toxic(injector.ToxicReset, injector.Downstream, injector.ToxicAttributes{Timeout: 20 * time.Millisecond}),
		}},
		WebSocket: &injector.WebSocket{
			MessageDropProbability: new(0.1), MessageCorruptionProbability: new(0.2), MessageTruncationProbability: new(0.2), MessageDelay: new(half),
			MessageDelayProbability: new(0.3), ControlFrames: true, CloseCodes: []int{1011, 4000}, Probability: new(0.7), CloseAfterMessages: [2]int{3, 12}, Paths: []string{"/chat", "/graphql"},
		},
		GraphQL: &injector.GraphQL{ErrorCodes: []string{"A"}, Probability: new(0.3), PartialDataProbability: new(0.4), ResolverLatency: new(i%2 == 0), ResolverDelay: new(half)},
	}
}

// What connections and messages draw is made again from the journal, and so is what
// requests draw from the same rules.
func TestConnectionsFollowFromTheJournal(t *testing.T) { // not parallel: its clients take every core that there is
	book := &tally{}
	in := injector.New(injector.WithSeed(11), injector.InOrder(), injector.WithObserver(book))
	h := in.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Upgrade") == "":
			_, _ = io.WriteString(w, `{"data":{"price":{"value":1}}}`)
		case r.URL.Path == "/graphql":
			speaking(false, publishing).ServeHTTP(w, r)
		default:
			speaking(false, echoing).ServeHTTP(w, r)
		}
	}))
	var handlers sync.WaitGroup // also of connections that were taken over
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers.Add(1)
		defer handlers.Done()
		h.ServeHTTP(w, r)
	}))
	heard := in.Target("heard").Listener(loopback(t))
	raw, back := loopback(t), loopback(t)
	var servers sync.WaitGroup
	accept := func(l net.Listener, do func(net.Conn)) {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			servers.Go(func() { do(c) })
		}
	}
	echo := func(c net.Conn) {
		defer c.Close()
		_, _ = io.Copy(c, c)
	}
	servers.Go(func() { accept(back, echo) })
	servers.Go(func() { accept(heard, echo) })
	servers.Go(func() {
		accept(raw, func(c net.Conn) { _ = in.Target("raw").Relay(t.Context(), c, dialer(back)) })
	})

	stop := make(chan struct{})
	var clients sync.WaitGroup
	repeat := func(do func()) {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					do()
				}
			}
		})
	}
	by := func(c net.Conn) net.Conn {
		require.NoError(t, c.SetDeadline(time.Now().Add(100*time.Millisecond)))
		return c
	}
	dial := func(l net.Listener) func() {
		return func() {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				return
			}
			defer c.Close()
			by(c)
			for range 20 {
				if _, err := io.WriteString(c, "hello\n"); err != nil {
					return
				}
				if _, err := io.ReadFull(c, make([]byte, 6)); err != nil {
					return
				}
			}
		}
	}
	plain := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	socket := func(path, protocol string, talk func(*peer)) func() {
		return func() {
			c, err := net.Dial("tcp", web.Listener.Addr().String())
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = fmt.Fprintf(by(c), "GET %s HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
				"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", path, protocol)
			p := &peer{Conn: c, in: bufio.NewReader(c), client: true}
			if resp, err := http.ReadResponse(p.in, nil); err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
				talk(p)
			}
		}
	}
	for _, do := range []func(){
		dial(raw), dial(raw), dial(heard),
		socket("/chat", "", func(p *peer) {
			for i := range 20 {
				if p.send(text("hello"), text(""), ping("ping")) != nil || i%4 == 3 && p.send(text("last")) != nil {
					return
				}
				if _, err := p.receive(); err != nil {
					return
				}
			}
		}),
		socket("/graphql", "Sec-WebSocket-Protocol: graphql-transport-ws\r\n", func(p *peer) {
			for i := range 8 {
				if p.send(text(starting("subscribe", fmt.Sprint(i), "Prices"))) != nil {
					return
				}
				if _, err := p.receive(); err != nil {
					return
				}
			}
		}),
		func() {
			resp, err := plain.Post(web.URL+"/graphql", "application/json", strings.NewReader(`{"query":"query Cart { price { value } }"}`))
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		},
	} {
		repeat(do)
	}
	want := each(
		"tcp latency", "tcp packet_loss", "tcp bandwidth", "tcp connection_error", "tcp http_error", "tcp timeout", "tcp partial_response",
		"tcp tcp_latency", "tcp tcp_refuse", "tcp tcp_slicer", "tcp tcp_reset_peer", "websocket packet_loss", "websocket websocket_close",
		"websocket message_drop", "websocket message_corruption", "websocket message_truncation", "websocket message_delay", "websocket graphql_error", "websocket partial_data", "websocket resolver_latency",
	)
	want["decision"] = 201
	layers := map[string]injector.Layer{}
	for i, start := 0, time.Now(); i < 25 || book.lacks(want) != "" && time.Since(start) < patience; i++ {
		name := fmt.Sprintf("mixed-%d", i)
		layers[name] = injector.Layer{Name: name, Config: mixed(i), Duration: 20 * time.Millisecond}
		remove := in.Apply(layers[name])
		time.Sleep(20 * time.Millisecond)
		remove()
	}
	close(stop)
	clients.Wait()
	for _, l := range []net.Listener{heard, raw, back} {
		require.NoError(t, l.Close())
	}
	servers.Wait()
	web.Close()
	handlers.Wait()

	require.Empty(t, book.lacks(want))
	require.Empty(t, book.foreign)
	decisions, _ := book.again(t, 11, layers)
	require.Equal(t, book.counts["decision"], decisions)
}

// A journal is told what rules were asked before what they decided, and when their
// layer goes.
func TestJournalOfMessages(t *testing.T) {
	t.Parallel()
	book := &notebook{}
	virtual(t, speaking(false, echoing), []injector.Option{injector.InOrder(), injector.WithObserver(book)}, func(w *world) {
		remove := w.in.Apply(injector.Layer{Name: "chat", Config: injector.Config{WebSocket: &injector.WebSocket{
			MessageTruncationProbability: new(0.5), Direction: injector.FromClient,
		}}})
		p := w.connect("/chat")
		for range 10 {
			require.NoError(w, p.send(text("hello")))
			_, err := p.receive()
			require.NoError(w, err)
		}
		require.NoError(w, p.Close())
		remove()
	})
	total, told := 0, 0
	for _, d := range book.drawn {
		require.Equal(t, "chat", d.Layer.Name)
		require.Len(t, d.Rules, 1)
		total += d.Rules["websocket up"]
		q, is := book.notes[d.place].(injector.Request)
		require.NotEqual(t, is, d.Quiet)
		if is {
			require.Len(t, q.Decisions, 1)
			require.EqualValues(t, total-1, q.Decisions[0].Ordinal)
			told++
		}
	}
	require.Equal(t, 10, total)
	require.Positive(t, told)
}
