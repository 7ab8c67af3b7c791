package injector

import (
	"net/http"
	"strconv"
	"strings"
)

// maxHeld is how much of a body that dribbles is held until its length is known:
// until the upstream's handler has returned. A Flush ends it.
const maxHeld = 64 << 10

// holds keeps a piece of a body whose length is unknown, and reports whether it
// did.
func (w *writer) holds(b []byte) bool {
	if w.held == nil {
		return false
	}
	if len(w.held)+len(b) <= maxHeld {
		w.held = append(w.held, b...)
		return true
	}
	w.unhold(false)
	return false
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

// unhold sends the header and what was held. whole says that there is no more.
func (w *writer) unhold(whole bool) {
	if w.held == nil || w.err != nil {
		return
	}
	b, size := w.held, int64(-1)
	w.held = nil
	if whole && !w.trails() {
		size = int64(len(b))
		w.w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	}
	w.passage.pace.sync()
	w.open(size)
	if len(b) > 0 {
		_, _ = w.write(b) // what goes wrong comes with the next write
	}
}
