package memnet

// Sizes of a buffer in bytes. Most connections carry small messages, so a
// buffer starts small; its full size is what makes a writer wait.
const (
	bufferStart = 4 << 10
	bufferMax   = 64 << 10
)

// buffer is a ring of bytes that grows up to bufferMax. The zero value is
// empty and holds no memory. It is not safe for concurrent use.
type buffer struct {
	ring []byte // nil, or a power of two from bufferStart to bufferMax
	head int    // index of the oldest byte
	size int    // how many bytes are held
}

// write appends as much of p as there is room for and returns how much.
func (b *buffer) write(p []byte) int {
	n := min(len(p), bufferMax-b.size)
	if n == 0 {
		return 0
	}
	if b.size+n > len(b.ring) {
		b.grow(b.size + n)
	}
	tail := (b.head + b.size) & (len(b.ring) - 1)
	k := copy(b.ring[tail:], p[:n])
	copy(b.ring, p[k:n])
	b.size += n
	return n
}

// read moves the oldest bytes into p and returns how many.
func (b *buffer) read(p []byte) int {
	n := min(len(p), b.size)
	if n == 0 {
		return 0
	}
	k := copy(p[:n], b.ring[b.head:])
	copy(p[k:n], b.ring)
	b.size -= n
	if b.size == 0 {
		b.head = 0 // keeps small messages in one piece and in the same cache lines
	} else {
		b.head = (b.head + n) & (len(b.ring) - 1)
	}
	return n
}

// grow makes the ring large enough for need bytes, which is at most bufferMax.
func (b *buffer) grow(need int) {
	length := max(bufferStart, len(b.ring))
	for length < need {
		length *= 2
	}
	ring := make([]byte, length)
	k := copy(ring[:b.size], b.ring[b.head:])
	copy(ring[k:b.size], b.ring)
	b.ring, b.head = ring, 0
}

// discard drops what is held, and the memory.
func (b *buffer) discard() { *b = buffer{} }
