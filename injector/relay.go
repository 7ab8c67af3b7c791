package injector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// Relay carries one connection to its target through the layers, and returns
// when it is over: when both directions have ended, one broke, or ctx ended. It
// makes the connection to the upstream with dial, passes a half-close on, and a
// reset too. It closes both connections, and leaves no goroutine behind.
//
// The connection is admitted as Listener does; one that is refused ends there,
// and the upstream is not dialed. What holds its bytes up is said at Listener.
//
// The error is that of dial, for which the client is reset, or that of ctx. A
// connection that the peers or the layers ended is no error.
func (in *Injector) Relay(ctx context.Context, client net.Conn, dial func(context.Context) (net.Conn, error)) error {
	l := &listener{engine: in.engine, target: in.target}
	c := l.open(client)
	if c == nil {
		return nil
	}
	upstream, err := dial(ctx)
	if err != nil {
		c.reset()
		return fmt.Errorf("the upstream of %s cannot be reached: %w", in.target.name, err)
	}
	r := &relay{client: c, upstream: upstream}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		r.close()
	})
	down := make(chan struct{})
	go func() {
		defer close(down)
		r.copy(c, upstream)
	}()
	r.copy(upstream, c)
	<-down
	if stop() {
		r.close()
		return nil
	}
	<-ended
	return ctx.Err()
}

// A relay is a connection and the one that its bytes go to.
type relay struct{ client, upstream net.Conn }

// copy moves one direction until it ends or breaks.
func (r *relay) copy(to, from net.Conn) {
	// The end's own methods are hidden: they would pass the layers by.
	_, err := io.Copy(struct{ io.Writer }{to}, struct{ io.Reader }{from})
	switch {
	case err == nil && closeWrite(to) == nil:
	case errors.Is(err, syscall.ECONNRESET):
		r.reset()
	default:
		r.close()
	}
}

// closeWrite passes the end of one direction on.
func closeWrite(c net.Conn) error {
	if c, ok := c.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

// close ends both connections. Each is gone either way.
func (r *relay) close() {
	_ = r.client.Close()
	_ = r.upstream.Close()
}

// reset ends both connections as the network would.
func (r *relay) reset() {
	reset(r.client)
	reset(r.upstream)
	r.close()
}
