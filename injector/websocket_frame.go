package injector

import (
	"encoding/binary"
	"errors"
)

// An opcode says what a frame of WebSocket is (RFC 6455, section 5.2).
type opcode byte

const (
	opContinuation opcode = 0
	opText         opcode = 1
	opBinary       opcode = 2
	opClose        opcode = 8
	opPing         opcode = 9
	opPong         opcode = 10
)

// The bits of a frame's first two bytes.
const (
	bitFin        = 0x80
	bitsRSV       = 0x70 // of extensions
	bitCompressed = 0x40 // of permessage-deflate, on a message's first frame
	bitMask       = 0x80
)

const (
	maxFrameHead = 14  // bytes of the longest head
	maxControl   = 125 // bytes of the longest payload of a control frame
)

var errFrame = errors.New("not a frame of WebSocket")

// A frameHead is what stands before a frame's payload.
type frameHead struct {
	fin    bool
	rsv    byte // the bits of extensions, where they stand
	op     opcode
	masked bool
	key    [4]byte
	length int64 // of the payload
}

func (h frameHead) control() bool { return h.op >= opClose }

// valid reports whether the head can be one of RFC 6455. Extensions may say
// what the RSV bits mean; none says so of the other opcodes.
func (h frameHead) valid() bool {
	switch h.op {
	case opContinuation, opText, opBinary:
		return h.length >= 0
	case opClose, opPing, opPong:
		return h.fin && h.length >= 0 && h.length <= maxControl
	}
	return false
}

// append writes the head in its shortest form.
func (h frameHead) append(b []byte) []byte {
	first, mask := h.rsv|byte(h.op), byte(0)
	if h.fin {
		first |= bitFin
	}
	if h.masked {
		mask = bitMask
	}
	switch {
	case h.length <= maxControl:
		b = append(b, first, mask|byte(h.length))
	case h.length <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, first, mask|126), uint16(h.length))
	default:
		b = binary.BigEndian.AppendUint64(append(b, first, mask|127), uint64(h.length))
	}
	if h.masked {
		b = append(b, h.key[:]...)
	}
	return b
}

// mask applies the frame's mask to b, which stands at that offset of the
// payload. Doing it twice changes nothing.
func (h frameHead) mask(b []byte, offset int64) {
	if !h.masked {
		return
	}
	for i := range b {
		b[i] ^= h.key[(offset+int64(i))&3]
	}
}

// A headReader collects the bytes of one frame's head, as they come. The zero
// headReader is at its start.
type headReader struct {
	b [maxFrameHead]byte
	n int
}

// raw are the bytes that were collected, as they came.
func (r *headReader) raw() []byte { return r.b[:r.n] }

// size is how long the head is, as far as its first two bytes tell.
func (r *headReader) size() int {
	if r.n < 2 {
		return 2
	}
	size := 2
	switch r.b[1] &^ bitMask {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if r.b[1]&bitMask != 0 {
		size += 4
	}
	return size
}

// take collects bytes until the head is complete. It returns how many it took,
// and whether it is.
func (r *headReader) take(b []byte) (taken int, complete bool) {
	for r.n < r.size() {
		if taken == len(b) {
			return taken, false
		}
		n := copy(r.b[r.n:r.size()], b[taken:])
		r.n += n
		taken += n
	}
	return taken, true
}

// head reads the complete head.
func (r *headReader) head() (frameHead, error) {
	h := frameHead{
		fin: r.b[0]&bitFin != 0, rsv: r.b[0] & bitsRSV, op: opcode(r.b[0] & 0x0f),
		masked: r.b[1]&bitMask != 0, length: int64(r.b[1] &^ bitMask),
	}
	switch h.length {
	case 126:
		h.length = int64(binary.BigEndian.Uint16(r.b[2:]))
	case 127:
		h.length = int64(binary.BigEndian.Uint64(r.b[2:])) // negative: refused as invalid
	}
	if h.masked {
		copy(h.key[:], r.raw()[r.n-4:])
	}
	if !h.valid() {
		return h, errFrame
	}
	return h, nil
}

// closeFrame is a close frame with a code and a reason. One that goes to a
// server has to be masked.
func closeFrame(code int, reason string, masked bool, key uint64) []byte {
	h := frameHead{fin: true, op: opClose, masked: masked, length: int64(2 + len(reason))}
	binary.BigEndian.PutUint32(h.key[:], uint32(key))
	b := h.append(nil)
	from := len(b)
	b = append(binary.BigEndian.AppendUint16(b, uint16(code)), reason...)
	h.mask(b[from:], 0)
	return b
}
