package injector

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// A reshaper takes one direction of a connection apart and puts it together
// again, with one fate for every message.
type reshaper struct {
	framer frameScanner
	shape  messageShaper
	fate   func(n int) fate
	n      int
	out    []byte
}

func reshape(fates func(n int) fate, in []byte, cuts []byte) *reshaper {
	r := &reshaper{fate: fates}
	r.framer.to = r
	for i := 0; len(in) > 0; i++ {
		n := len(in)
		if len(cuts) > 0 {
			n = min(n, 1+int(cuts[i%len(cuts)]))
		}
		r.framer.feed(in[:n])
		in = in[n:]
	}
	return r
}

func (r *reshaper) begin(h frameHead) {
	r.shape.begin(r.fate(r.n), h)
	r.n++
}
func (r *reshaper) frameHead(h frameHead, raw []byte) { r.out = r.shape.head(r.out, h, raw) }
func (r *reshaper) payload(h frameHead, b []byte, offset int64) {
	r.out = r.shape.payload(r.out, h, b, offset)
}
func (r *reshaper) messageEnd()                          {}
func (r *reshaper) controlFrame(_ frameHead, raw []byte) { r.out = append(r.out, raw...) }
func (r *reshaper) aliens(b []byte)                      { r.out = append(r.out, b...) }

// A reader collects what a connection says.
type said struct {
	framer   frameScanner
	messages []saidMessage
	controls []string
	alien    []byte
}

type saidMessage struct {
	op       opcode
	rsv      byte
	frames   int
	payload  []byte
	complete bool
}

func hear(in []byte) *said {
	s := &said{}
	s.framer.to = s
	s.framer.feed(in)
	return s
}

func (s *said) last() *saidMessage { return &s.messages[len(s.messages)-1] }

func (s *said) begin(h frameHead)           { s.messages = append(s.messages, saidMessage{op: h.op, rsv: h.rsv}) }
func (s *said) frameHead(frameHead, []byte) { s.last().frames++ }
func (s *said) payload(h frameHead, b []byte, offset int64) {
	b = bytes.Clone(b)
	h.mask(b, offset)
	s.last().payload = append(s.last().payload, b...)
}
func (s *said) messageEnd()                          { s.last().complete = true }
func (s *said) controlFrame(_ frameHead, raw []byte) { s.controls = append(s.controls, string(raw)) }
func (s *said) aliens(b []byte)                      { s.alien = append(s.alien, b...) }

// conversation builds a connection of whole messages for the corpus.
func conversation(parts ...string) []byte {
	var b []byte
	for i, part := range parts {
		h := frameHead{fin: true, op: opText, masked: i%2 == 1, key: [4]byte{1, 2, 3, 200}, length: int64(len(part))}
		if i%3 == 2 {
			h.op = opBinary
		}
		b = h.append(b)
		from := len(b)
		b = append(b, part...)
		h.mask(b[from:], 0)
	}
	return b
}

