package chaostest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/mockforge-go/mockforge/chaostest/internal/memnet"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// An Env is where a run happens: the chaos server and its targets, on an
// in-memory network in virtual time, on loopback in real time. It is a
// testing.TB whose failures are the run's own and whose Cleanup runs after the
// last step, in virtual time too. It is safe for concurrent use.
type Env struct {
	*scope
	URL string // base URL of the default target, without a slash at the end

	steps  []orchestrator.Step
	run    *orchestrator.Run
	real   bool // real time
	remote bool // the chaos server is somewhere else
	net    network
	behind network // between the chaos and what backends accept
	client *http.Client
	named  sync.Once // ByName's check
	bodies openBodies

	mu        sync.Mutex
	open      bool // the document declares no targets: any name makes one
	targets   map[string]*Target
	order     []string
	transport *http.Transport

	backends   []*backend
	forwarders []*http.Transport // to them
	doors      doors
	relays     sync.WaitGroup // of connections
	relaying   context.Context
	stopRelays context.CancelFunc
}

// A Target is a named upstream with the chaos server in front of it.
type Target struct {
	Name string
	URL  string // base URL, without a slash at the end; in virtual time an address that refuses real connections. Of kind tcp: tcp:// and Addr
	Addr string // host:port

	env     *Env
	foreign bool // the server's of Remote
	tcp     bool // its kind
	front   net.Listener
	server  *http.Server // of kind http

	mu       sync.Mutex
	upstream http.Handler
	back     *backend // of kind http: nil before Listen
}

// Serve puts a handler behind the chaos of a target. Default: 200 to
// everything. The target must be one of the document's; a document without
// targets may have any.
func (e *Env) Serve(target string, h http.Handler) {
	t := e.target(target)
	if t.foreign {
		e.refuseUpstream("Serve", target)
	}
	if t.tcp {
		e.Fatalf("env.Serve(%q): the target is of kind tcp: use env.ServeConn, or env.Listen for a server that takes a listener", target)
	}
	if h == nil {
		return
	}
	t.mu.Lock()
	taken := t.back != nil
	if !taken {
		t.upstream = h
	}
	t.mu.Unlock()
	if taken {
		e.Fatalf("env.Serve(%q): env.Listen was called for it already", target)
	}
}

// Target returns a target of the document. A document without targets may
// have any; an unknown one otherwise ends the test.
func (e *Env) Target(name string) *Target { return e.target(name) }

func (e *Env) target(name string) *Target { return e.targetOf(name, false) }

// targetOf also makes one, of kind tcp if so wanted, where any name does.
func (e *Env) targetOf(name string, tcp bool) *Target {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.targets[name]; t != nil {
		return t
	}
	if !e.open {
		known := strings.Join(e.order, ", ")
		e.mu.Unlock()
		defer e.mu.Lock()
		owner := "document"
		if e.remote {
			owner = "server"
		}
		e.Fatalf("the %s has no target %q; it has %s", owner, name, known)
	}
	t, err := e.listen(name, tcp)
	if err != nil {
		e.mu.Unlock()
		defer e.mu.Lock()
		e.Fatalf("target %s: %v", name, err)
	}
	return t
}

// Client is a client that reaches every target by its URL and records what it
// sees. A copy, for another Timeout, shares the recording.
func (e *Env) Client() *http.Client { return e.client }

// Client is the Env's client.
func (t *Target) Client() *http.Client { return t.env.client }

// Dial connects to the target where addr is "", else to the target of any name
// that has the address. It suits net.Dialer's place in clients that are not HTTP
// clients. With RealTime and Remote it reaches other addresses too.
func (t *Target) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if addr == "" {
		addr = t.Addr
	}
	return t.env.dial(ctx, network, addr)
}

