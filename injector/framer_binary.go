package injector

// maxKafka is the largest message that is taken for one.
const maxKafka = 1 << 28

// kafkaFramer is for messages that begin with their length, in four bytes: the
// correlation id comes first in each, so that none is shorter than four.
type kafkaFramer struct {
	length header
	left   int64
}

func (f *kafkaFramer) next(b []byte) (n int, starts, ok bool) {
	if f.left == 0 && f.length.done() {
		f.length = header{want: 4}
	}
	starts = f.left == 0 && f.length.have == 0
	if !f.length.done() || f.length.want == 0 {
		f.length.want = 4
		n = f.length.read(b)
		if !f.length.done() {
			return n, starts, true
		}
		if f.length.value < 4 || f.length.value > maxKafka {
			return 0, false, false
		}
		f.left = f.length.value
	}
	return n + skip(b[n:], &f.left), starts, true
}

// Bounds and codes of PostgreSQL's protocol, version 3.
const (
	maxPostgres        = 1 << 30
	maxPostgresStartup = 10_000
	cancelRequest      = 80877102
	sslRequest         = 80877103
	gssRequest         = 80877104
)

// postgresFramer is for PostgreSQL's messages: a type, and a length that counts
// itself. A client's first ones have no type, and the answer to one that asks
// for encryption is a single byte.
type postgresFramer struct {
	startup bool // a message without a type comes next
	answer  bool // it may be a single byte

	inside bool
	typed  bool // the type has come, or there is none
	length header
	code   header // what kind of startup message it is
	left   int64
}

func newPostgresFramer(stream Stream, fresh bool) *postgresFramer {
	return &postgresFramer{startup: fresh && stream == Upstream, answer: fresh && stream == Downstream}
}

func (f *postgresFramer) next(b []byte) (n int, starts, ok bool) {
	if starts = !f.inside; starts {
		if f.answer && len(b) == 1 && (b[0] == 'S' || b[0] == 'N' || b[0] == 'G') {
			return 1, true, true
		}
		f.inside, f.typed, f.answer = true, f.startup, false
		f.length, f.code, f.left = header{want: 4}, header{}, 0
		if f.startup {
			f.code.want = 4
		}
	}
	if !f.typed {
		if c := b[0]; (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '1' || c > '3') {
			return 0, false, false
		}
		f.typed = true
		n++
	}
	if !f.length.done() {
		n += f.length.read(b[n:])
		if !f.length.done() {
			return n, starts, true
		}
		if !f.fits() {
			return 0, false, false
		}
		f.left = f.length.value - 4
	}
	if !f.code.done() {
		m := f.code.read(b[n:])
		n += m
		f.left -= int64(m)
	}
	n += skip(b[n:], &f.left)
	if f.left == 0 {
		f.inside = false
		if f.startup {
			f.startup = f.code.value >= cancelRequest && f.code.value <= gssRequest
		}
	}
	return n, starts, true
}

// fits reports whether a message can be that long.
func (f *postgresFramer) fits() bool {
	if f.startup {
		return f.length.value >= 8 && f.length.value <= maxPostgresStartup
	}
	return f.length.value >= 4 && f.length.value <= maxPostgres
}
