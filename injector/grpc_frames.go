package injector

import "encoding/binary"

// framePrefix is the length of what stands before each message of gRPC: a flag
// and the message's length.
const framePrefix = 5

// frames follows one direction of a call and knows where its messages begin and
// end. It stores nothing but the prefix that it is in. The zero frames stands
// before the first message.
type frames struct {
	prefix [framePrefix]byte
	have   int    // bytes of the prefix
	left   uint32 // bytes of the message still to come
}

// inside reports whether a message has begun and not ended.
func (f *frames) inside() bool { return f.have > 0 }

// next takes the first piece of b that lies in one part of one message: in its
// prefix, or in its payload. ends says that the message ends with it. b must
// not be empty.
func (f *frames) next(b []byte) (n int, payload, ends bool) {
	if f.have < framePrefix {
		n = copy(f.prefix[f.have:], b)
		if f.have += n; f.have < framePrefix {
			return n, false, false
		}
		f.left = binary.BigEndian.Uint32(f.prefix[1:])
	} else {
		n = int(min(uint64(len(b)), uint64(f.left)))
		f.left -= uint32(n)
		payload = true
	}
	if f.left == 0 {
		f.have, ends = 0, true
	}
	return n, payload, ends
}

// payloads calls change with each piece of payload in b, and with where it
// stands among the payloads of all messages, from 0.
func (f *frames) payloads(b []byte, at *int64, change func(piece []byte, offset int64)) {
	for len(b) > 0 {
		n, payload, _ := f.next(b)
		if payload && n > 0 {
			change(b[:n], *at)
			*at += int64(n)
		}
		b = b[n:]
	}
}
