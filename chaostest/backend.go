package chaostest

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// A backend is what stands behind the chaos of a target and takes connections.
// It is reached over a network of its own, so that its connections do not take
// the ports of the clients'.
type backend struct {
	target   *Target
	listener net.Listener

	mu      sync.Mutex
	handle  func(net.Conn) // nil: the echo
	owner   string         // what accepts: "", "env.ServeConn" or "env.Listen"
	started bool           // the run accepts
	noted   sync.Once
}

// ServeConn puts a handler of connections behind the chaos of a target of kind
// tcp. It is called once for each connection, on a goroutine of its own; the
// connection is closed when it returns. Default: what comes is sent back.
//
// When the run ends, the connections are closed: a handler should then return.
// A panic fails the test. The target must be one of the document's; in a
// document without targets, ServeConn makes one of kind tcp.
func (e *Env) ServeConn(target string, handle func(conn net.Conn)) {
	t := e.targetOf(target, true)
	if t.foreign {
		e.refuseUpstream("ServeConn", target)
	}
	if !t.tcp {
		e.Fatalf("env.ServeConn(%q): the target is of kind http: use env.Serve, or env.Listen for a server that takes a listener", target)
	}
	if err := t.back.serve(handle); err != nil {
		e.Fatalf("env.ServeConn(%q): %v", target, err)
	}
}

// Listen returns the listener behind the chaos of a target, for servers that
// take one. Call it once for a target, in Setup; the listener is closed when
// the run ends.
//
// Behind a target of kind http, requests are forwarded to what accepts there:
// gRPC by HTTP/2 without TLS, everything else by HTTP/1.1, trailers and
// upgrades included.
func (e *Env) Listen(target string) net.Listener {
	t := e.targetOf(target, false)
	if t.foreign {
		e.refuseUpstream("Listen", target)
	}
	l, err := t.listener()
	if err != nil {
		e.Fatalf("env.Listen(%q): %v", target, err)
	}
	return l
}

func (e *Env) refuseUpstream(call, target string) {
	e.Fatalf("env.%s(%q): with chaostest.Remote the upstreams are the server's own: mockforge serve --target %s=URL", call, target, target)
}

// listener hands the listener out, and makes it for a target of kind http.
func (t *Target) listener() (net.Listener, error) {
	t.env.mu.Lock()
	defer t.env.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.back == nil {
		back, err := t.env.newBackend(t)
		if err != nil {
			return nil, err
		}
		t.back, t.upstream = back, t.env.forwarder(back)
	}
	return t.back.listener, t.back.take()
}

func (e *Env) newBackend(t *Target) (*backend, error) {
	l, err := e.behind.listen(len(e.backends) + 1)
	if err != nil {
		return nil, err
	}
	b := &backend{target: t, listener: l}
	e.backends = append(e.backends, b)
	return b, nil
}

func (b *backend) serve(handle func(net.Conn)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.owner == "env.Listen" {
		return fmt.Errorf("its listener was handed out by env.Listen")
	}
	b.handle, b.owner = handle, "env.ServeConn"
	return nil
}

// take makes the listener somebody else's.
func (b *backend) take() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.owner != "":
		return fmt.Errorf("%s was called for it already", b.owner)
	case b.started:
		return fmt.Errorf("a client has connected already: call it in Setup")
	}
	b.owner = "env.Listen"
	return nil
}

// dial connects to what is behind the target.
func (b *backend) dial(ctx context.Context) (net.Conn, error) {
	b.mu.Lock()
	if b.owner != "env.Listen" && !b.started {
		b.started = true
		go b.accept() // returns when the run closes the listener
	}
	b.mu.Unlock()
	return b.target.env.behind.DialContext(ctx, "tcp", b.listener.Addr().String())
}

func (b *backend) accept() {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return
		}
		go b.handleConn(c)
	}
}

// handleConn calls the handler. Its goroutine ends soon after the run closed
// the connection; in virtual time one that does not is reported as a leak.
func (b *backend) handleConn(c net.Conn) {
	defer c.Close()
	b.mu.Lock()
	handle := b.handle
	b.mu.Unlock()
	e := b.target.env
	if handle == nil {
		b.noted.Do(func() {
			e.Logf("target %s: nothing was put behind it, so what comes is sent back: use env.ServeConn or env.Listen", b.target.Name)
		})
		_, _ = io.Copy(c, c) // ends with the connection
		return
	}
	defer func() {
		if p := recover(); p != nil {
			e.report(e.known.panicked(), fmt.Sprintf("the handler of target %s panicked: %v%s", b.target.Name, p, panicStack()))
		}
	}()
	handle(c)
}