// dial connects to an address of the in-memory network. A layer that limits
// the connections of the target, or refuses them, refuses the dial itself.
func (e *Env) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := e.net.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	t := e.targetAt(addr)
	inMemory, ok := c.(*memnet.Conn)
	if t == nil || !ok {
		return c, nil // the chaos server counts it
	}
	release, err := e.admit(ctx, t, c.LocalAddr().String())
	if err != nil {
		_ = c.Close() // nothing was sent on it
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err
		}
		return nil, &net.OpError{Op: "dial", Net: network, Addr: c.RemoteAddr(), Err: err}
	}
	return &counted{Conn: inMemory, release: release}, nil
}

// targetAt is the target at an address; nil if there is none.
func (e *Env) targetAt(addr string) *Target {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range e.targets {
		if t.Addr == addr {
			return t
		}
	}
	return nil
}

// A counted connection counts towards max_connections until it is closed.
type counted struct {
	*memnet.Conn
	release func()
}

func (c *counted) Close() error {
	c.release()
	return c.Conn.Close()
}

// Load calls op perSecond times a second over the whole run, delays included.
// Each call counts as an operation of the steps that are in force when it
// starts. Call it in Setup; later it ends the test.
func (e *Env) Load(perSecond float64, op func(ctx context.Context) error) {
	if e.run.Status().State != orchestrator.RunPending {
		e.Fatalf("env.Load: call it in Setup")
	}
	e.run.Background(perSecond, op)
}

// Watch observes a state of the code under test, such as its circuit
// breaker's, under a name for expectations. state is called when an operation
// ends and at the edges of steps; it must not block. Where reading changes the
// state, as with gobreaker, use Track.
func (e *Env) Watch(name string, state func() string) { e.run.Watch(name, state) }

// Track observes a state that the code under test pushes: pass the new state
// to the result, for example from OnStateChange. Until the first push it is
// "closed".
func (e *Env) Track(name string) func(state string) { return e.run.Track(name) }

// listen opens a target. e.mu is held, or nobody else knows e yet.
func (e *Env) listen(name string, tcp bool) (*Target, error) {
	l, err := e.net.listen(len(e.targets) + 1)
	if err != nil {
		return nil, err
	}
	t := &Target{Name: name, Addr: l.Addr().String(), env: e, tcp: tcp, front: l}
	if t.tcp {
		t.URL = "tcp://" + t.Addr
		if t.back, err = e.newBackend(t); err != nil {
			return nil, err
		}
		e.relays.Go(func() { t.relay(e.relaying, l) })
	} else {
		t.URL = "http://" + t.Addr
		t.serveHTTP(l)
	}
	e.run.AddTarget(name)
	e.targets[name] = t
	e.order = append(e.order, name)
	slices.Sort(e.order)
	return t, nil
}

func (t *Target) serveHTTP(l net.Listener) {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	t.server = &http.Server{
		Handler:   t.env.run.Injector().Target(t.Name).Handler(http.HandlerFunc(t.serve)),
		Protocols: &protocols,
		// Requests on a connection must not wait for each other's end, or body.
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: 1 << 20, MaxReceiveBufferPerConnection: 64 << 20},
		ErrorLog: t.env.serverLog(t.Name),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey, c)
		},
	}
	go func() { _ = t.server.Serve(l) }() // returns when the run closes the server
}

func (t *Target) serve(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	h := t.upstream
	t.mu.Unlock()
	if h != nil {
		h.ServeHTTP(w, r)
	}
}

// newTransport is a transport on the run's network.
func (e *Env) newTransport() *http.Transport {
	return &http.Transport{
		DialContext:         e.dial,
		MaxIdleConnsPerHost: 256,
	}
}

// close ends the servers and the connections.
func (e *Env) close() {
	e.transport.CloseIdleConnections()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopRelays()
	for _, name := range e.order {
		switch t := e.targets[name]; {
		case t.foreign:
		case t.tcp:
			_ = t.front.Close() // one that is closed already is no news
		default:
			_ = t.server.Close()
		}
	}
	e.relays.Wait()
	for _, t := range e.forwarders {
		t.CloseIdleConnections()
	}
	for _, b := range e.backends {
		_ = b.listener.Close()
	}
	e.behind.Close()
	e.net.Close()
}
