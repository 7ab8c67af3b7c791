package server

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/mockforge-go/mockforge/injector"
)

const (
	// maxRewind is how much of a request is kept until its response begins: more
	// than the window of a stream, which is 64 KiB unless the upstream says so.
	maxRewind = 128 << 10
	// leastRead and mostRead are how much of it is read at once.
	leastRead, mostRead = 512, 32 << 10
)

var errCannotRewind = errors.New("the connection was lost, and too much of the request had been sent on it to send it again")

// A rewinder is the body of a request that goes to an upstream of HTTP/2.
//
// It lets a request be sent again that the upstream did not look at: one that
// ends its connections by and by (GOAWAY), as servers do that stop or that let no
// connection grow old, refuses what comes in between, which is no affair of the
// client's. For that it keeps the beginning.
//
// And it lets go who waits for more of a body and closes it: net/http does that
// where the upstream's connection breaks, and tells nobody before it has.
// httputil.ReverseProxy's own body stays where it is until the client speaks.
type rewinder struct {
	src io.Reader

	mu      sync.Mutex
	news    sync.Cond // something was read, or a try was closed
	buf     []byte    // who reads src
	reading bool
	kept    []byte
	base    int64 // how much was dropped in front of kept
	err     error // that src ended with
	last    *rewound
	final   bool // nobody asks for the beginning any more
}

// rewindable is a request whose body can be sent again. settled says that its
// response has begun.
func rewindable(r *http.Request, h2c bool) (out *http.Request, settled func()) {
	if r.Body == nil || r.Body == http.NoBody || !h2c && r.URL.Scheme != "https" && injector.ProtocolOf(r) != injector.ProtocolGRPC {
		return r, func() {}
	}
	size := r.ContentLength
	if size < 0 {
		size = leastRead
	}
	w := &rewinder{src: r.Body, buf: make([]byte, min(max(size+1, leastRead), mostRead))}
	w.news.L = &w.mu
	out = new(*r)
	out.Body, _ = w.again()
	out.GetBody = w.again
	return out, w.settled
}

// again is the body from its beginning.
func (w *rewinder) again() (io.ReadCloser, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.final {
		return nil, errCannotRewind
	}
	w.last = &rewound{rewinder: w}
	w.news.Broadcast()
	return w.last, nil
}

func (w *rewinder) settled() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.final = true
	w.forget()
}

// forget drops what nobody reads any more. w.mu is held.
func (w *rewinder) forget() {
	if !w.final {
		return
	}
	w.kept = w.kept[w.last.at-w.base:]
	w.base = w.last.at
	if len(w.kept) == 0 {
		w.kept = nil
	}
}

// fill reads once.
func (w *rewinder) fill() {
	n, err := w.src.Read(w.buf)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept, w.err = append(w.kept, w.buf[:n]...), err
	if n == len(w.buf) && n < mostRead {
		w.buf = make([]byte, min(2*n, mostRead))
	}
	w.reading = false
	w.news.Broadcast()
}

// A rewound is the body of one try. Closing it leaves the request's own open,
// which belongs to who serves that.
type rewound struct {
	*rewinder
	at     int64
	closed bool
}

func (b *rewound) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(p) > 0 {
		switch {
		case b.closed || b != b.last:
			return 0, http.ErrBodyReadAfterClose
		case b.at < b.base+int64(len(b.kept)):
			n := copy(p, b.kept[b.at-b.base:])
			b.at += int64(n)
			b.final = b.final || b.at > maxRewind
			b.forget()
			return n, nil
		case b.err != nil:
			return 0, b.err
		case !b.reading:
			b.reading = true
			go b.fill()
		}
		b.news.Wait()
	}
	return 0, nil
}

func (b *rewound) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.news.Broadcast()
	return nil
}
