package injector

import (
	"context"
	"errors"
	"net/http"
)

// forward asks the upstream, with what the layers do to the response.
func (p *passage) forward(w http.ResponseWriter, r *http.Request, next http.Handler) {
	r = uncompressed(p.throttleUp(p.withoutAnswered(p.plain(r))))
	if p.planCut(); p.cut != nil {
		r = p.cut.request(r)
	}
	out := &p.out
	out.w, out.passage = w, p
	out.plan()
	if !out.busy() {
		p.mark(w.Header())
		next.ServeHTTP(w, r)
		return
	}
	if out.cuts || len(p.downs) > 0 {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		r = r.WithContext(ctx)
		out.cancel = func() {
			cancel()
			if r.ProtoMajor > 1 && r.Body != nil {
				_ = r.Body.Close() // its Read notices no cancelled context, and its client may send nothing more
			}
		}
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		if out.broken() {
			// A proxy panics where its request was cancelled: what the client
			// gets is not over.
			v := recover()
			if err, ok := v.(error); v == nil || ok && errors.Is(err, http.ErrAbortHandler) {
				out.close()
				return
			}
			defer panic(v)
		}
		// It panicked: the connection is aborted.
		p.pace.sync()
		p.finish(outcome{failed: true, canceled: p.ctx.Err() != nil && !out.aborted})
	}()
	if p.graphql.edits() {
		e := &graphqlWriter{writer: out}
		next.ServeHTTP(e, r)
		e.close()
	} else {
		next.ServeHTTP(out, r)
	}
	returned = true
	out.close()
}

// busy reports whether the response must be watched: something changes it, or
// somebody learns how it ended.
func (w *writer) busy() bool {
	p := w.passage
	if p.set.watched || w.alters() || p.cut != nil || len(p.downs) > 0 || p.graphql.edits() || upgrades(p.request) {
		return true
	}
	for i := range p.stays {
		s := &p.stays[i]
		if s.inBulkhead || s.faulty || s.generation != 0 || s.conn != "" {
			return true
		}
	}
	return false
}
