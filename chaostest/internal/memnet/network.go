package memnet

import (
	"cmp"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
)

// Ports that the network hands out itself, from the first one upwards.
const (
	firstListenPort = 30001
	firstClientPort = 40001
	lastPort        = 65535
)

// Network is a set of listeners and the connections to them. It is safe for
// concurrent use.
type Network struct {
	mu        sync.Mutex // guards everything below, and the listeners' state
	closed    bool
	hosts     hosts
	listeners map[netip.AddrPort]*Listener
	holds     map[netip.AddrPort][]chan struct{}
	links     map[uint16]*link // by the client's port
	dials     uint64           // connections made so far
	nextPort  uint16
	onDial    func(addr string) error
}

// New returns a network without listeners. Close it when it is done with.
func New() *Network {
	return &Network{
		hosts:     hosts{byName: map[string]netip.Addr{}, taken: map[netip.Addr]bool{}},
		listeners: map[netip.AddrPort]*Listener{},
		holds:     map[netip.AddrPort][]chan struct{}{},
		links:     map[uint16]*link{},
		nextPort:  firstClientPort,
	}
}

// Listen opens addr, "host:port", for connections. The host is an IP address
// or any name: a name gets a loopback address of its own, the same in every
// run. Port 0 takes a free one, counting from 30001. An address that is
// already open is refused with EADDRINUSE.
func (n *Network) Listen(addr string) (*Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, err := n.hosts.resolve("tcp", addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	if at.Port() == 0 {
		at = n.freeListenPort(at.Addr())
	}
	tcp := net.TCPAddrFromAddrPort(at)
	switch {
	case n.closed:
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: tcp, Err: net.ErrClosed}
	case n.listeners[at] != nil || at.Port() == 0:
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: tcp, Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	}
	l := &Listener{network: n, at: at, addr: tcp}
	l.waiting.L = &n.mu
	n.listeners[at] = l
	return l, nil
}

// freeListenPort returns ip with a free port, or with port 0 if there is none.
func (n *Network) freeListenPort(ip netip.Addr) netip.AddrPort {
	for port := firstListenPort; port < firstClientPort; port++ {
		if at := netip.AddrPortFrom(ip, uint16(port)); n.listeners[at] == nil {
			return at
		}
	}
	return netip.AddrPortFrom(ip, 0)
}

// Close closes all listeners and resets every connection that is open, in the
// order in which they were dialled. Dials that are held are refused, and so
// are those to come. The connections' ends must still be closed by whoever
// holds them. Closing twice is harmless.
func (n *Network) Close() {
	n.mu.Lock()
	n.closed = true
	listeners := make([]*Listener, 0, len(n.listeners))
	for _, l := range n.listeners {
		listeners = append(listeners, l)
	}
	links := make([]*link, 0, len(n.links))
	for _, l := range n.links {
		links = append(links, l)
	}
	for _, held := range n.holds {
		for _, released := range held {
			close(released)
		}
	}
	clear(n.holds)
	n.mu.Unlock()

	slices.SortFunc(listeners, func(a, b *Listener) int { return a.at.Compare(b.at) })
	for _, l := range listeners {
		_ = l.Close() // fails only if its owner closed it meanwhile
	}
	slices.SortFunc(links, func(a, b *link) int { return cmp.Compare(a.number, b.number) })
	for _, l := range links {
		l.abort()
	}
}

// Open lists the connections of which an end has not been closed, as
// "127.0.0.1:40001 → 127.0.0.1:1", sorted: what a test has leaked.
func (n *Network) Open() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	open := make([]string, 0, len(n.links))
	for _, l := range n.links {
		open = append(open, l.String())
	}
	slices.Sort(open)
	return open
}

// connect makes a connection to at. The caller holds the mutex.
func (n *Network) connect(at *Listener) (*link, error) {
	port, err := n.freeClientPort()
	if err != nil {
		return nil, err
	}
	source := loopback()
	if at.at.Addr().Is6() {
		source = netip.IPv6Loopback()
	}
	n.dials++
	l := newLink(n, n.dials, net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, port)), at.addr)
	n.links[port] = l
	return l, nil
}

// freeClientPort counts upwards, and starts again when all have been used.
func (n *Network) freeClientPort() (uint16, error) {
	for range lastPort - firstClientPort + 1 {
		port := n.nextPort
		if n.nextPort++; port == lastPort {
			n.nextPort = firstClientPort
		}
		if n.links[port] == nil {
			return port, nil
		}
	}
	return 0, os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)
}

// forget drops a connection both ends of which are closed.
func (n *Network) forget(l *link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.links, uint16(l.client.local.Port))
}
