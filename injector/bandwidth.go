package injector

import (
	"sync"
	"time"
)

// maxChunk is the largest piece in which limited bytes move.
const maxChunk = 16 << 10

// A pipe is one direction of a link with limited bandwidth, shared by all
// connections of a layer and target. Bytes reserve their time on it one after
// the other; nothing is stored in it.
type pipe struct {
	rate int64 // bytes a second

	mu   sync.Mutex
	free time.Time // when the last reserved byte is through
}

// chunk is how many bytes to reserve at once: small enough that a pipe shared
// by several connections serves each of them many times a second.
func (p *pipe) chunk() int { return int(min(max(p.rate/20, 1), maxChunk)) }

// maxLate is how late a connection may come back without losing what it missed:
// timers are late by a millisecond, and by more where a machine is busy.
const maxLate = 20 * time.Millisecond

// reserve takes the time of n bytes and returns when they are through. A
// connection that comes back a little late, because timers are, does not lose
// what it missed.
func (p *pipe) reserve(now time.Time, n int) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if late := now.Sub(p.free); late > max(p.length(p.chunk()), maxLate) {
		p.free = now
	}
	p.free = p.free.Add(p.length(n))
	return p.free
}

// length is how long n bytes take.
func (p *pipe) length(n int) time.Duration {
	return time.Duration(float64(n) / float64(p.rate) * float64(time.Second))
}
