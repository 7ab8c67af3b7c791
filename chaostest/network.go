package chaostest

import (
	"context"
	"fmt"
	"net"

	"github.com/mockforge-go/mockforge/chaostest/internal/memnet"
)

// A network is what the targets and the code under test talk over.
type network interface {
	listen(n int) (net.Listener, error) // for the n-th target, from 1
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	Open() []string // connections, for reports
	Close()
}

func newNetwork(sockets bool) network {
	if sockets {
		return &loopback{}
	}
	return memory{memnet.New()}
}

// memory is the network of virtual time.
type memory struct{ *memnet.Network }

// listen takes a port number below 1024, at which nothing listens: a client
// that bypasses the in-memory network is refused at once.
func (m memory) listen(n int) (net.Listener, error) { return m.Listen(fmt.Sprintf("127.0.0.1:%d", n)) }

// loopback is the network of real time.
type loopback struct{ net.Dialer }

func (*loopback) listen(int) (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
func (*loopback) Open() []string                   { return nil }
func (*loopback) Close()                           {}
