package memnet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
)

// DialContext connects to addr, "host:port", and has the signature of the
// DialContext of [net.Dialer] and [net/http.Transport]. Network is tcp, tcp4 or
// tcp6. The client's address is 127.0.0.1 (::1 to an IPv6 address) with ports
// that count from 40001.
//
// An address at which nobody listens is refused with ECONNREFUSED, be its host
// known or not. Connecting takes no time, and does not wait for Accept: up to
// 4,096 connections queue at a listener, and the dials beyond wait for room.
// A dial whose context ends returns what a net.Dialer does: an "i/o timeout"
// or "operation was canceled", which errors.Is finds to be
// context.DeadlineExceeded or context.Canceled.
func (n *Network) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, &net.OpError{Op: "dial", Net: network, Err: net.UnknownNetworkError(network)}
	}
	n.mu.Lock()
	to, err := n.hosts.resolve(network, addr)
	hook := n.onDial
	n.mu.Unlock()
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	l, err := n.dial(ctx, hook, addr, to)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: err}
	}
	return &l.client, nil
}

func (n *Network) dial(ctx context.Context, hook func(string) error, addr string, to netip.AddrPort) (*link, error) {
	if err := ctx.Err(); err != nil {
		return nil, endOf(err)
	}
	if hook != nil {
		if err := hook(addr); err != nil {
			return nil, os.NewSyscallError("connect", err)
		}
	}
	for {
		l, wait, err := n.try(to)
		if wait == nil {
			return l, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, endOf(ctx.Err())
		}
	}
}

// try connects, or fails, or returns a channel to wait for before trying again.
func (n *Network) try(to netip.AddrPort) (l *link, wait <-chan struct{}, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if held := n.holds[to]; len(held) > 0 {
		return nil, held[0], nil
	}
	listener := n.listeners[to]
	if listener == nil {
		return nil, nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	if wait := listener.full(); wait != nil {
		return nil, wait, nil
	}
	if l, err = n.connect(listener); err != nil {
		return nil, nil, err
	}
	listener.enqueue(&l.server)
	return l, nil, nil
}

// OnDial has f consulted first by every dial to a well-formed address, with
// the address as it was given. An error of f refuses the dial, wrapped as the
// error of a connect; nil lets it go on. f may wait and may use the network, and
// several dials may call it at the same time. The last f counts, nil removes
// it.
func (n *Network) OnDial(f func(addr string) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onDial = f
}

// Hold makes dials to addr hang, as if their SYN were lost, until release is
// called, their context ends or the network is closed. Connections that exist
// are not concerned. Holds of one address add up. Calling release again is
// harmless. Hold panics if addr is not "host:port".
func (n *Network) Hold(addr string) (release func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, err := n.hosts.resolve("tcp", addr)
	if err != nil {
		panic(fmt.Sprintf("memnet: Hold: %v", err))
	}
	if n.closed {
		return func() {}
	}
	held := make(chan struct{})
	n.holds[at] = append(n.holds[at], held)
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		i := slices.Index(n.holds[at], held)
		if i < 0 {
			return // released before, or by Close
		}
		n.holds[at] = slices.Delete(n.holds[at], i, i+1)
		close(held)
	}
}
