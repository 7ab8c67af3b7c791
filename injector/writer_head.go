package injector

import (
	"net/http"
	"strconv"
	"time"
)

func (w *writer) WriteHeader(status int) {
	if w.wrote || w.err != nil {
		return
	}
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		w.passage.pace.sync()
		w.w.WriteHeader(status)
		return
	}
	if c := w.passage.cut; c != nil && c.complete() {
		w.stop() // before its header
		return
	}
	w.wrote, w.status = true, status
	if !w.arrive() {
		return
	}
	h := w.w.Header()
	instead := w.rewrite(status)
	size := int64(-1)
	if n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		size = n
	}
	switch {
	case instead != nil && !w.bodyless():
		b := []byte(*instead)
		w.sniff(b)
		w.open(size)
		_, _ = w.write(b) // a client that left is told of by the next Write
	case !w.hold(size):
		w.open(size)
	}
}

// open sends the header. size is that of the body; -1: unknown.
func (w *writer) open(size int64) {
	h := w.w.Header()
	if w.bodyless() {
		w.body, w.pipes, w.dribbles = shaper{}, nil, nil
	} else if announced := w.body.begin(size); announced != size {
		size = announced
		h.Del("Content-Length")
		if size >= 0 {
			h.Set("Content-Length", strconv.FormatInt(size, 10))
		}
	}
	w.size = size
	w.passage.mark(h)
	w.w.WriteHeader(w.status)
	for _, d := range w.dribbles {
		d.begin(time.Now(), size)
	}
	if len(w.dribbles) > 0 {
		_ = w.flush() // the first piece comes later
	}
}

// bodyless reports whether the response has no body by its nature.
func (w *writer) bodyless() bool {
	return w.status == http.StatusNoContent || w.status == http.StatusNotModified || w.status == http.StatusSwitchingProtocols ||
		w.passage.request.Method == http.MethodHead
}

// arrive brings the response's first byte to the client: late, where packets
// were lost, or not at all. It reports whether it arrived.
func (w *writer) arrive() bool {
	p := w.passage
	reset, left := p.stallDown()
	p.pace.sync()
	switch {
	case left:
		w.fail(leaving(p.ctx.Err()))
		return false
	case reset:
		p.finish(outcome{fault: KindPacketLoss, failed: true})
		w.abort(abortReset)
		return false
	}
	return true
}
