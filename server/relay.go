package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

const tcpScheme = "tcp://"

// tcp reports whether a target carries connections, not requests.
func (t Target) tcp() bool { return strings.HasPrefix(t.Upstream, tcpScheme) }

// relays take the connections of targets of kind tcp through the layers, each
// to the one upstream that its target was configured with. A zero relays is
// ready to use.
type relays struct {
	layers *injector.Injector
	log    *slog.Logger
	all    sync.WaitGroup
}

// serve accepts connections until the listener is closed. They end with ctx.
func (s *relays) serve(ctx context.Context, t *dataTarget) error {
	upstream, err := upstreamURL(t.Upstream)
	if err != nil {
		return err
	}
	layers, failures := s.layers.Target(t.Name), &sparing{log: s.log}
	for {
		c, err := t.listener.Accept()
		switch {
		case err == nil:
			s.all.Go(func() {
				if err := layers.Relay(ctx, c, dialer(upstream)); err != nil && ctx.Err() == nil {
					failures.warn("upstream failed", "target", t.Name, "error", err)
				}
			})
		case errors.Is(err, net.ErrClosed):
			return nil
		default:
			failures.warn("a connection cannot be accepted", "target", t.Name, "error", err)
			time.Sleep(5 * time.Millisecond) // out of file descriptors, for example
		}
	}
}

// dialTime is how long the way to an upstream may take.
const dialTime = 10 * time.Second

func dialer(upstream *url.URL) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{Timeout: dialTime, KeepAlive: 30 * time.Second}).DialContext(ctx, "tcp", upstream.Host)
	}
}
