package orchestrator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// These tests are internal because only a run adds events.

type event struct {
	at   time.Duration
	rank uint8
	text string
}

func (e event) add(l *EventLog) {
	l.add(e.at, e.rank, "test", func(b []byte) []byte { return appendText(b, "text", e.text) })
}

// The order in which events of one instant are added does not matter, nor that
// some become known late.
func TestLogIsInCanonicalOrder(t *testing.T) {
	t.Parallel()
	var all []event
	for i := range 30_000 {
		at := time.Duration(i/30) * 50 * time.Millisecond
		all = append(all, event{at, uint8(i % 7), fmt.Sprint(i * 7919 % 101)})
	}
	write := func(events []event) (string, *EventLog) {
		var buf bytes.Buffer
		l := NewEventLog(&buf)
		for _, e := range events {
			e.add(l)
		}
		require.NoError(t, l.Close())
		return buf.String(), l
	}
	want, log := write(all)
	require.Equal(t, len(all), log.Events())

	within := slices.Clone(all)
	for i := 0; i < len(within); i += 30 {
		slices.Reverse(within[i : i+30])
	}
	got, reversed := write(within)
	require.Equal(t, want, got)
	require.Equal(t, log.Digest(), reversed.Digest())

	// Every tenth event becomes known five seconds after it happened.
	late := slices.Clone(all)
	slices.SortStableFunc(late, func(a, b event) int { return cmpInt(int64(a.known()), int64(b.known())) })
	require.NotEqual(t, all, late)
	got, _ = write(late)
	require.Equal(t, want, got)

	got, _ = write(all[1:])
	require.NotEqual(t, want, got)
}

func (e event) known() time.Duration {
	if len(e.text) == 2 && e.text[1] == '3' {
		return e.at + 5*time.Second
	}
	return e.at
}

// What is held back is bounded by what can still change, and a burst of events
// at one instant is not sorted again and again.
func TestLogIsFlushed(t *testing.T) {
	t.Parallel()
	l := NewEventLog(io.Discard)
	most := 0
	for i := range 400_000 {
		event{at: time.Duration(i) * time.Millisecond, text: "x"}.add(l)
		most = max(most, len(l.pending))
	}
	require.LessOrEqual(t, most, 2*int(logLag/time.Millisecond)+logBatch)
	require.Greater(t, l.Events(), 380_000)

	burst := NewEventLog(io.Discard)
	flushes, limit := 0, 0
	for range 400_000 {
		event{at: time.Second, text: "x"}.add(burst)
		if burst.batch != limit {
			limit = burst.batch
			flushes++
		}
	}
	require.LessOrEqual(t, flushes, 8)
	require.NoError(t, burst.Close())
	require.Equal(t, 400_000, burst.Events())
}

func TestLogAfterItsEnd(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	l := NewEventLog(&buf)
	l.header("x", 1, time.Unix(0, 0), nil)
	event{at: 1, text: "x"}.add(l)
	require.NoError(t, l.Close())
	text, digest := buf.String(), l.Digest()
	event{at: 2, text: "late"}.add(l)
	require.NoError(t, l.Close())
	require.Equal(t, text, buf.String())
	require.Equal(t, digest, l.Digest())
	require.Equal(t, 1, l.Events())
}

// An event of any length is written whole.
func TestLogOfLongEvents(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	l := NewEventLog(&buf)
	var want []string
	for n := 1; n < 1<<18; n *= 3 {
		text := string(bytes.Repeat([]byte{'a' + byte(n%26)}, n))
		event{at: time.Duration(n), text: text}.add(l)
		want = append(want, text)
	}
	require.NoError(t, l.Close())
	var got []string
	for d := json.NewDecoder(&buf); d.More(); {
		var e struct{ Text string }
		require.NoError(t, d.Decode(&e))
		got = append(got, e.Text)
	}
	require.Equal(t, want, got)
}

// One request with one decision is two events.
func BenchmarkEventLogAdd(b *testing.B) {
	l := NewEventLog(io.Discard)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.add(time.Duration(i)*100*time.Microsecond, logRequest, "request", func(b []byte) []byte {
			b = appendInt(b, "n", int64(i))
			b = appendText(b, "target", "default")
			b = appendText(b, "method", "GET")
			return appendText(b, "path", "/orders/7")
		})
	}
}
