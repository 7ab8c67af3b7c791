package injector

// A frameScanner finds the frames and messages in one direction of a connection, in
// bytes that come in pieces of any size. It keeps no more than one head and one
// control frame. From the first byte on that cannot be WebSocket it passes
// everything on as it is: the ends will find out themselves.
type frameScanner struct {
	to     framed
	head   headReader
	frame  frameHead
	at     int64  // how much of the frame's payload has come
	within bool   // a frame's payload is coming
	inside bool   // a message has begun, and its last frame has not
	held   []byte // of a control frame, its head too
	alien  bool
}

// framed is told what a frameScanner finds. Bytes are valid during the call only.
type framed interface {
	begin(h frameHead)                           // a message, by the head of its first frame
	frameHead(h frameHead, raw []byte)           // a frame of it, with the head as it came
	payload(h frameHead, b []byte, offset int64) // of that frame
	messageEnd()
	controlFrame(h frameHead, raw []byte) // whole; it may come between the frames of a message
	aliens(b []byte)                      // what is not WebSocket
}

// deep reports whether n more bytes neither begin nor end anything.
func (f *frameScanner) deep(n int) bool {
	return f.alien || f.within && !f.frame.control() && int64(n) < f.frame.length-f.at
}

// rest is the part of a head or of a control frame that has come.
func (f *frameScanner) rest() []byte {
	switch {
	case f.alien:
		return nil
	case f.within && f.frame.control():
		return f.held
	}
	return f.head.raw()
}

// feed takes the next bytes.
func (f *frameScanner) feed(b []byte) {
	for len(b) > 0 {
		switch {
		case f.alien:
			f.to.aliens(b)
			return
		case f.within:
			n := int(min(int64(len(b)), f.frame.length-f.at))
			f.body(b[:n])
			b = b[n:]
		default:
			n, complete := f.head.take(b)
			b = b[n:]
			if complete {
				f.start()
			}
		}
	}
}

// start begins the frame whose head is complete.
func (f *frameScanner) start() {
	h, err := f.head.head()
	if err != nil || !h.control() && f.inside != (h.op == opContinuation) {
		f.alien = true
		f.to.aliens(f.head.raw())
		return
	}
	f.frame, f.at, f.within = h, 0, true
	switch {
	case h.control():
		f.held = append(f.held[:0], f.head.raw()...)
	default:
		if !f.inside {
			f.inside = true
			f.to.begin(h)
		}
		f.to.frameHead(h, f.head.raw())
	}
	f.head.n = 0
	if h.length == 0 {
		f.finish()
	}
}

func (f *frameScanner) body(b []byte) {
	if f.frame.control() {
		f.held = append(f.held, b...)
	} else {
		f.to.payload(f.frame, b, f.at)
	}
	f.at += int64(len(b))
	if f.at == f.frame.length {
		f.finish()
	}
}

// finish ends the frame.
func (f *frameScanner) finish() {
	f.within = false
	switch {
	case f.frame.control():
		f.to.controlFrame(f.frame, f.held)
	case f.frame.fin:
		f.inside = false
		f.to.messageEnd()
	}
}
