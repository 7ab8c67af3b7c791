package injector

import (
	"net"
	"net/http"
	"time"
)

// A handler is the seam on the server's side.
type handler struct {
	engine *engine
	target *target
	next   http.Handler
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r, takeBack := lent(r)
	defer takeBack()
	set := h.target.set.Load()
	if set == nil {
		if upgrades(r) {
			unseen(h.engine, h.target, r).forward(w, r, h.next)
			return
		}
		h.next.ServeHTTP(w, r)
		return
	}
	if !set.simple || upgrades(r) {
		h.serve(w, r, newPassage(r.Context(), h.engine, h.target, r))
		return
	}
	for i, b := range set.bindings {
		if d := b.draw(r, b.listen(r), b.matches(r, h.engine.trustForwarded), time.Time{}); d.hits != 0 {
			p := newPassage(r.Context(), h.engine, h.target, r)
			p.set, p.at, p.drew, p.drawn = set, i, true, d
			h.serve(w, r, p)
			return
		}
	}
	h.next.ServeHTTP(w, r)
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request, p *passage) {
	defer p.depart()
	p.conn = r.RemoteAddr
	switch {
	case !p.admit():
		p.abandon()
		if p.expired {
			p.giveUp(w)
			return
		}
		panic(http.ErrAbortHandler)
	case p.end.kind == "":
		p.forward(w, r, h.next)
	default:
		p.answer(w)
	}
}

// answer sends the client what a terminal fault decided.
func (p *passage) answer(w http.ResponseWriter) {
	if p.end.garbled() {
		p.drain(w)
	}
	reset, left := p.stallDown()
	p.pace.sync()
	switch a := p.end.answer; {
	case left:
		p.abandon()
		panic(http.ErrAbortHandler)
	case reset:
		p.finish(outcome{fault: KindPacketLoss, failed: true})
		disconnect(w, abortReset)
	case p.end.garbled():
		p.finish(outcome{fault: p.end.kind, failed: true})
		p.garble(w)
	case a == nil:
		p.finish(outcome{fault: p.end.kind, failed: true})
		disconnect(w, p.end.abort)
	default:
		a = p.translated(a)
		p.finish(outcome{status: a.status, fault: p.end.kind, failed: a.failed()})
		a.writeHeader(w.Header())
		p.mark(w.Header())
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body) // whether the client still reads is its own affair
	}
}

// disconnect ends the connection without an answer. Where it cannot be taken
// over, as on HTTP/2, the request's stream is reset instead.
func disconnect(w http.ResponseWriter, how abort) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if how != abortClose {
		reset(conn)
	}
	_ = conn.Close() // it is gone either way
}

// reset closes a connection as one that broke. TLS would say goodbye first: the
// connection inside is what is closed.
func reset(conn net.Conn) {
	for conn != nil {
		if c, ok := conn.(interface{ SetLinger(int) error }); ok {
			_ = c.SetLinger(0) // without it the close is an orderly one
			_ = conn.Close()   // it is gone either way
			return
		}
		inner, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return
		}
		conn = inner.NetConn()
	}
}
