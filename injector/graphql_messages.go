package injector

import "bytes"

// A graphqlMessages looks at the messages of one direction before its lane
// does. It keeps a text until it is whole, at most maxQueued bytes of it; what
// is longer, or compressed, goes on as it comes.
type graphqlMessages struct {
	lane    *socketLane
	subs    map[string]operation // by id; of both directions
	keeps   bool
	frames  []keptFrame
	size    int
	waiting [][]byte // frames for the end of the message that passes
	passing bool
}

// A keptFrame is a frame of a message.
type keptFrame struct {
	head    frameHead
	raw     []byte // the head as it came
	payload []byte // as it came, masked where it is
}

// begin implements framed.
func (m *graphqlMessages) begin(h frameHead) {
	m.frames, m.size = m.frames[:0], 0
	m.keeps = h.op == opText && h.rsv == 0
	if !m.keeps {
		m.passing = true
		m.lane.begin(h)
	}
}

// frameHead implements framed.
func (m *graphqlMessages) frameHead(h frameHead, raw []byte) {
	if m.keeps && h.length > int64(maxQueued-m.size) {
		m.pass()
	}
	if !m.keeps {
		m.lane.frameHead(h, raw)
		return
	}
	m.size += int(h.length) + len(raw)
	m.frames = append(m.frames, keptFrame{head: h, raw: bytes.Clone(raw)})
}

// payload implements framed.
func (m *graphqlMessages) payload(h frameHead, b []byte, offset int64) {
	if !m.keeps {
		m.lane.payload(h, b, offset)
		return
	}
	last := &m.frames[len(m.frames)-1]
	last.payload = append(last.payload, b...)
}

// messageEnd implements framed.
func (m *graphqlMessages) messageEnd() {
	if m.keeps {
		text := m.text()
		out, answered := m.lane.decideGraphQL(text, m.subs)
		switch {
		case answered:
			m.keeps = false
			return
		case !bytes.Equal(out, text):
			m.replace(out)
		}
		m.pass()
	}
	m.lane.messageEnd()
	m.passing = false
	for _, f := range m.waiting {
		m.lane.given -= len(f)
		m.lane.inject(f)
	}
	m.waiting = nil
}

// pass lets go on what was kept, and what follows of the message.
func (m *graphqlMessages) pass() {
	m.keeps, m.passing = false, true
	for i, f := range m.frames {
		if i == 0 {
			m.lane.begin(f.head)
		}
		m.lane.frameHead(f.head, f.raw)
		if len(f.payload) > 0 {
			m.lane.payload(f.head, f.payload, 0)
		}
	}
}

// text is the message without its masks.
func (m *graphqlMessages) text() []byte {
	var out []byte
	for _, f := range m.frames {
		from := len(out)
		out = append(out, f.payload...)
		f.head.mask(out[from:], 0)
	}
	return out
}

// replace makes the message one frame with another text.
func (m *graphqlMessages) replace(text []byte) {
	h := m.frames[0].head
	h.fin, h.length = true, int64(len(text))
	payload := bytes.Clone(text)
	h.mask(payload, 0)
	m.frames = append(m.frames[:0], keptFrame{head: h, raw: h.append(nil), payload: payload})
}

// controlFrame implements framed.
func (m *graphqlMessages) controlFrame(h frameHead, raw []byte) { m.lane.controlFrame(h, raw) }

// aliens implements framed.
func (m *graphqlMessages) aliens(b []byte) {
	m.release()
	m.lane.aliens(b)
}

// release lets go on what was kept of a message that will not be whole, as it
// came.
func (m *graphqlMessages) release() {
	if !m.keeps {
		return
	}
	m.keeps = false
	for _, f := range m.frames {
		m.lane.aliens(f.raw)
		m.lane.aliens(f.payload)
	}
}

// inject sends a whole message after what is queued: at once, unless another
// one is on its way. s.mu is held.
func (l *socketLane) inject(frame []byte) {
	m, ok := l.frames.to.(*graphqlMessages)
	switch {
	case !ok, l.unfit(), l.last != nil:
	case m.passing, l.open:
		l.given += len(frame)
		m.waiting = append(m.waiting, frame)
	default:
		l.given += len(frame)
		l.put(&parcel{b: frame, whole: true, answer: len(frame)})
	}
}
