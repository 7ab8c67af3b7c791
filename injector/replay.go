package injector

import (
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxReadAhead is the largest body that is read before its request waits.
const maxReadAhead = 64 << 10

// A replay is a body that was read ahead and is read again.
type replay struct {
	data []byte
	at   int
	err  error         // what ended the reading ahead; nil: rest goes on
	rest io.ReadCloser // the body itself
}

func (b *replay) Read(p []byte) (int, error) {
	if b.at < len(b.data) {
		n := copy(p, b.data[b.at:])
		b.at += n
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.rest.Read(p)
}

// bodyOf is text as a body.
func bodyOf(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }

func (b *replay) Close() error { return b.rest.Close() }

// readAhead reads a short body of known length, so that the request's key can
// contain it and net/http notices when the client leaves.
func (p *passage) readAhead() {
	r := p.request
	if p.body != nil || r == nil || r.Body == nil || r.Body == http.NoBody ||
		r.ContentLength <= 0 || r.ContentLength > maxReadAhead || r.Header.Get("Expect") != "" {
		return
	}
	b := &replay{data: make([]byte, r.ContentLength), rest: r.Body}
	n := 0
	for n < len(b.data) && b.err == nil {
		var m int
		m, b.err = r.Body.Read(b.data[n:])
		n += m
	}
	b.data = b.data[:n]
	p.body, r.Body = b, b
}

// key orders requests that arrive at the same instant. Requests with equal keys
// are interchangeable: those that were admitted before, and waited since, have a
// number that tells them apart.
func (p *passage) key() string {
	r := p.request
	if r == nil {
		return p.target.name + "\x00\x00" + p.conn
	}
	parts := []string{p.target.name, methodOf(r), hostOf(r), r.URL.RequestURI(), r.Header.Get("X-Request-Id"), "", fmt.Sprintf("%020d", p.n)}
	if p.body != nil {
		h := fnv.New64a()
		_, _ = h.Write(p.body.data) // a hash never fails
		parts[5] = strconv.FormatUint(h.Sum64(), 16)
	}
	return strings.Join(parts, "\x00")
}
