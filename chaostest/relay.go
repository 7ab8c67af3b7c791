package chaostest

import (
	"context"
	"errors"
	"net"
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
