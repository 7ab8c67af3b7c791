package injector

// A framer tells the messages of one direction of a protocol apart. It holds no
// bytes: a message may begin in one chunk and end in another.
type framer interface {
	// next says how many of the bytes belong to one message, at least one, and
	// whether the first of them begins it. ok is false where the bytes are not
	// of the protocol: then nothing can be told any more.
	next(b []byte) (n int, starts, ok bool)
}

// Names of protocols whose messages can be told apart: values of
// Toxic.Protocol.
const (
	protocolRedis    = "redis"
	protocolPostgres = "postgres"
	protocolKafka    = "kafka"
	protocolLines    = "lines"
)

// newFramer makes a framer; fresh says that the stream is at its beginning. An
// unknown protocol has none whose messages can be told apart.
func newFramer(protocol string, stream Stream, fresh bool) framer {
	switch protocol {
	case protocolRedis:
		return &redisFramer{}
	case protocolPostgres:
		return newPostgresFramer(stream, fresh)
	case protocolKafka:
		return &kafkaFramer{}
	case protocolLines:
		return &linesFramer{}
	}
	return noFramer{}
}

// maxLine is the longest line that is taken for one.
const maxLine = 1 << 20

// linesFramer is for protocols of lines, each a message.
type linesFramer struct{ length int }

func (f *linesFramer) next(b []byte) (n int, starts, ok bool) {
	starts = f.length == 0
	for i, c := range b {
		if f.length++; c == '\n' {
			f.length = 0
			return i + 1, starts, true
		}
		if f.length > maxLine {
			return 0, false, false
		}
	}
	return len(b), starts, true
}

type noFramer struct{}

func (noFramer) next([]byte) (n int, starts, ok bool) { return 0, false, false }

// A header is a big-endian number that may come in several chunks.
type header struct {
	have, want int
	value      int64
}

// read takes bytes until the number is there, and returns how many.
func (h *header) read(b []byte) (n int) {
	for n < len(b) && h.have < h.want {
		h.value = h.value<<8 | int64(b[n])
		h.have++
		n++
	}
	return n
}

func (h *header) done() bool { return h.have == h.want }

// skip takes at most what is left of a message.
func skip(b []byte, left *int64) int {
	n := int(min(int64(len(b)), *left))
	*left -= int64(n)
	return n
}
