package injector

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// graphqlLane is a lane from a server whose messages are looked at, which
// nobody takes from.
func graphqlLane() (*socketLane, *graphqlMessages) {
	e := New().engine
	s := &socket{engine: e, target: e.target("default"), plans: map[*closeRule]int{}}
	l := newSocketLane(s, false, nil)
	s.in, s.out = l, newSocketLane(s, true, nil)
	m := &graphqlMessages{lane: l, subs: map[string]operation{}}
	l.frames.to = m
	return l, m
}

// A message is kept up to a bound, whatever its frames say of their length.
func TestGraphQLMessagesAreKeptWithinBounds(t *testing.T) {
	t.Parallel()
	for _, last := range []int64{maxQueued, math.MaxInt64 - 1, math.MaxInt64} {
		l, m := graphqlLane()
		l.frames.feed(append(frameHead{op: opText, length: 3}.append(nil), "abc"...))
		require.Zero(t, l.size, "it is kept")
		h := frameHead{op: opContinuation, fin: true, length: last}.append(nil)
		l.frames.feed(h)
		require.False(t, m.keeps, last)
		require.Equal(t, 2+3+len(h), l.size)
	}
}
