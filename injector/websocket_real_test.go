package injector_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
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
	require.NoError(t, c.SetDeadline(time.Now().Add(5*time.Minute)))
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
	far := httptest.NewServer(speaking(false, telling(&told)))
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
	far := httptest.NewServer(speaking(false, telling(&told)))
	t.Cleanup(far.Close)
	in := injector.New()
	client := &http.Client{Transport: in.RoundTripper(nil)}
	dial := func() *rwcPeer { return dialUpgrade(t, client, far.URL+"/chat") }
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

func newRWCPeer(c io.ReadWriteCloser) *rwcPeer { return &rwcPeer{c, bufio.NewReader(c)} }

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
