package injector

import (
	"io"
	"net/http"
	"sync"
)

// A lentBody is the body of a request of HTTP/2 while its handler has it. A
// proxy reads it in another goroutine, which may be in the middle of a Read when
// the handler returns: where an upstream answers before it has read everything,
// or a call is broken off. What net/http then sends for that Read comes after
// the end of the stream, and it ends the whole connection with a panic, and with
// it every other request there (go.dev/issue/56940).
type lentBody struct {
	io.ReadCloser

	mu    sync.Mutex
	reads int           // in progress
	over  bool          // the handler has returned
	quiet chan struct{} // closed when over, and nothing reads; nil: nobody waits
}

// lent is the request with a body that takeBack ends. It does nothing where
// there is no need.
func lent(r *http.Request) (out *http.Request, takeBack func()) {
	if r.ProtoMajor < 2 || r.Body == nil || r.Body == http.NoBody {
		return r, func() {}
	}
	b := &lentBody{ReadCloser: r.Body}
	out = new(*r)
	out.Body = b
	return out, b.takeBack
}

func (b *lentBody) Read(p []byte) (int, error) {
	if !b.begin() {
		return 0, http.ErrBodyReadAfterClose
	}
	defer b.end()
	return b.ReadCloser.Read(p)
}

func (b *lentBody) begin() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return false
	}
	b.reads++
	return true
}

func (b *lentBody) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reads--; b.reads == 0 && b.quiet != nil {
		close(b.quiet)
	}
}

// takeBack lets nobody read any more, and waits for who does: closing the body
// ends that.
func (b *lentBody) takeBack() {
	b.mu.Lock()
	b.over = true
	if b.reads == 0 {
		b.mu.Unlock()
		return
	}
	b.quiet = make(chan struct{})
	b.mu.Unlock()
	_ = b.Close() // nobody is left to read what is lost
	<-b.quiet
}
