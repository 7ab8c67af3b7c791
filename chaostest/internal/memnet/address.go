package memnet

import (
	"hash/fnv"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// hosts gives names addresses: 127.0.0.1 for localhost, the empty host and the
// unspecified address, and for any other name one of 127.64.0.0/10 that is a
// function of the name, so that it is the same in every run.
type hosts struct {
	byName map[string]netip.Addr
	taken  map[netip.Addr]bool
}

// resolve turns "host:port" into an address that network (tcp, tcp4 or tcp6)
// can reach. Ports are numbers; 0 is allowed.
func (h *hosts) resolve(network, addr string) (netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return netip.AddrPort{}, &net.AddrError{Err: "invalid port", Addr: service}
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPortFrom(h.lookup(host), uint16(port)), nil
	}
	ip = ip.Unmap()
	if network == "tcp4" && !ip.Is4() || network == "tcp6" && ip.Is4() {
		return netip.AddrPort{}, &net.AddrError{Err: "no suitable address found", Addr: host}
	}
	if ip.IsUnspecified() {
		ip = loopback()
	}
	return netip.AddrPortFrom(ip, uint16(port)), nil
}

func (h *hosts) lookup(name string) netip.Addr {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "" || name == "localhost" {
		return loopback()
	}
	if ip, ok := h.byName[name]; ok {
		return ip
	}
	sum := fnv.New32a()
	sum.Write([]byte(name))
	ip := fake(sum.Sum32())
	for i := uint32(1); h.taken[ip]; i++ {
		ip = fake(sum.Sum32() + i)
	}
	h.byName[name], h.taken[ip] = ip, true
	return ip
}

// fake spreads n over 127.64.0.0/10, away from the addresses that people use.
func fake(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{127, 64 | byte(n>>16)&63, byte(n >> 8), byte(n)})
}

func loopback() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }
