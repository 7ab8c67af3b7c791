package injector

import (
	"net/http"
	"strconv"
	"strings"
)

const (
	// maxHeld is how much of a body that dribbles is held until its length is
	// known: until the upstream's handler has returned. A Flush ends it.
	maxHeld = 64 << 10
	// sniffed is how much of it tells its type.
	sniffed = 512
)

// hold keeps the header of a body that dribbles until what it says of the body
// is known: the header leaves before the first piece. It reports whether there
// is something to wait for.
func (w *writer) hold(size int64) bool {
	if len(w.dribbles) == 0 || w.bodyless() || size >= 0 && !w.typeless() {
		return false
	}
	w.held, w.size = make([]byte, 0, 1<<10), size
	return true
}

// holds keeps a piece of a body whose header was not sent, and reports whether
// it did.
func (w *writer) holds(b []byte) bool {
	if w.held == nil {
		return false
	}
	most := int64(maxHeld)
	if w.size >= 0 {
		most = min(w.size, sniffed) - 1
	}
	if int64(len(w.held)+len(b)) <= most {
		w.held = append(w.held, b...)
		return true
	}
	w.unhold(false, b)
	return false
}

// typeless reports whether net/http would find out the body's type from its
// first bytes.
func (w *writer) typeless() bool {
	h := w.w.Header()
	_, typed := h["Content-Type"]
	return !typed && h.Get("Content-Encoding") == "" && h.Get("Transfer-Encoding") == ""
}

// sniff does that where the header leaves before them.
func (w *writer) sniff(first []byte) {
	if len(w.dribbles) > 0 && len(first) > 0 && w.typeless() {
		w.w.Header().Set("Content-Type", http.DetectContentType(first))
	}
}

// trails reports whether trailers follow the body, for which it must be chunked.
func (w *writer) trails() bool {
	for name := range w.w.Header() {
		if name == "Trailer" || strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// unhold sends the header and what was held. whole says that there is no more;
// else next is what comes next, as far as that is known.
func (w *writer) unhold(whole bool, next []byte) {
	if w.held == nil || w.err != nil {
		return
	}
	b, size := w.held, w.size
	w.held = nil
	if size < 0 && whole && !w.trails() {
		size = int64(len(b))
		w.w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	}
	w.sniff(append(b, next[:min(len(next), sniffed)]...))
	w.passage.pace.sync()
	w.open(size)
	if len(b) > 0 {
		_, _ = w.write(b) // what goes wrong comes with the next write
	}
}
