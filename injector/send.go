package injector

import (
	"net/http"
	"slices"
	"time"
)

func (w *writer) Write(b []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if w.err != nil {
		return 0, w.err
	}
	if w.swallows {
		return len(b), nil
	}
	if w.holds(b) {
		return len(b), nil
	}
	return w.write(b)
}

// write sends what the client is to get, piece by piece.
func (w *writer) write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 || written == 0 {
		piece := b
		if w.alters() {
			piece = b[:min(len(b), w.chunk())]
		}
		n, err := w.writePiece(piece)
		written += n
		if err != nil || len(b) == 0 {
			return written, err
		}
		b = b[len(piece):]
	}
	return written, nil
}

// chunk is the most to move at once.
func (w *writer) chunk() int {
	n := maxChunk
	for _, b := range w.pipes {
		n = min(n, b.down.chunk())
	}
	return n
}

// writePiece sends one piece of the body. It counts what the shaper took away
// as written: the upstream must not notice. What comes after the last message of
// a call that is broken off is not sent.
func (w *writer) writePiece(b []byte) (int, error) {
	if c := w.passage.cut; c != nil {
		n, last := c.pass(&c.down, b)
		if last {
			defer w.stop()
		}
		if n < len(b) {
			if n > 0 {
				n, _ = w.writeOn(b[:n]) // the call ends here in any case
			}
			return n, errCut
		}
	}
	return w.writeOn(b)
}

// writeOn sends one piece of the body that the client is to get.
func (w *writer) writeOn(b []byte) (int, error) {
	out, ends := w.body.shape(b)
	if len(out) > 0 || len(b) == 0 {
		if err := w.send(out); err != nil {
			if err != http.ErrBodyNotAllowed && err != http.ErrContentLength {
				w.fail(err) // the client left
			}
			return 0, err
		}
	}
	if ends {
		w.cutOff()
		return len(b), w.err
	}
	return len(b), nil
}

// send writes a piece when its time has come; where the body dribbles, in those
// pieces.
func (w *writer) send(b []byte) error {
	for len(w.dribbles) > 0 && len(b) > 0 {
		piece := b
		for _, d := range w.dribbles {
			piece = piece[:d.room(len(piece))]
		}
		if err := w.sendNow(piece); err != nil {
			return err
		}
		if slices.ContainsFunc(w.dribbles, (*dribble).ends) {
			_ = w.flush() // what goes wrong comes with the next write
		}
		if b = b[len(piece):]; len(b) == 0 {
			return nil
		}
	}
	return w.sendNow(b)
}

// sendNow writes what goes on in one.
func (w *writer) sendNow(b []byte) error {
	p := w.passage
	p.pace.sync()
	waited := false
	for _, limit := range w.pipes {
		if limit.off.Load() {
			continue
		}
		if w.parted() {
			return leaving(p.ctx.Err())
		}
		waited = true
		if !p.throttle(p.ctx, &p.pace, limit, limit.down, len(b)) {
			return leaving(p.ctx.Err())
		}
		p.pace.sync()
	}
	for _, d := range w.dribbles {
		if len(b) > 0 && !d.wait(p.ctx, &p.pace, len(b)) {
			return leaving(p.ctx.Err())
		}
	}
	if len(w.pipes) > 0 && w.unflushed > 0 && w.unflushed+len(b) > w.chunk() {
		w.flush()
	}
	n, err := w.w.Write(b)
	if w.crosses(waited, err) {
		n, err = len(b), nil
	}
	w.sent += int64(n)
	w.unflushed += n
	return err
}

// crosses reports whether a write failed because the client left at this very
// instant: it had not before, since the wait would have ended then. Which of the
// two is first is up to the scheduler.
func (w *writer) crosses(waited bool, err error) bool {
	p := w.passage
	if p.slot == nil || !waited {
		return false
	}
	w.at = time.Now()
	return err != nil && err != http.ErrBodyNotAllowed && err != http.ErrContentLength && w.at.Equal(p.pace.here)
}

// parted reports whether the client left at the instant at which the last piece
// was sent, once that is known: it takes no bandwidth from others any more.
func (w *writer) parted() bool {
	p := w.passage
	if p.slot == nil || !w.at.Equal(time.Now()) {
		return false
	}
	settle()
	select {
	case <-peerGone(p.ctx):
		return true
	default:
		return p.ctx.Err() != nil
	}
}
