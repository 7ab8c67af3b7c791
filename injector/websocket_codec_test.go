package injector_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// A frame of WebSocket, for tests.
type frame struct {
	fin     bool
	rsv     byte // 0x40: compressed
	op      byte
	payload string
}

func text(s string) frame { return frame{fin: true, op: 1, payload: s} }

func ping(s string) frame { return frame{fin: true, op: 9, payload: s} }

func bye(code int, reason string) frame {
	return frame{fin: true, op: 8, payload: string(binary.BigEndian.AppendUint16(nil, uint16(code))) + reason}
}

// code is what a close frame says.
func (f frame) code() int {
	if f.op != 8 || len(f.payload) < 2 {
		return 0
	}
	return int(binary.BigEndian.Uint16([]byte(f.payload)))
}

// encode makes a frame's bytes, masked as clients have to.
func (f frame) encode(masked bool) []byte {
	b := []byte{f.rsv | f.op, 0}
	if f.fin {
		b[0] |= 0x80
	}
	switch n := len(f.payload); {
	case n < 126:
		b[1] = byte(n)
	case n < 1<<16:
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b[1] = 127
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	if !masked {
		return append(b, f.payload...)
	}
	b[1] |= 0x80
	key := [4]byte{0x12, 0x34, 0xab, 0xcd}
	b = append(b, key[:]...)
	for i := range len(f.payload) {
		b = append(b, f.payload[i]^key[i%4])
	}
	return b
}

// readFrame reads one frame. masked says whether it has to be.
func readFrame(r *bufio.Reader, masked bool) (f frame, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return f, err
	}
	f.fin, f.rsv, f.op = head[0]&0x80 != 0, head[0]&0x70, head[0]&0x0f
	if masked != (head[1]&0x80 != 0) {
		return f, errors.New("the mask is wrong")
	}
	n := uint64(head[1] & 0x7f)
	var long [8]byte
	switch n {
	case 126:
		_, err = io.ReadFull(r, long[6:])
		n = binary.BigEndian.Uint64(long[:])
	case 127:
		_, err = io.ReadFull(r, long[:])
		n = binary.BigEndian.Uint64(long[:])
	}
	if err != nil {
		return f, err
	}
	var key [4]byte
	if masked {
		if _, err := io.ReadFull(r, key[:]); err != nil {
			return f, err
		}
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		return f, err
	}
	for i := range payload {
		payload[i] ^= key[i%4]
	}
	f.payload = string(payload)
	return f, nil
}

// A peer is one end of a WebSocket connection.
type peer struct {
	net.Conn
	in     *bufio.Reader
	client bool
}

func (p *peer) send(frames ...frame) error {
	var b []byte
	for _, f := range frames {
		b = append(b, f.encode(p.client)...)
	}
	_, err := p.Write(b)
	return err
}

func (p *peer) receive() (frame, error) { return readFrame(p.in, !p.client) }

// expect reads the next frames, as text.
func (p *peer) expect(n int) (out []string, err error) {
	for range n {
		f, err := p.receive()
		if err != nil {
			return out, err
		}
		out = append(out, f.payload)
	}
	return out, nil
}

// message reads a message and a pong, in any order, and counts the pongs.
func (p *peer) message() (m frame, pongs int) {
	for m.op == 0 || !m.fin || pongs == 0 {
		f, err := p.receive()
		switch {
		case err != nil:
			return frame{payload: err.Error()}, pongs
		case f.op == 10:
			pongs++
		case f.op == 0:
			m.payload, m.fin = m.payload+f.payload, f.fin
		default:
			m = f
		}
	}
	return m, pongs
}

// errHandshake is an answer that is not 101.
type errHandshake struct{ *http.Response }

func (e errHandshake) Error() string { return "bad handshake: " + e.Status }

// handshake asks for WebSocket on a connection, with more lines in the header.
func handshake(c net.Conn, path string, lines ...string) (*peer, error) {
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
		path, strings.Join(append(lines, ""), "\r\n")); err != nil {
		return nil, err
	}
	p := &peer{Conn: c, in: bufio.NewReader(c), client: true}
	resp, err := http.ReadResponse(p.in, nil)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, errHandshake{resp}
	}
	return p, nil
}

// speaking is a handler of WebSocket. headed makes it answer before it takes
// the connection over, as some libraries do.
func speaking(headed bool, f func(p *peer)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if headed {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.WriteHeader(http.StatusSwitchingProtocols)
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		if !headed {
			head := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
			for name, values := range w.Header() {
				head += name + ": " + strings.Join(values, ", ") + "\r\n"
			}
			if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
				return
			}
		}
		f(&peer{Conn: conn, in: rw.Reader})
	})
}

// echoing answers each message with itself, pings with pongs, and a close with
// the same.
func echoing(p *peer) {
	for {
		f, err := p.receive()
		if err != nil {
			return
		}
		if f.op == 9 {
			f.op = 10
		}
		if p.send(f) != nil || f.op == 8 {
			return
		}
	}
}

// telling is echoing, and passes on the close frames that come.
func telling(told *chan frame) func(p *peer) {
	return func(p *peer) {
		for {
			f, err := p.receive()
			if err != nil {
				return
			}
			if f.op == 8 {
				*told <- f
			}
			if p.send(f) != nil || f.op == 8 {
				return
			}
		}
	}
}
