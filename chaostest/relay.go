package chaostest

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// relay takes a target's connections through the layers, to what is behind it.
func (t *Target) relay(ctx context.Context, l net.Listener) {
	log := t.env.serverLog(t.Name)
	layers := t.env.run.Injector().Target(t.Name)
	for ctx.Err() == nil {
		c, err := l.Accept()
		switch {
		case err == nil:
			t.env.relays.Go(func() {
				if !t.env.real && !t.env.doors.passed(ctx, c.RemoteAddr().String()) {
					_ = c.Close() // its dial was refused
					return
				}
				if err := layers.Relay(ctx, c, t.back.dial); err != nil && ctx.Err() == nil {
					log.Print(err)
				}
			})
		case errors.Is(err, net.ErrClosed):
			return
		default:
			time.Sleep(5 * time.Millisecond) // out of file descriptors, for example
		}
	}
}

// admit asks the layers whether a dial of the in-memory network may succeed.
func (e *Env) admit(ctx context.Context, t *Target, client string) (release func(), err error) {
	layers := e.run.Injector().Target(t.Name)
	if !t.tcp {
		return layers.AdmitConn(ctx, client)
	}
	release, err = layers.AdmitTCP(ctx, client)
	e.doors.at(client) <- err == nil
	return release, err
}

// doors hold connections of the in-memory network, which are accepted before
// their dial was admitted, until it was: the layers must see the dial first. A
// zero doors is ready to use.
type doors struct {
	mu sync.Mutex
	of map[string]chan bool // by the client's address
}

// at is the door of a client: whoever dials says once whether it opens.
func (d *doors) at(client string) chan bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of == nil {
		d.of = map[string]chan bool{}
	}
	if d.of[client] == nil {
		d.of[client] = make(chan bool, 1)
	}
	return d.of[client]
}

// passed waits at the door of a client. It reports false where it stays shut,
// or ctx ended.
func (d *doors) passed(ctx context.Context, client string) bool {
	select {
	case open := <-d.at(client):
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.of, client)
		return open
	case <-ctx.Done():
		return false
	}
}
