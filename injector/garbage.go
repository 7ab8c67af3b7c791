package injector

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"
)

// garbage is what the client gets in place of a response: for abortChunk the
// header of a chunked one first. A HEAD has no body that could be malformed; it
// gets nothing.
func (p *passage) garbage() []byte {
	var b bytes.Buffer
	if p.end.abort == abortChunk {
		if p.request.Method == http.MethodHead {
			return nil
		}
		h := http.Header{"Transfer-Encoding": {"chunked"}, "Connection": {"close"}}
		p.mark(h)
		b.WriteString("HTTP/1.1 200 OK\r\n")
		_ = h.Write(&b) // a buffer takes everything
		b.WriteString("\r\n")
	}
	for i := range uint64(16 + below(Mix(p.end.noise, 0), 49)) {
		b.WriteByte(byte(Mix(p.end.noise, i+1)) | 0x80) // no digit, no letter, no end of a line
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// garbled reports whether the client is sent what is no response.
func (e ending) garbled() bool { return e.abort == abortChunk || e.abort == abortNoise }

const (
	garbageTime  = 5 * time.Second // in which the client must take the garbage
	garbageDrain = 256 << 10       // as much of a request's body is read as net/http reads
)

// drain reads what the client is still sending: bytes that nobody read would
// turn the close into a reset, which may overtake the garbage. On HTTP/2 there is
// none.
func (p *passage) drain(w http.ResponseWriter) {
	r := p.request
	if r.ProtoMajor > 1 || r.Body == nil || r.Body == http.NoBody || r.Header.Get("Expect") != "" {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(garbageTime)) // without one the server's hold
	_, _ = io.CopyN(io.Discard, r.Body, garbageDrain)                              // the request is over either way
}

// garble sends the garbage and closes the connection. Where it cannot be taken
// over, as on HTTP/2, the request's stream is reset instead.
func (p *passage) garble(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = conn.SetWriteDeadline(time.Now().Add(garbageTime)) // a client that is gone is no problem
	_, _ = conn.Write(p.garbage())
	_ = conn.Close()
}

// garbledResponse is what net/http's client makes of the garbage.
func (p *passage) garbledResponse(r *http.Request) (*http.Response, error) {
	raw := p.garbage()
	if len(raw) == 0 {
		return nil, io.EOF
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), r)
	if err != nil {
		return nil, fmt.Errorf("net/http: HTTP/1.x transport connection broken: %w", err)
	}
	return resp, nil
}
