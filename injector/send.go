package injector

import "slices"

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
	for _, limit := range w.pipes {
		if limit.off.Load() {
			continue
		}
		if !p.throttle(p.ctx, &p.pace, limit, limit.down, len(b)) {
			return p.ctx.Err()
		}
		p.pace.sync()
	}
	for _, d := range w.dribbles {
		if len(b) > 0 && !d.wait(p.ctx, &p.pace, len(b)) {
			return p.ctx.Err()
		}
	}
	if len(w.pipes) > 0 && w.unflushed > 0 && w.unflushed+len(b) > w.chunk() {
		w.flush()
	}
	n, err := w.w.Write(b)
	w.sent += int64(n)
	w.unflushed += n
	return err
}
