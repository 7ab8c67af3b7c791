package injector

import "net/http"

// close ends the response after the upstream's handler returned.
func (w *writer) close() {
	p := w.passage
	if !w.broken() {
		if !w.wrote {
			w.WriteHeader(http.StatusOK)
		}
		w.dropTrailers()
		w.unhold(true, nil)
	}
	if w.broken() {
		w.breakOff()
		return
	}
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
	p.finish(p.graphql.outcome(outcome{status: w.status, fault: fault, failed: w.failed()}))
}

// failed reports whether the client got a failure.
func (w *writer) failed() bool {
	if w.swallows {
		return w.hurts
	}
	return w.passage.upstreamFailed(w.status, true, nil, w.w.Header())
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
