package injector

import (
	"io"
	"slices"
	"sync/atomic"
	"time"
)

// maxLook is how long a body may take to be read before its request is
// admitted. A body that takes longer passes as it comes.
const maxLook = 10 * time.Second

// A prefetch reads the beginning of a body in a goroutine of its own, so that
// who waits for it can stop waiting. The goroutine ends with the body, beyond
// the limit, and after the Read that was on when quit was set.
type prefetch struct {
	body io.ReadCloser
	quit atomic.Bool
	done chan struct{} // closed at the end; then the rest is set
	data []byte
	err  error // that the body ended with; nil: there is more
}

func startPrefetch(body io.ReadCloser, limit int) *prefetch {
	f := &prefetch{body: body, done: make(chan struct{})}
	go f.run(limit)
	return f
}

func (f *prefetch) run(limit int) {
	defer close(f.done)
	for f.err == nil && len(f.data) <= limit && !f.quit.Load() {
		f.data = slices.Grow(f.data, 512)
		var n int
		n, f.err = f.body.Read(f.data[len(f.data):cap(f.data)])
		f.data = f.data[:len(f.data)+n]
	}
}

// wholeBody reads the request's body if it is no longer than the limit, and
// lets it be read again. It reports false where it is longer, broken, or takes
// too long to come.
func (p *passage) wholeBody(limit int) ([]byte, bool) {
	r := p.request
	if b := p.body; b != nil {
		return b.data, int64(len(b.data)) == r.ContentLength && (b.err == nil || b.err == io.EOF)
	}
	f := startPrefetch(r.Body, limit)
	t := time.NewTimer(maxLook)
	defer t.Stop()
	select {
	case <-f.done:
		b := &replay{data: f.data, err: f.err, rest: f.body}
		p.body, r.Body = b, b
		return b.data, f.err == io.EOF && len(f.data) <= limit
	case <-t.C:
	case <-p.ctx.Done():
	}
	f.quit.Store(true)
	b := &replay{rest: &unfinished{prefetch: f}}
	p.body, r.Body = b, b
	return nil, false
}

// An unfinished is the body of a prefetch that nobody waited for.
type unfinished struct {
	*prefetch
	again *replay
}

func (u *unfinished) Read(b []byte) (int, error) {
	<-u.done
	if u.again == nil {
		u.again = &replay{data: u.data, err: u.err, rest: u.body}
	}
	return u.again.Read(b)
}

func (u *unfinished) Close() error { return u.body.Close() }
