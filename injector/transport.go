package injector

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"
)

// A transport is the seam on the client's side.
type transport struct {
	engine *engine
	target *target
	next   http.RoundTripper
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	set := t.target.set.Load()
	if set == nil {
		if upgrades(r) {
			return unseen(t.engine, t.target, r).pass(t.next)
		}
		return t.next.RoundTrip(r)
	}
	if !set.simple || upgrades(r) {
		return t.send(newPassage(r.Context(), t.engine, t.target, r))
	}
	for i, b := range set.bindings {
		if d := b.draw(r, b.listen(r), b.matches(r, t.engine.trustForwarded), time.Time{}); d.hits != 0 {
			p := newPassage(r.Context(), t.engine, t.target, r)
			p.set, p.at, p.drew, p.drawn = set, i, true, d
			return t.send(p)
		}
	}
	return t.next.RoundTrip(r)
}

// send takes the request through the layers and asks the upstream.
func (t *transport) send(p *passage) (*http.Response, error) {
	original := p.request
	p.request = new(*original) // a RoundTripper must not change its request
	p.perRequest = true
	if !p.admit() {
		p.abandon()
		p.closeBody()
		if p.expired {
			return respond(original, p.lateAnswer(), p.mark), nil
		}
		return nil, context.Cause(p.ctx)
	}
	if p.end.kind != "" {
		p.closeBody()
		return p.response(original)
	}
	p.request = uncompressed(p.throttleUp(p.withoutAnswered(p.plain(p.request))))
	if p.planCut(); p.cut != nil {
		p.cut.sends = true
		p.request = p.cut.request(p.request)
	}
	resp, err := t.next.RoundTrip(p.request)
	return p.receive(original, resp, err)
}

// pass asks the upstream for a request that no layer concerns.
func (p *passage) pass(next http.RoundTripper) (*http.Response, error) {
	resp, err := next.RoundTrip(uncompressed(p.request))
	if err == nil {
		p.upgraded(resp)
	}
	return resp, err
}

func (p *passage) closeBody() {
	if p.request.Body != nil {
		_ = p.request.Body.Close() // nothing was sent: nothing can be lost
	}
}

// response is what the client gets for a terminal fault.
func (p *passage) response(r *http.Request) (*http.Response, error) {
	reset, left := p.stallDown()
	if left {
		p.abandon()
		return nil, context.Cause(p.ctx)
	}
	p.pace.sync()
	defer p.depart()
	a := p.end.answer
	switch {
	case reset:
		p.finish(outcome{fault: KindPacketLoss, failed: true})
		return nil, abortReset.err()
	case p.end.garbled():
		p.finish(outcome{fault: p.end.kind, failed: true})
		return p.garbledResponse(r)
	case a == nil:
		p.finish(outcome{fault: p.end.kind, failed: true})
		return nil, p.end.abort.err()
	}
	a = p.translated(a)
	p.finish(outcome{status: a.status, fault: p.end.kind, failed: a.failed()})
	return respond(r, a, p.mark), nil
}

// respond makes an answer the response to a request. mark adds to its header.
func respond(r *http.Request, a *answer, mark func(http.Header)) *http.Response {
	resp := &http.Response{
		Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)), StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: r,
		Body: http.NoBody, ContentLength: int64(len(a.body)),
	}
	if a.call {
		resp.Proto, resp.ProtoMajor, resp.ProtoMinor = "HTTP/2.0", 2, 0
	}
	a.writeHeader(resp.Header)
	mark(resp.Header)
	if a.body != nil && r.Method != http.MethodHead {
		resp.Body = io.NopCloser(bytes.NewReader(a.body))
	}
	return resp
}

// err is what a client of net/http gets.
func (a abort) err() error {
	switch a {
	case abortClose:
		return io.EOF
	case abortRefuse:
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
}

// receive passes on the upstream's response, with what the layers do to it.
func (p *passage) receive(r *http.Request, resp *http.Response, err error) (*http.Response, error) {
	if p.cut != nil && (p.cut.happened() || err == nil && p.cut.complete()) {
		return p.cutOff(r, resp)
	}
	if err != nil {
		p.pace.sync()
		p.finish(outcome{failed: true, canceled: p.ctx.Err() != nil})
		p.depart()
		return nil, err
	}
	if resp.Request == p.request {
		resp.Request = r // ours is a copy
	}
	p.edit(resp)
	reset, left := p.stallDown()
	if reset || left {
		_ = resp.Body.Close() // the client gets an error already
	}
	switch {
	case left:
		p.abandon()
		return nil, context.Cause(p.ctx)
	case reset:
		p.pace.sync()
		p.finish(outcome{fault: KindPacketLoss, failed: true})
		p.depart()
		return nil, abortReset.err()
	}
	p.pace.sync()
	changes := p.rewrites()
	changes.replace(resp, r.Method)
	p.mark(resp.Header)
	d := &download{
		passage: p, response: resp, body: resp.Body, pace: p.pace, status: resp.StatusCode,
		rewritten: len(changes) > 0 && resp.StatusCode != http.StatusSwitchingProtocols,
	}
	bodyless := resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified || r.Method == http.MethodHead
	if resp.StatusCode == http.StatusSwitchingProtocols || bodyless {
		p.upgraded(resp)
		d.end(io.EOF, &d.pace)
		return resp, nil
	}
	d.plan()
	if size := d.shaper.begin(resp.ContentLength); d.shaper.active() && size != resp.ContentLength {
		resp.ContentLength = size
		resp.Header.Del("Content-Length")
		if size >= 0 {
			resp.Header.Set("Content-Length", strconv.FormatInt(size, 10))
		}
	}
	for _, x := range d.dribbles {
		x.begin(time.Now(), resp.ContentLength)
	}
	_, answered := grpcStatusIn(resp.Header)
	if resp.ContentLength == 0 && !d.shaper.cuts && (answered || p.speaks() != ProtocolGRPC) { // else a trailer follows
		d.end(io.EOF, &d.pace)
		return resp, nil
	}
	resp.Body = d
	return resp, nil
}
