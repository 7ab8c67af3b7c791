package server

import (
	"context"
	"net"
	"sync"
	"syscall"

	"github.com/mockforge-go/mockforge/injector"
)

// A peer is the client at the other end of a connection. net/http notices that
// it has left only once the request's body was read, and a request that a fault
// holds up may have a body that nobody reads.
type peer struct {
	conn syscall.Conn
	all  *peers
	once sync.Once
	gone <-chan struct{} // nil: nobody can tell
}

// PeerGone is what injector.ConnContextKey asks for. Nothing is watched before
// the first call.
func (p *peer) PeerGone() <-chan struct{} {
	p.once.Do(func() { p.gone = p.all.watch(p.conn) })
	return p.gone
}

// connContext is for http.Server.ConnContext.
func (ps *peers) connContext(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = secure.NetConn()
	}
	if conn, ok := c.(syscall.Conn); ok {
		return context.WithValue(ctx, injector.ConnContextKey{}, &peer{conn: conn, all: ps})
	}
	return ctx
}
