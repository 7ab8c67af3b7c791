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
	client *http.Client
	named  sync.Once // ByName's check
	bodies openBodies

	mu        sync.Mutex
	open      bool // the document declares no targets: any name makes one
	targets   map[string]*Target
	order     []string
	transport *http.Transport
}

// A Target is a named upstream with the chaos server in front of it.
type Target struct {
	Name string
	URL  string // base URL, without a slash at the end; in virtual time an address that refuses real connections

	env    *Env
	addr   string
	server *http.Server

	mu       sync.Mutex
	upstream http.Handler
}

// Serve puts a handler behind the chaos of a target. Default: 200 to
// everything. The target must be one of the document's; a document without
// targets may have any.
func (e *Env) Serve(target string, h http.Handler) {
	t := e.target(target)
	if t.server == nil {
		e.Fatalf("env.Serve(%q): with chaostest.Remote the upstreams are the server's own: mockforge serve --target %s=URL", target, target)
	}
	if h != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.upstream = h
	}
}

// Target returns a target of the document. A document without targets may
// have any; an unknown one otherwise ends the test.
func (e *Env) Target(name string) *Target { return e.target(name) }

func (e *Env) target(name string) *Target {
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
	t, err := e.listen(name)
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

// Dial connects to the target, or to any other by its address. It suits
// net.Dialer's place in clients that are not HTTP clients.
func (t *Target) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if addr == "" {
		addr = t.addr
	}
	return t.env.dial(ctx, network, addr)
}

// dial connects to an address of the in-memory network. A layer that limits
// the connections of the target refuses the dial itself.
func (e *Env) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := e.net.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	name := e.targetAt(addr)
	if name == "" {
		return c, nil
	}
	inMemory, ok := c.(*memnet.Conn)
	if !ok {
		return c, nil // the chaos server counts it
	}
	release, err := e.run.Injector().Target(name).AdmitConn(ctx, c.LocalAddr().String())
	if err != nil {
		_ = c.Close() // nothing was sent on it
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err
		}
		return nil, &net.OpError{Op: "dial", Net: network, Addr: c.RemoteAddr(), Err: err}
	}
	return &counted{Conn: inMemory, release: release}, nil
}

// targetAt is the name of the target at an address; "" if there is none.
func (e *Env) targetAt(addr string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, t := range e.targets {
		if t.addr == addr {
			return name
		}
	}
	return ""
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
func (e *Env) listen(name string) (*Target, error) {
	l, err := e.net.listen(len(e.targets) + 1)
	if err != nil {
		return nil, err
	}
	t := &Target{Name: name, env: e, addr: l.Addr().String()}
	t.URL = "http://" + t.addr
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	t.server = &http.Server{
		Handler:   e.run.Injector().Target(name).Handler(http.HandlerFunc(t.serve)),
		Protocols: &protocols,
		ErrorLog:  e.serverLog(name),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey, c)
		},
	}
	go func() { _ = t.server.Serve(l) }() // returns when the run closes the server
	e.run.AddTarget(name)
	e.targets[name] = t
	e.order = append(e.order, name)
	slices.Sort(e.order)
	return t, nil
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
	for _, name := range e.order {
		if e.targets[name].server == nil {
			continue // somebody else's
		}
		_ = e.targets[name].server.Close() // a listener that is closed already is no news
	}
	e.net.Close()
}
