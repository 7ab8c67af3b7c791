package memnet

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBufferAgainstAQueue compares the ring with the plainest queue there is.
func TestBufferAgainstAQueue(t *testing.T) {
	t.Parallel()
	var b buffer
	var queue []byte
	random := rand.New(rand.NewPCG(1, 2))
	next := byte(0)
	for range 20_000 {
		p := make([]byte, random.IntN(1<<random.IntN(18)))
		if random.IntN(2) == 0 {
			for i := range p {
				p[i] = next + byte(i)
			}
			n := b.write(p)
			require.Equal(t, min(len(p), bufferMax-len(queue)), n)
			queue = append(queue, p[:n]...)
			next += byte(n)
		} else {
			n := b.read(p)
			require.Equal(t, min(len(p), len(queue)), n)
			require.True(t, bytes.Equal(queue[:n], p[:n]))
			queue = queue[n:]
		}
		require.Equal(t, len(queue), b.size)
	}
	require.Len(t, b.ring, bufferMax)
}

func TestBufferStartsSmallAndKeepsItsMemory(t *testing.T) {
	t.Parallel()
	var b buffer
	require.Nil(t, b.ring)
	b.write(make([]byte, 1))
	require.Len(t, b.ring, bufferStart)
	b.write(make([]byte, bufferStart))
	require.Len(t, b.ring, 2*bufferStart)
	p := make([]byte, bufferMax)
	b.write(p)
	require.Equal(t, bufferMax, b.read(p))
	require.Len(t, b.ring, bufferMax)
	b.discard()
	require.Nil(t, b.ring)
}

func TestBufferGrowsWhileWrapped(t *testing.T) {
	t.Parallel()
	var b buffer
	var want []byte
	text := make([]byte, bufferMax)
	for i := range text {
		text[i] = byte(i % 251)
	}
	write := func(n int) {
		require.Equal(t, n, b.write(text[:n]))
		want = append(want, text[:n]...)
	}
	read := func(n int) {
		p := make([]byte, n)
		require.Equal(t, n, b.read(p))
		require.True(t, bytes.Equal(want[:n], p))
		want = want[n:]
	}
	write(bufferStart)
	read(1000)
	write(500) // starts the ring again
	write(bufferStart)
	read(len(want))
}
