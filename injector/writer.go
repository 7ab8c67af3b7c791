package injector

import (
	"bufio"
	"io"
	"net"
	"net/http"
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
	cancel  func()

	dribbles  []*dribble
	changes   rewrites
	rewritten bool
	swallows  bool   // the upstream's body goes nowhere, and its trailer
	hurts     bool   // what is sent instead is a failure
	held      []byte // of a body that dribbles, with its header; nil: nothing is held

	wrote     bool // the header
	status    int
	size      int64 // announced; -1: unknown
	sent      int64
	unflushed int
	at        time.Time // of the last piece that waited for bandwidth, in virtual time
	aborted   bool      // the response ended before its end
	err       error     // of every later write
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
