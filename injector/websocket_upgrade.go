package injector

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// upgrades reports whether a request asks for WebSocket, on a connection that
// can be taken over for it.
func upgrades(r *http.Request) bool {
	return methodOf(r) == http.MethodGet && r.ProtoMajor <= 1 && r.Header["Upgrade"] != nil && ProtocolOf(r) == ProtocolWebSocket
}

// unseen is the passage of a handshake that meets no layer. Layers may come
// while its connection is open.
func unseen(e *engine, t *target, r *http.Request) *passage {
	p := newPassage(r.Context(), e, t, r)
	p.set, p.reported, p.finished = &layerSet{}, true, true
	return p
}

// upgrade puts a connection that was taken over behind the layers. headed says
// that the answer's header was sent already.
func (p *passage) upgrade(conn net.Conn, rw *bufio.ReadWriter, headed bool) (net.Conn, *bufio.ReadWriter) {
	first, _ := rw.Reader.Peek(rw.Reader.Buffered()) // it is there
	s := newSocket(p.engine, p.target, p, p.request, conn, true)
	if !headed {
		s.out.answer, s.out.open = &answerHead{slot: p.slot}, true
	}
	s.start(bytes.Clone(first))
	c := &socketConn{s, conn}
	return c, bufio.NewReadWriter(bufio.NewReader(c), bufio.NewWriter(c))
}

// upgraded puts the connection that a client got behind the layers.
func (p *passage) upgraded(resp *http.Response) {
	body, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || resp.StatusCode != http.StatusSwitchingProtocols || !upgrades(p.request) {
		return
	}
	s := newSocket(p.engine, p.target, p, p.request, body, false)
	s.start(nil)
	resp.Body = s
}

// maxAnswerHead is how long the answer to a handshake may be before its
// connection is taken for something else.
const maxAnswerHead = 64 << 10

// An answerHead finds the end of the answer that an upstream's handler writes
// to a connection which it took over.
type answerHead struct {
	slot  Slot   // of the handshake: the client's timers begin in it, and messages do not arrive in it
	line  []byte // the first
	lined bool
	blank int // how much of an empty line has come, at the end of a line
	n     int
}

// take passes on what belongs to the answer, and returns what follows it.
func (a *answerHead) take(l *socketLane, b []byte) []byte {
	n := 0
	ends := false
	for n < len(b) && !ends {
		ends = a.next(b[n])
		n++
	}
	p := l.rear()
	before := len(p.b)
	p.b, p.slot = append(p.b, b[:n]...), a.slot
	switch {
	case ends && a.status() == http.StatusSwitchingProtocols:
		l.answer, l.open = nil, false
	case ends && a.status() < http.StatusOK && a.status() >= http.StatusContinue:
		*a = answerHead{slot: a.slot} // there will be another answer
	case ends, a.n > maxAnswerHead:
		l.answer, l.s.alien = nil, true
	}
	l.grown(p, before)
	if l.answer != nil && n < len(b) {
		return a.take(l, b[n:])
	}
	return b[n:]
}

// next takes a byte and reports whether it is the last of the answer.
func (a *answerHead) next(c byte) bool {
	a.n++
	switch {
	case c == '\n' && a.lined && a.blank > 0:
		return true
	case c == '\n':
		a.lined, a.blank = true, 1
	case c != '\r':
		a.blank = 0
	}
	if !a.lined && len(a.line) < len("HTTP/1.1 101") {
		a.line = append(a.line, c)
	}
	return false
}

// status is the answer's status; 0: it is none of HTTP.
func (a *answerHead) status() int {
	_, code, _ := bytes.Cut(a.line, []byte(" "))
	status, err := strconv.Atoi(string(code))
	if err != nil || !bytes.HasPrefix(a.line, []byte("HTTP/1.")) {
		return 0
	}
	return status
}

// A socketConn is a socket as a connection that was taken over.
type socketConn struct {
	*socket
	conn net.Conn
}

func (c *socketConn) LocalAddr() net.Addr  { return c.conn.LocalAddr() }
func (c *socketConn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// NetConn returns the connection inside, as tls.Conn does.
func (c *socketConn) NetConn() net.Conn { return c.conn }

func (c *socketConn) SetDeadline(t time.Time) error {
	c.in.deadline.set(t)
	c.out.deadline.set(t)
	return nil
}

func (c *socketConn) SetReadDeadline(t time.Time) error {
	c.in.deadline.set(t)
	return nil
}

func (c *socketConn) SetWriteDeadline(t time.Time) error {
	c.out.deadline.set(t)
	return nil
}

// PeerGone passes on what the connection inside knows, see ConnContextKey.
func (c *socketConn) PeerGone() <-chan struct{} {
	if inner, ok := c.conn.(interface{ PeerGone() <-chan struct{} }); ok {
		return inner.PeerGone()
	}
	return nil
}

// CloseWrite ends the sending side, after what is on its way, where the
// connection inside can.
func (s *socket) CloseWrite() error {
	if _, ok := s.inner.(interface{ CloseWrite() error }); !ok {
		return errors.ErrUnsupported
	}
	s.mu.Lock()
	now := false
	if !s.out.over {
		s.out.leftOver()
		s.out.finish(io.EOF)
		s.out.half = s.out.busy
		now = !s.out.busy
	}
	s.mu.Unlock()
	if now {
		return s.closeWrite()
	}
	return nil
}

func (s *socket) closeWrite() error {
	if c, ok := s.inner.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}
