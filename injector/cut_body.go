package injector

import "io"

// A cutBody is the body of a call that is to be broken off. A Read ends with
// the cut, though the client sends nothing: a proxy that waits for it would not
// notice that its request is over.
type cutBody struct {
	io.ReadCloser
	cut   *cut
	piece []byte
	reads chan readResult
	held  bool // something came that may not pass: the upstream must not take what it has for all
	left  bool // a read was left behind: there is no other
}

type readResult struct {
	n   int
	err error
}

func (b *cutBody) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if b.left {
		return 0, errCut
	}
	b.cut.left(b)
	for b.held { // what still comes is lost, and its sender is not held up
		if _, err, ended := b.next(p); err != nil || ended {
			<-b.cut.ctx.Done()
			return 0, errCut
		}
	}
	n, err, ended := b.next(p)
	if ended {
		b.held = true
		return 0, errCut
	}
	if err != nil {
		defer b.cut.sent(b)
	}
	if n == 0 {
		return n, err
	}
	passed, last := b.cut.pass(&b.cut.up, p[:n])
	if last {
		if passed > 0 && err == nil {
			b.cut.leaves(b)
		}
		b.cut.soon()
	}
	if passed == n {
		return n, err
	}
	if b.held = true; passed == 0 {
		return b.Read(p)
	}
	return passed, nil
}

// Close says that nobody waits for what is still to come.
func (b *cutBody) Close() error {
	b.cut.left(b)
	b.cut.sent(b)
	return b.ReadCloser.Close()
}

// next reads the next piece into p, unless the cut comes first. Then the read
// that is left behind ends with the body, which whoever made it closes.
func (b *cutBody) next(p []byte) (n int, err error, ended bool) { //nolint:revive // the error is that of the Read
	if b.reads == nil {
		b.piece, b.reads = make([]byte, maxChunk), make(chan readResult, 1)
	}
	piece := b.piece[:min(len(p), len(b.piece))]
	go func() {
		n, err := b.ReadCloser.Read(piece)
		b.reads <- readResult{n, err}
	}()
	select {
	case r := <-b.reads:
		return copy(p, piece[:r.n]), r.err, false
	case <-b.cut.ctx.Done():
		b.left = true
		return 0, nil, true
	}
}