func FuzzWebSocketFrames(f *testing.F) {
	f.Add(conversation("hello", "grüße", "\x00\x01", strings.Repeat("long", 100), ""), []byte{0}, byte(1))
	f.Add(conversation(strings.Repeat("\u0800\ud7ff\U00010000\U0010ffff", 50)), []byte{6}, byte(2)) // at the edges of what UTF-8 allows
	f.Add([]byte("\x01\x03hel\x89\x02??\x80\x02lo\x88\x02\x03\xe8"), []byte{1, 0, 2}, byte(2))
	f.Add([]byte("\xc1\x05\xf2H\xcd\xc9\xc9"), []byte{}, byte(3))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), []byte{3}, byte(0))
	f.Add([]byte("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), []byte{}, byte(1))
	f.Fuzz(func(t *testing.T, in, cuts []byte, choice byte) {
		whole := reshape(func(int) fate { return fate{} }, in, nil)
		// What is incomplete at the end is kept back.
		require.True(t, bytes.HasPrefix(in, whole.out))
		require.LessOrEqual(t, len(in)-len(whole.out), maxFrameHead+maxControl)
		require.LessOrEqual(t, cap(whole.framer.held), 2*(maxFrameHead+maxControl))

		fates := func(n int) fate {
			x := Mix(uint64(choice), uint64(n))
			return [...]fate{{}, {drop: true}, {corrupt: true, noise: x}, {cut: true, place: x}}[(int(choice)+n)%4]
		}
		changed := reshape(fates, in, nil)
		require.Equal(t, changed.out, reshape(fates, in, cuts).out, "whatever the pieces")
		require.LessOrEqual(t, len(changed.shape.kept), maxCut)

		before, after := hear(in), hear(changed.out)
		if before.framer.alien {
			require.True(t, bytes.HasSuffix(changed.out, before.alien), "what is no frame passes")
			return
		}
		require.Equal(t, before.controls, after.controls)
		require.False(t, after.framer.alien, "frames stay frames")
		at := 0
		for n, m := range before.messages {
			f := fates(n)
			if f.drop {
				continue
			}
			if at == len(after.messages) {
				require.True(t, f.cut && !m.complete && n == len(before.messages)-1, "only the last can be still to come")
				break
			}
			got := after.messages[at]
			at++
			require.Equal(t, m.op, got.op)
			require.Equal(t, m.rsv, got.rsv)
			switch {
			case f.cut:
				require.Equal(t, 1, got.frames)
				require.True(t, got.complete)
				require.True(t, bytes.HasPrefix(m.payload, got.payload))
			case f.corrupt:
				require.Len(t, got.payload, len(m.payload))
				require.Equal(t, m.complete, got.complete)
				if m.op == opBinary && len(m.payload) > 0 {
					require.NotEqual(t, m.payload, got.payload)
				}
			default:
				require.Equal(t, m, got)
			}
			if m.op == opText && m.rsv&bitCompressed == 0 && m.complete && utf8.Valid(m.payload) {
				require.True(t, utf8.Valid(got.payload), "%q became %q", m.payload, got.payload)
				if f.corrupt && len(m.payload) > 0 {
					require.NotEqual(t, m.payload, got.payload)
				}
			}
		}
	})
}

func TestFrameHeads(t *testing.T) {
	t.Parallel()
	for _, length := range []int64{0, 1, 125, 126, 65535, 65536, 1 << 40} {
		for _, masked := range []bool{false, true} {
			want := frameHead{fin: true, rsv: 0x50, op: opBinary, masked: masked, length: length}
			if masked {
				want.key = [4]byte{1, 2, 3, 4}
			}
			b := want.append(nil)
			for cut := range b {
				var r headReader
				n, complete := r.take(b[:cut])
				require.Equal(t, cut, n)
				require.False(t, complete)
				_, complete = r.take(append(b[cut:], 0xff))
				require.True(t, complete)
				got, err := r.head()
				require.NoError(t, err)
				require.Equal(t, want, got)
				require.Equal(t, b, r.raw())
			}
		}
	}
	for _, bad := range []string{"\x83\x00", "\x8b\x00", "\x08\x00", "\x89\x7e\x00\x7e", "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00"} {
		var r headReader
		_, complete := r.take([]byte(bad))
		require.True(t, complete, "%x", bad)
		_, err := r.head()
		require.Error(t, err, "%x", bad)
	}
}

func TestCloseFrame(t *testing.T) {
	t.Parallel()
	require.Equal(t, "\x88\x06\x03\xf3away", string(closeFrame(1011, "away", false, 7)))
	var r headReader
	b := closeFrame(1001, "", true, 0x01020304)
	r.take(b)
	h, err := r.head()
	require.NoError(t, err)
	h.mask(b[6:], 0)
	require.Equal(t, "\x03\xe9", string(b[6:]))
	rule := newCloseRule(&WebSocket{CloseReason: "gr\xfc\xdfe"}, Effect{}, "step", func(string) uint64 { return 0 })
	require.Equal(t, "gr\uFFFDe", rule.reason)
	for n := range 200 {
		for _, char := range []string{"x", "ü", "世"} {
			reason := strings.Repeat("x", n) + strings.Repeat(char, 60)
			fits := reason[:len(reason)-overhang(reason)]
			require.LessOrEqual(t, len(fits), maxCloseReason)
			require.True(t, utf8.ValidString(fits), "%q", fits)
			require.Greater(t, len(fits), min(len(reason), maxCloseReason)-utf8.UTFMax)
		}
	}
}
