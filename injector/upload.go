package injector

import (
	"io"
	"net/http"
)

// throttleUp limits the bandwidth of the request's body, in a copy: net/http
// recognises a body that it has yet to ask for. The body may be read in another
// goroutine than the response is written in.
func (p *passage) throttleUp(r *http.Request) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	var limits []*binding
	for i := range p.stays {
		if s := &p.stays[i]; s.up != nil {
			limits = append(limits, s.binding)
		}
	}
	if limits == nil {
		return r
	}
	limit := func(b io.ReadCloser) io.ReadCloser {
		return &upload{ReadCloser: b, passage: p, limits: limits, pace: pace{slot: p.slot}}
	}
	limited := *r
	limited.Body = limit(r.Body)
	if again := r.GetBody; again != nil { // for a connection that was lost
		limited.GetBody = func() (io.ReadCloser, error) {
			b, err := again()
			if err != nil {
				return nil, err
			}
			return limit(b), nil
		}
	}
	return &limited
}

// An upload is a body that comes at a limited rate.
type upload struct {
	io.ReadCloser
	passage *passage
	limits  []*binding
	pace    pace
}

func (u *upload) Read(b []byte) (int, error) {
	for _, limit := range u.limits {
		b = b[:min(len(b), limit.up.chunk())]
	}
	n, err := u.ReadCloser.Read(b)
	if n == 0 {
		return n, err
	}
	for _, limit := range u.limits {
		if limit.off.Load() {
			continue
		}
		u.pace.sync()
		if !u.passage.throttle(u.passage.ctx, &u.pace, limit, limit.up, n) {
			return n, leaving(u.passage.ctx.Err())
		}
	}
	return n, err
}
