package injector_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// dialSocket opens a WebSocket connection over loopback.
func dialSocket(t *testing.T, s *httptest.Server) *peer {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	p, err := handshake(c, "/chat")
	require.NoError(t, err)
	return p
}

// A stall that is longer than the connection's time-out ends in a reset.
func TestWebSocketReset(t *testing.T) {
	t.Parallel()
	in := injector.New()
	p := dialSocket(t, serve(t, in, speaking(false, echoing)))
	in.Apply(shaped(injector.TrafficShaping{PacketLossPercent: 99.9, ConnectionTimeout: new(time.Millisecond)}))
	var err error
	for err == nil {
		err = exchangeText(p, "hello")
	}
	require.True(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE), "%v", err)
}

// Through a reverse proxy, which takes both connections over, both ends learn
// of a close.
func TestWebSocketCloseThroughAProxy(t *testing.T) {
	t.Parallel()
	told := make(chan frame, 1)
	far := httptest.NewServer(speaking(false, func(p *peer) {
		for {
			f, err := p.receive()
			if err != nil {
				return
			}
			if f.op == 8 {
				told <- f
			}
			if p.send(f) != nil || f.op == 8 {
				return
			}
		}
	}))
	t.Cleanup(far.Close)
	to, err := url.Parse(far.URL)
	require.NoError(t, err)
	in := injector.New()
	p := dialSocket(t, serve(t, in, httputil.NewSingleHostReverseProxy(to)))
	require.NoError(t, exchangeText(p, "before"))
	in.Apply(sockets(injector.WebSocket{CloseCodes: []int{1012}, Probability: new(1.0), CloseAfterMessages: [2]int{2, 2}}))
	require.NoError(t, exchangeText(p, "hello"))
	f, err := p.receive()
	require.NoError(t, err)
	require.Equal(t, bye(1012, "injected by step"), f)
	require.Equal(t, f, <-told)
	require.NoError(t, p.send(f))
	_, err = p.receive()
	require.Equal(t, io.EOF, err)
}

// On the client's side the connection is the body of the response.
func TestWebSocketRoundTripper(t *testing.T) {
	t.Parallel()
	told := make(chan frame, 1)
	far := httptest.NewServer(speaking(false, func(p *peer) {
		for {
			f, err := p.receive()
			if err != nil {
				return
			}
			if f.op == 8 {
				told <- f
			}
			if p.send(f) != nil || f.op == 8 {
				return
			}
		}
	}))
	t.Cleanup(far.Close)
	in := injector.New()
	client := &http.Client{Transport: in.RoundTripper(nil)}
	dial := func() *rwcPeer {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, far.URL+"/chat", nil)
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
		return &rwcPeer{rwc, bufio.NewReader(rwc)}
	}
	p := dial()
	require.Equal(t, "hello", p.exchange(t, text("hello")).payload, "a connection that met no layer")
	in.Apply(sockets(injector.WebSocket{MessageTruncationProbability: new(1.0), Direction: injector.FromUpstream}))
	require.Less(t, len(p.exchange(t, text("hello")).payload), 5, "a layer that came later acts on it")
	in.Release()
	in.Apply(sockets(injector.WebSocket{Probability: new(1.0), CloseAfterMessages: [2]int{2, 2}}))
	p = dial()
	require.Equal(t, "hello", p.exchange(t, text("hello")).payload)
	f, err := readFrame(p.in, false)
	require.NoError(t, err)
	require.Equal(t, bye(1011, "injected by step"), f)
	require.Equal(t, f, <-told)
	_, err = p.in.ReadByte()
	require.Equal(t, io.EOF, err)
	_, err = p.Write(f.encode(true))
	require.True(t, err == nil || errors.Is(err, syscall.EPIPE), "%v", err)
}

// A rwcPeer is a client whose connection is the body of a response.
type rwcPeer struct {
	io.ReadWriteCloser
	in *bufio.Reader
}

func (p *rwcPeer) exchange(t *testing.T, f frame) frame {
	t.Helper()
	_, err := p.Write(f.encode(true))
	require.NoError(t, err)
	got, err := readFrame(p.in, false)
	require.NoError(t, err)
	return got
}

// What is not WebSocket after the answer passes, whatever the layers say.
func TestWebSocketThatIsNone(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(sockets(injector.WebSocket{Probability: new(1.0), MessageDropProbability: new(1.0), CloseAfterMessages: [2]int{1, 1}}))
	lines := serve(t, in, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 200 OK\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString(strings.ToUpper(line))
		_ = rw.Flush()
	}))
	c, err := net.Dial("tcp", lines.Listener.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(30*time.Second)))
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	b := make([]byte, len("HTTP/1.1 200 OK\r\n\r\n"))
	_, err = io.ReadFull(c, b)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 200 OK\r\n\r\n", string(b))
	fmt.Fprint(c, "\x01\x05hello\n") // what would be a message
	b, err = io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, "\x01\x05HELLO\n", string(b))
}

