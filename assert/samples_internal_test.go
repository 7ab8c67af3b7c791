package assert

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// scrambled is a fixed sequence that looks random.
func scrambled(i int) uint64 {
	x := uint64(i+1) * 0x9e3779b97f4a7c15
	x ^= x >> 29
	return x * 0xbf58476d1ce4e5b9 >> 1
}

func TestQuantileIsNearestRank(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 10, 99, 100, 101, 1000, exactSamples} {
		var s samples
		var sorted []time.Duration
		for i := range n {
			d := time.Duration(scrambled(i) % 5000)
			s.add(d, 1)
			sorted = append(sorted, d)
		}
		slices.Sort(sorted)
		s.sort()
		for _, percent := range []int{1, 7, 29, 50, 57, 90, 95, 99, 100} {
			want := sorted[(percent*n+99)/100-1]
			require.Equal(t, want, s.quantile(float64(percent)/100).latency, "n=%d p%d", n, percent)
		}
	}
}

func TestHistogramErrorIsBounded(t *testing.T) {
	t.Parallel()
	const n = 3 * exactSamples
	var s samples
	sorted := make([]time.Duration, n)
	sum := time.Duration(0)
	for i := range n {
		// Eight decades, so that every width of bucket is met.
		d := time.Duration(math.Exp(float64(scrambled(i)%20000) / 1000))
		s.add(d, 1+i%3)
		sorted[i] = d
		sum += d
	}
	slices.Sort(sorted)
	s.sort()
	require.NotNil(t, s.histogram)
	for q := 1; q <= 1000; q++ {
		want := sorted[(q*n+999)/1000-1]
		require.InEpsilon(t, float64(want), float64(s.quantile(float64(q)/1000).latency), 0.004, "q=%d", q)
	}
	require.Equal(t, sorted[n-1], s.quantile(1).latency, "the maximum stays exact")
	require.Equal(t, sum/n, s.mean())
	require.Equal(t, int32(3), s.quantile(0.5).attempts)
}

func TestBucketsAreContiguous(t *testing.T) {
	t.Parallel()
	last := -1
	for v := time.Duration(0); v < 1<<14; v++ {
		b := bucketOf(v)
		require.True(t, b == last || b == last+1, "%d", v)
		require.Equal(t, b, bucketOf(middleOf(b)), "%d", v)
		last = b
	}
	top := bucketOf(math.MaxInt64)
	require.Equal(t, top, bucketOf(middleOf(top)))
}

func TestSamplesNeeded(t *testing.T) {
	t.Parallel()
	for q, want := range map[float64]int{0.5: 2, 0.9: 10, 0.95: 20, 0.99: 100, 0.999: 1000, 0.9999: 10000, 0.01: 2} {
		require.Equal(t, want, samplesNeeded(q), "%v", q)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	c := NewCollector(CollectorOptions{})
	for i := range 100_000 {
		at := time.Duration(i) * time.Second
		c.Operation(Operation{N: i, At: at, Latency: time.Duration(i)})
		c.Request(ServerRequest{At: at})
		c.State(ClientSide, "flapping", at, []string{"open", "closed"}[i%2])
		c.State(ClientSide, "counter", at, string(rune(i%5000)+0x4e00))
	}
	require.Empty(t, c.t.latencies.kept)
	require.Less(t, len(c.t.latencies.histogram), 8000)
	require.LessOrEqual(t, len(c.t.timeline.bins), timelineBins)
	l := c.t.states[stateKey{ClientSide, "flapping"}]
	require.Len(t, l.changes, keptChanges)
	require.Equal(t, 100_000-keptChanges, l.more)
	require.Equal(t, "closed", l.last)
	require.LessOrEqual(t, len(c.t.states[stateKey{ClientSide, "counter"}].seen), keptStates)
	require.Equal(t, 100_000, c.Snapshot(100_000*time.Second).Operations())

	w := NewWindow(time.Hour, CollectorOptions{})
	for i := range 100_000 {
		w.Operation(Operation{At: time.Duration(i)})
		w.Request(ServerRequest{At: time.Duration(i)})
		w.State(ClientSide, "flapping", time.Duration(i), []string{"open", "closed"}[i%2])
	}
	require.LessOrEqual(t, len(w.operations.items), windowEvents)
	require.LessOrEqual(t, len(w.requests.items), windowEvents)
	require.LessOrEqual(t, len(w.changes(ClientSide, "flapping").items), keptChanges)
	for i := range 10_000 {
		w.Snapshot(time.Duration(i) * time.Second / 10)
		if i > 100 {
			break
		}
	}
	require.LessOrEqual(t, len(w.marks), 66)
}

func TestTimelineKeepsCountsAcrossWidths(t *testing.T) {
	t.Parallel()
	l := newTimeline(24 * time.Second) // bins of 100 ms
	require.Equal(t, 100*time.Millisecond, l.width)
	for i := range 4000 { // four times as long as planned
		l.at(time.Duration(i)*25*time.Millisecond).operations++
	}
	require.LessOrEqual(t, len(l.bins), timelineBins)
	require.Equal(t, 800*time.Millisecond, l.width)
	for _, b := range l.bins {
		require.Equal(t, 32, b.operations)
	}
}
