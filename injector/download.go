package injector

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// A download is a response's body on its way to the client, and what the layers
// do to it. The request ends with it. Close may come from another goroutine
// while a Read is on, as with net/http.
type download struct {
	passage  *passage
	response *http.Response
	body     io.ReadCloser
	limits   []*binding // bandwidth, the innermost first
	pace     pace       // of Read
	status   int
	ctx      context.Context         // of its waits
	stop     context.CancelCauseFunc // ends them; nil: there are none

	mu     sync.Mutex
	shaper shaper

	dribbles  []*dribble
	rewritten bool

	err  error // of every later Read
	once sync.Once
}

func (d *download) plan() {
	p := d.passage
	d.shaper.calls = p.speaks() == ProtocolGRPC
	for i := len(p.stays) - 1; i >= 0; i-- {
		s := &p.stays[i]
		if s.drawn.hits&hitCorruption != 0 {
			d.shaper.corrupt(s.faults, s.drawn.fault)
		}
		if s.drawn.hits&hitPartial != 0 {
			d.shaper.cut(s.faults, s.drawn.fault)
		}
		if s.drawn.hits&hitDribble != 0 {
			d.dribbles = append(d.dribbles, newDribble(s))
		}
		if s.down != nil {
			d.limits = append(d.limits, s.binding)
		}
	}
	if len(d.limits) > 0 || len(d.dribbles) > 0 {
		d.ctx, d.stop = context.WithCancelCause(p.ctx)
	}
}

func (d *download) Read(b []byte) (int, error) {
	if d.err != nil || len(b) == 0 {
		return 0, d.err
	}
	for _, limit := range d.limits {
		b = b[:min(len(b), limit.down.chunk())]
	}
	for _, x := range d.dribbles {
		b = b[:x.room(len(b))]
	}
	n, err := d.body.Read(b)
	n, cut := d.cut(b[:n], err)
	if cut {
		err = d.broken()
	}
	read := n
	out, breaks := d.shape(b[:n])
	n = copy(b, out)
	switch {
	case breaks, err == io.EOF && d.shaper.pending():
		err = io.ErrUnexpectedEOF
	case d.shaper.over() && !d.shaper.calls: // of a call, its trailer is still to come
		err = io.EOF
	}
	if waited := d.wait(n); waited != nil {
		err = waited
	}
	if err != nil {
		d.err = err
		d.end(err, &d.pace)
		if n > 0 && read > 0 {
			return n, nil // the error comes with the next Read
		}
	}
	return n, err
}

func (d *download) shape(b []byte) (out []byte, breaks bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.shaper.shape(b)
}

// wait takes the time that n bytes need.
func (d *download) wait(n int) error {
	if n == 0 {
		return nil
	}
	for _, limit := range d.limits {
		if limit.off.Load() {
			continue
		}
		d.pace.sync()
		if !d.passage.throttle(d.ctx, &d.pace, limit, limit.down, n) {
			return leaving(context.Cause(d.ctx))
		}
	}
	for _, x := range d.dribbles {
		d.pace.sync()
		if !x.wait(d.ctx, &d.pace, n) {
			return leaving(context.Cause(d.ctx))
		}
	}
	return nil
}

// Close ends the request, wherever the body is.
func (d *download) Close() error {
	d.end(nil, &pace{slot: d.pace.slot})
	return d.body.Close()
}

// end ends the request, once, at an instant of the caller's pace.
func (d *download) end(err error, a *pace) {
	d.once.Do(func() {
		a.sync()
		d.mu.Lock()
		fault, cut := d.shaper.fault(), d.shaper.broke || err == io.ErrUnexpectedEOF && d.shaper.cuts
		d.mu.Unlock()
		o := d.passage.graphql.outcome(outcome{
			status: d.status, fault: fault,
			failed: d.passage.upstreamFailed(d.status, err == io.EOF, d.response.Trailer, d.response.Header),
		})
		if d.rewritten && o.fault == "" {
			o.fault = KindResponseRewrite
		}
		switch c := d.passage.cut; {
		case c != nil && c.happened():
			o = c.outcome()
		case cut:
			o = outcome{fault: KindPartialResponse, failed: true}
		case err != nil && err != io.EOF && d.passage.ctx.Err() != nil:
			o = outcome{canceled: true}
		case err != nil && err != io.EOF:
			o = outcome{failed: true}
		}
		d.passage.finish(o)
		d.passage.depart()
		if d.stop != nil {
			d.stop(http.ErrBodyReadAfterClose)
		}
	})
}
