package injector

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// A writer carries an upstream's response to the client and does to it what the
// layers decided. It stores nothing.
type writer struct {
	w       http.ResponseWriter
	passage *passage
	body    shaper
	pipes   []*binding // bandwidth limits, the innermost first
	cuts    bool       // the response is partial
	cancel  func()     // tells the upstream's handler that its client is gone; nil: it never will be

	dribbles  []*dribble
	changes   rewrites
	rewritten bool
	swallows  bool   // the upstream's body goes nowhere
	held      []byte // of a body that dribbles, with its header; nil: nothing is held

	wrote     bool // the header
	status    int
	size      int64 // announced; -1: unknown
	sent      int64
	unflushed int
	aborted   bool  // the response ended before its end
	err       error // of every later write
}

// plan sets what happens to the response.
func (w *writer) plan() {
	p := w.passage
	w.body.calls = p.speaks() == ProtocolGRPC
	w.changes = p.rewrites()
	for i := len(p.stays) - 1; i >= 0; i-- {
		s := &p.stays[i]
		if s.drawn.hits&hitDribble != 0 {
			w.dribbles = append(w.dribbles, newDribble(s))
		}
		if s.drawn.hits&hitCorruption != 0 {
			w.body.corrupt(s.faults, s.drawn.fault)
		}
		if s.drawn.hits&hitPartial != 0 {
			w.body.cut(s.faults, s.drawn.fault)
			w.cuts = true
		}
		if s.down != nil {
			w.pipes = append(w.pipes, s.binding)
		}
	}
}

func (w *writer) alters() bool {
	return w.body.active() || len(w.pipes) > 0 || len(w.dribbles) > 0 || len(w.changes) > 0 || w.passage.cut != nil
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.w }

func (w *writer) Header() http.Header { return w.w.Header() }

func (w *writer) WriteHeader(status int) {
	if w.wrote || w.err != nil {
		return
	}
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		w.passage.pace.sync()
		w.w.WriteHeader(status)
		return
	}
	if w.stops() {
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
		w.body, w.dribbles = shaper{}, nil
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
		w.fail(p.ctx.Err())
		return false
	case reset:
		p.finish(outcome{fault: KindPacketLoss, failed: true})
		w.abort(abortReset)
		return false
	}
	return true
}

func (w *writer) Write(b []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if w.err != nil {
		return 0, w.err
	}
	if w.swallows {
		return len(b), nil
	}
	if w.holds(b) {
		return len(b), nil
	}
	return w.write(b)
}

// write sends what the client is to get, piece by piece.
func (w *writer) write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 || written == 0 {
		piece := b
		if w.alters() {
			piece = b[:min(len(b), w.chunk())]
		}
		n, err := w.writePiece(piece)
		written += n
		if err != nil || len(b) == 0 {
			return written, err
		}
		b = b[len(piece):]
	}
	return written, nil
}

// chunk is the most to move at once.
func (w *writer) chunk() int {
	n := maxChunk
	for _, b := range w.pipes {
		n = min(n, b.down.chunk())
	}
	return n
}

// writePiece sends one piece of the body. It counts what the shaper took away
// as written: the upstream must not notice. What comes after the last message of
// a call that is broken off is not sent.
func (w *writer) writePiece(b []byte) (int, error) {
	if c := w.passage.cut; c != nil {
		n, last := c.pass(&c.down, b)
		if last {
			defer w.stops()
		}
		if n < len(b) {
			if n > 0 {
				n, _ = w.writeOn(b[:n]) // the call ends here in any case
			}
			return n, errCut
		}
	}
	return w.writeOn(b)
}

// writeOn sends one piece of the body that the client is to get.
func (w *writer) writeOn(b []byte) (int, error) {
	out, ends := w.body.shape(b)
	if len(out) > 0 || len(b) == 0 {
		if err := w.send(out); err != nil {
			if err != http.ErrBodyNotAllowed && err != http.ErrContentLength {
				w.fail(err) // the client left
			}
			return 0, err
		}
	}
	if ends {
		w.cutOff()
		return len(b), w.err
	}
	return len(b), nil
}

// cutOff ends a partial response: the client gets what it has, and then an
// error.
func (w *writer) cutOff() {
	p := w.passage
	p.pace.sync()
	p.finish(outcome{fault: KindPartialResponse, failed: true})
	w.flush()
	w.abort(abortClose)
}

// abort ends the connection in the middle of the response.
func (w *writer) abort(how abort) {
	w.aborted = true
	w.fail(http.ErrAbortHandler)
	if w.cancel != nil {
		w.cancel()
	}
	if conn, _, err := http.NewResponseController(w.w).Hijack(); err == nil {
		if how == abortReset {
			reset(conn)
		}
		_ = conn.Close() // it is gone either way
		w.cuts = false
		return
	}
	w.cuts = true // close does it, when the upstream's handler has returned
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// close ends the response after the upstream's handler returned.
func (w *writer) close() {
	p := w.passage
	if w.broken() {
		w.breakOff()
		return
	}
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	w.dropTrailers()
	w.unhold(true, nil)
	if w.err == nil && w.body.pending() {
		w.cutOff()
	}
	if w.aborted {
		if w.cuts {
			panic(http.ErrAbortHandler)
		}
		return
	}
	p.pace.sync()
	if w.err != nil || p.ctx.Err() != nil && (w.size < 0 || w.sent < w.size) {
		p.finish(outcome{canceled: true}) // the client did not get it all
		return
	}
	fault := w.body.fault()
	if fault == "" && w.rewritten {
		fault = KindResponseRewrite
	}
	p.finish(p.graphql.outcome(outcome{status: w.status, fault: fault, failed: p.upstreamFailed(w.status, true, nil, w.w.Header())}))
}

// Flush implements http.Flusher.
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError is for http.ResponseController.
func (w *writer) FlushError() error {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	w.unhold(false, nil)
	if w.err != nil {
		return w.err
	}
	w.passage.pace.sync()
	return w.flush()
}

func (w *writer) flush() error {
	w.unflushed = 0
	return http.NewResponseController(w.w).Flush()
}

// Hijack passes the connection to the upstream's handler, as upgrades need it.
// The answer that it will write has the header as it is then.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.err != nil {
		return nil, nil, w.err
	}
	if !w.wrote && !w.arrive() {
		return nil, nil, w.err
	}
	w.unhold(false, nil)
	w.passage.pace.sync()
	conn, rw, err := http.NewResponseController(w.w).Hijack()
	if err == nil {
		w.passage.mark(w.w.Header())
		if upgrades(w.passage.request) && (!w.wrote || w.status == http.StatusSwitchingProtocols) {
			conn, rw = w.passage.upgrade(conn, rw, w.wrote)
		}
		w.wrote, w.status, w.body = true, http.StatusSwitchingProtocols, shaper{}
	}
	return conn, rw, err
}

// ReadFrom lets the connection copy by itself where the bytes pass unchanged.
func (w *writer) ReadFrom(src io.Reader) (int64, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if to, ok := w.w.(io.ReaderFrom); ok && w.err == nil && !w.alters() && w.passage.slot == nil {
		n, err := to.ReadFrom(src)
		w.sent += n
		return n, err
	}
	return io.Copy(struct{ io.Writer }{w}, src)
}
