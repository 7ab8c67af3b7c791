package memnet

import (
	"net"
	"sync"
)

// link is one connection: its two ends, and what they share.
type link struct {
	network *Network
	number  uint64 // in the order of dialling

	mu      sync.Mutex // guards everything below
	reset   bool       // an RST was sent, by either end
	client  Conn
	server  Conn
	streams [2]stream // client to server, server to client
}

func newLink(network *Network, number uint64, client, server *net.TCPAddr) *link {
	l := &link{network: network, number: number}
	up, down := &l.streams[0], &l.streams[1]
	up.init(&l.mu)
	down.init(&l.mu)
	l.client = Conn{link: l, peer: &l.server, in: down, out: up, local: client, remote: server, linger: -1}
	l.server = Conn{link: l, peer: &l.client, in: up, out: down, local: server, remote: client, linger: -1}
	return l
}

// abort resets the connection for both ends; what was not read is lost.
func (l *link) abort() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut()
	l.client.announceGone()
	l.server.announceGone()
}

// cut is the RST of an abortive close. It withdraws a FIN that was not yet
// read: a stream that lost its end must not look as if it had ended cleanly.
// The caller holds the mutex.
func (l *link) cut() {
	l.reset = true
	for i := range l.streams {
		s := &l.streams[i]
		s.buf.discard()
		s.finished = false
		s.wakeAll()
	}
}

func (l *link) String() string { return l.client.local.String() + " → " + l.client.remote.String() }