// A large message streams: it does not wait for its end, and its bytes but for
// the corrupt ones are in place. Both directions at once.
func TestWebSocketStreams(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(sockets(injector.WebSocket{MessageDelay: new(time.Millisecond), MessageCorruptionProbability: new(1.0), Direction: injector.FromUpstream}))
	p := dialSocket(t, serve(t, in, speaking(false, func(p *peer) { _, _ = io.Copy(p, unmasked{p.in}) })))
	const size = 4 << 20
	sent := frame{fin: true, op: 2, payload: strings.Repeat("0123456789abcdef", size/16)}.encode(false)
	got := make([]byte, len(sent))
	const half = 2 << 20
	for _, part := range [][2]int{{0, half}, {half, len(sent)}} { // the first comes back before the second is sent
		var sending sync.WaitGroup
		sending.Go(func() { _, _ = p.Write(sent[part[0]:part[1]]) })
		_, err := io.ReadFull(p.in, got[part[0]:part[1]])
		require.NoError(t, err)
		sending.Wait()
	}
	differ := 0
	for i := range sent {
		if got[i] != sent[i] {
			differ++
		}
	}
	require.InDelta(t, size/10, differ, 1, "one of ten")
}

// unmasked is for an upstream that sends back what it gets: the test's client
// does not mask.
type unmasked struct{ io.Reader }

// One seed gives one run, whatever the number of processors: which messages are
// hit, and when each client sees what.
func TestWebSocketDeterminism(t *testing.T) { // not parallel: it changes GOMAXPROCS
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	runs := 8
	if testing.Short() {
		runs = 2
	}
	digests := map[string]int{}
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		for range runs {
			digests[socketRun(t)]++
		}
	}
	require.Len(t, digests, 1, "of %d runs", 3*runs)
}

// socketRun lets several clients talk at once, and returns a digest of what
// they saw and of what an observer was told.
func socketRun(t *testing.T) string {
	t.Helper()
	seen := &events{}
	var log []string
	virtual(t, speaking(false, echoing), []injector.Option{injector.WithObserver(seen), injector.WithSequencer(&sequencer{}), injector.WithSeed(11)}, func(w *world) {
		w.in.Apply(sockets(injector.WebSocket{
			CloseCodes: []int{1001, 1011}, Probability: new(0.5), CloseAfterMessages: [2]int{10, 30}, MessageDropProbability: new(0.05),
			MessageCorruptionProbability: new(0.1), MessageTruncationProbability: new(0.1), MessageDelay: new(30 * time.Millisecond),
			MessageDelayProbability: new(0.3), ControlFrames: true,
		}))
		w.in.Apply(injector.Layer{Name: "net", Config: injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 3, BandwidthLimit: 20_000}}})
		var mu sync.Mutex
		var clients sync.WaitGroup
		for c := range 6 {
			clients.Go(func() {
				time.Sleep(time.Duration(c) * 100 * time.Nanosecond)
				p := w.connect(fmt.Sprintf("/chat/%d", c))
				defer p.Close()
				note := func(format string, args ...any) {
					mu.Lock()
					defer mu.Unlock()
					log = append(log, fmt.Sprintf("%d %v ", c, w.elapsed())+fmt.Sprintf(format, args...))
				}
				go func() {
					for i := range 20 {
						// Pieces of several sizes, at once.
						_ = p.send(text(fmt.Sprintf("message %d of %d", i, c)))
						_ = p.send(ping("p"), frame{op: 2, payload: strings.Repeat("x", 300)})
						_ = p.send(frame{fin: true, payload: "end"})
						time.Sleep(20 * time.Millisecond)
					}
					time.Sleep(3 * time.Second)
					p.Close()
				}()
				for {
					f, err := p.receive()
					if err != nil {
						note("over")
						return
					}
					note("%d %q", f.op, f.payload)
				}
			})
		}
		clients.Wait()
	})
	require.Greater(t, len(log), 150)
	slices.Sort(log) // clients at one instant append in any order
	out := []byte(strings.Join(log, "\n"))
	for _, r := range seen.requests {
		out = fmt.Appendf(out, "\n%d %v %v %s %v", r.N, r.At, r.Delay, r.Path, r.Decisions)
	}
	for _, kind := range []string{"websocket_close", "message_drop", "message_corruption", "message_truncation", "message_delay", "packet_loss"} {
		require.True(t, bytes.Contains(out, []byte(kind)), kind)
	}
	return fmt.Sprintf("%x", sha256.Sum256(out))
}
