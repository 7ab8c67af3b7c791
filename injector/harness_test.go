package injector_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sort"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// ok answers 200 with a short body.
var ok = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "hello, world")
})

// serve starts a server on loopback with the injector in front of a handler.
func serve(t *testing.T, in *injector.Injector, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(in.Handler(h))
	t.Cleanup(s.Close)
	return s
}

// get fetches a URL and returns the response and as much of the body as there
// was.
func get(c *http.Client, url string) (*http.Response, string, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, "", err
	}
	return do(c, req)
}

// do is get for a request.
func do(c *http.Client, req *http.Request) (*http.Response, string, error) {
	resp, err := c.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// faults is a layer with one FaultInjection.
func faults(f injector.FaultInjection) injector.Layer {
	return injector.Layer{Name: "step", Config: injector.Config{FaultInjection: &f}}
}

// events records what an observer is told, in order.
type events struct {
	mu       sync.Mutex
	requests []*injector.Request
	outcomes []*injector.Outcome
	changes  []string
}

func (e *events) Request(r *injector.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests = append(e.requests, r)
}

func (e *events) Done(o *injector.Outcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.outcomes = append(e.outcomes, o)
}

func (e *events) Transition(t *injector.Transition) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.changes = append(e.changes, t.Component+" "+t.From+" "+t.To+": "+t.Reason)
}

// count returns how many decisions of a kind fired.
func (e *events) count(kind string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, r := range e.requests {
		for _, d := range r.Decisions {
			if d.Kind == kind && !d.Masked {
				n++
			}
		}
	}
	return n
}

// memory is a network in memory: every dial is a pipe to the listener.
type memory struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	n     int
	mu    sync.Mutex
}

func newMemory() *memory { return &memory{conns: make(chan net.Conn), done: make(chan struct{})} }

// numbered gives each end of a pipe an address, as connections have.
type numbered struct {
	net.Conn
	port int
}

func (c numbered) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: c.port}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error { m.once.Do(func() { close(m.done) }); return nil }

func (m *memory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	m.mu.Lock()
	m.n++
	port := 40000 + m.n
	m.mu.Unlock()
	client, server := net.Pipe()
	select {
	case m.conns <- numbered{server, port}:
		return client, nil
	case <-m.done:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// world is a client and a server on virtual time.
type world struct {
	*testing.T
	in     *injector.Injector
	client *http.Client
	start  time.Time
	lis    *memory
}

// virtual runs a test on virtual time, with the injector in front of a handler.
func virtual(t *testing.T, h http.Handler, opts []injector.Option, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, in: injector.New(opts...), lis: newMemory()}
		server := &http.Server{Handler: w.in.Handler(h), Protocols: new(http.Protocols)}
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetUnencryptedHTTP2(true)
		go func() { _ = server.Serve(w.lis) }() // ends when the test closes it
		transport := &http.Transport{DialContext: w.lis.dial, MaxIdleConnsPerHost: 100}
		w.client = &http.Client{Transport: transport}
		w.start = time.Now()
		defer func() {
			w.in.Release()
			transport.CloseIdleConnections()
			server.Close()
			time.Sleep(time.Hour) // lets what is still on its way end
		}()
		f(w)
	})
}

// elapsed is the virtual time since the start.
func (w *world) elapsed() time.Duration { return time.Since(w.start) }

// sequencer is a test double of the order of virtual time: it admits arrivals
// one by one, 2 ns apart at odd instants, by stamp and key, and gives each
// request every 20 µs an even instant of its own.
type sequencer struct {
	mu      sync.Mutex
	waiting []*turn
	running bool
	slots   int64
}

type turn struct {
	stamp  time.Time
	key    string
	decide func(time.Time)
	done   chan struct{}
}

func (s *sequencer) Turn(ctx context.Context, key func() string, decide func(time.Time)) error {
	t := &turn{stamp: time.Now(), key: key(), decide: decide, done: make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, t)
	if !s.running {
		s.running = true
		go s.run()
	}
	s.mu.Unlock()
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	for i, other := range s.waiting {
		if other == t {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			s.mu.Unlock()
			return ctx.Err()
		}
	}
	s.mu.Unlock()
	<-t.done
	return nil
}

func (s *sequencer) run() {
	for {
		time.Sleep(time.Duration(1 + time.Now().UnixNano()&1))
		now := time.Now()
		s.mu.Lock()
		sort.SliceStable(s.waiting, func(i, j int) bool {
			a, b := s.waiting[i], s.waiting[j]
			if !a.stamp.Equal(b.stamp) {
				return a.stamp.Before(b.stamp)
			}
			return a.key < b.key
		})
		if len(s.waiting) == 0 {
			s.running = false
			s.mu.Unlock()
			return
		}
		first := s.waiting[0]
		if !first.stamp.Before(now) {
			s.mu.Unlock()
			continue
		}
		s.waiting = s.waiting[1:]
		s.mu.Unlock()
		first.decide(first.stamp)
		close(first.done)
	}
}

func (s *sequencer) Slot() injector.Slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots++
	return slot(2 * (s.slots*7919%9999 + 1))
}

type slot int64

const grid = 20 * time.Microsecond

func (s slot) Before(t time.Time) time.Time {
	n := t.UnixNano() - 1
	return t.Add(-time.Duration(1 + mod(n-int64(s))))
}

func (s slot) After(t time.Time) time.Time { return t.Add(time.Duration(mod(int64(s) - t.UnixNano()))) }

func (s slot) Release() {}

func mod(n int64) int64 {
	n %= int64(grid)
	if n < 0 {
		n += int64(grid)
	}
	return n
}

// requireMs checks a response's sum of injected latency.
func requireMs(t *testing.T, want time.Duration, h http.Header) {
	t.Helper()
	got, err := strconv.ParseFloat(h.Get("X-Mockforge-Injected-Latency-Ms"), 64)
	require.NoError(t, err)
	require.InDelta(t, float64(want)/1e6, got, 1e-6)
}

// serveProtocol starts a TLS server, with HTTP/2 or without.
func serveProtocol(t *testing.T, in *injector.Injector, h http.Handler, http2 bool) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(in.Handler(h))
	s.EnableHTTP2 = http2
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// done is how many requests have ended.
func (e *events) done() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.outcomes)
}
