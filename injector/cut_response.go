package injector

import (
	"io"
	"net/http"
)

// stop breaks the call off.
func (w *writer) stop() {
	w.passage.cut.stop()
	w.fail(errCut)
}

// broken reports whether the call has come to its last message, and its response
// did not end in another way.
func (w *writer) broken() bool {
	c := w.passage.cut
	return c != nil && c.full() && !w.aborted && w.passage.ctx.Err() == nil
}

// breakOff ends the response of a call that was broken off, after the
// upstream's handler returned.
func (w *writer) breakOff() {
	p, c := w.passage, w.passage.cut
	c.strike()
	if w.held != nil { // nothing of it has passed, not even the header
		w.held, w.wrote = nil, false
	}
	if !w.wrote && !w.arrive() {
		if w.cuts {
			panic(http.ErrAbortHandler)
		}
		p.finish(outcome{canceled: true}) // while its answer was held up
		return
	}
	p.pace.sync()
	a, o := c.answer(), c.outcome()
	p.finish(o)
	switch h := w.w.Header(); {
	case a == nil:
		if w.wrote {
			_ = w.flush() // what the client does not get it cannot miss
		}
		w.abort(abortReset)
		if w.cuts {
			panic(http.ErrAbortHandler)
		}
	case !w.wrote:
		clear(h)
		a.writeHeader(h)
		p.mark(h)
		w.w.WriteHeader(a.status)
	default:
		for _, name := range []string{headerGRPCStatus, headerGRPCMessage, headerGRPCDetails} {
			delete(h, name)
			delete(h, http.TrailerPrefix+name)
		}
		c.trailer(a, h, http.TrailerPrefix)
	}
}

// cutOff is what the client gets for a call that is broken off before its
// response's header. resp, if any, is the upstream's.
func (p *passage) cutOff(r *http.Request, resp *http.Response) (*http.Response, error) {
	if resp != nil {
		_ = resp.Body.Close() // nobody will read it
	}
	p.cut.strike()
	p.pace.sync()
	a := p.cut.answer()
	p.finish(p.cut.outcome())
	defer p.depart()
	if a == nil {
		return nil, abortReset.err()
	}
	return respond(r, a, p.mark), nil
}

// cut counts a piece of the response, and how reading it ended. It returns how
// much of it passes, and whether the call is broken off then.
func (d *download) cut(b []byte, err error) (n int, broken bool) {
	c := d.passage.cut
	if c == nil {
		return len(b), false
	}
	n, last := c.pass(&c.down, b)
	if last {
		c.stop()
	} else if err != nil && d.passage.ctx.Err() == nil && c.full() {
		c.strike()
	}
	return n, c.happened()
}

// broken ends the response of a call that was broken off, as its reader sees it.
func (d *download) broken() error {
	a := d.passage.cut.answer()
	if a == nil {
		return abortReset.err()
	}
	d.response.Trailer = http.Header{}
	d.passage.cut.trailer(a, d.response.Trailer, "")
	return io.EOF
}
