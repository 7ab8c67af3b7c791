package injector

import "sync/atomic"

// A counter hands out the ordinals of a rule. It has a cache line of its own:
// every request of every core writes it, and what stands beside it is only read.
type counter struct {
	_ [64]byte
	n atomic.Uint64
	_ [56]byte
}

// next returns the ordinal of the next request, from 0.
func (c *counter) next() uint64 { return c.n.Add(1) - 1 }

// take hands out n ordinals in a row, and returns the first.
func (c *counter) take(n int) uint64 { return c.n.Add(uint64(n)) - uint64(n) }
