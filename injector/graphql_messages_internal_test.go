package injector

import (
	"context"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// graphqlLane is a lane from a server whose messages are looked at, which
// nobody takes from.
func graphqlLane() (*socketLane, *graphqlMessages) {
	e := New().engine
	s := &socket{engine: e, target: e.target("default"), ctx: context.Background(), plans: map[*closeRule]int{}}
	s.in, s.out = newSocketLane(s, false, nil), newSocketLane(s, true, nil)
	s.out.busy = true
	subs := map[string]operation{}
	s.out.frames.to = &graphqlMessages{lane: s.out, subs: subs}
	m := &graphqlMessages{lane: s.in, subs: subs}
	s.in.frames.to = m
	return s.in, m
}

// FuzzGraphQLMessages: whatever both sides say, reading ends, and what the
// server says passes, but for nulls and errors in a result of an operation that
// was asked for.
func FuzzGraphQLMessages(f *testing.F) {
	f.Add(`{"id":"1","type":"subscribe","payload":{"query":"subscription { a }"}}`, `{"id":"1","type":"next","payload":{"data":{"a":1.50}}}`)
	f.Add(`{"id":7,"type":"start","payload":{"query":"{ a }","extensions":[]}}`, ` {"payload":{"errors":null,"data":{"a":[{"b":"\"}"}]}},"type":"data","id":7}`)
	f.Add(`{"id":"1","type":"stop"}`, `{"id":"1","type":"complete"}`)
	f.Fuzz(func(t *testing.T, sent, received string) {
		l, _ := graphqlLane()
		l.s.engine.apply(Layer{Name: "step", Config: Config{GraphQL: &GraphQL{PartialDataProbability: new(1.0)}}}, time.Unix(0, 0))
		for _, one := range []struct {
			lane *socketLane
			text string
		}{{l.s.out, sent}, {l, received}} {
			one.lane.frames.feed(append(frameHead{fin: true, op: opText, length: int64(len(one.text))}.append(nil), one.text...))
		}
		got := l.rear().b
		var head headReader
		n, complete := head.take(got)
		require.True(t, complete)
		if text := got[n:]; string(text) != received {
			var asked, was, is graphqlMessage
			require.NoError(t, json.Unmarshal([]byte(sent), &asked))
			require.NoError(t, json.Unmarshal([]byte(received), &was))
			require.NoError(t, json.Unmarshal(text, &is))
			require.Equal(t, []string{string(was.ID), was.Type}, []string{string(is.ID), is.Type})
			require.Contains(t, []string{"subscribe", "start"}, asked.Type)
			require.Equal(t, string(asked.ID), string(was.ID))
		}
	})
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
