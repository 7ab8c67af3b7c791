package assert

import (
	"slices"
	"time"
)

const (
	timelineBins    = 240
	shortestBin     = time.Millisecond // where the length is not known beforehand
	timelineColumns = 24
)

// A timelineBin counts what started (operations) or ended (requests) in it.
type timelineBin struct {
	operations, failed     int
	requests, serverErrors int
	latency, worst         time.Duration // the sum and the largest
}

// A timeline is a series of bins of equal width. When an instant lies beyond
// the last one, neighbours are merged and the width doubles.
type timeline struct {
	width time.Duration
	bins  []timelineBin
}

func newTimeline(planned time.Duration) timeline {
	if planned <= 0 {
		return timeline{width: shortestBin}
	}
	return timeline{width: max((planned+timelineBins-1)/timelineBins, 1)}
}

// at returns the bin of an instant; the pointer is good until the next call.
func (l *timeline) at(d time.Duration) *timelineBin {
	i := max(d, 0) / l.width
	for i >= timelineBins {
		l.halve()
		i = max(d, 0) / l.width
	}
	for int(i) >= len(l.bins) {
		l.bins = append(l.bins, timelineBin{})
	}
	return &l.bins[i]
}

func (l *timeline) halve() {
	for i, b := range l.bins {
		if i%2 == 0 {
			l.bins[i/2] = b
		} else {
			l.bins[i/2].add(b)
		}
	}
	l.bins = l.bins[:(len(l.bins)+1)/2]
	l.width *= 2
}

func (b *timelineBin) add(o timelineBin) {
	b.operations += o.operations
	b.failed += o.failed
	b.requests += o.requests
	b.serverErrors += o.serverErrors
	b.latency += o.latency
	b.worst = max(b.worst, o.worst)
}

func (l timeline) clone() timeline {
	l.bins = slices.Clone(l.bins)
	return l
}

// columns folds the bins into a fixed number of equal columns over length.
// What lies beyond belongs to the last one.
func (l timeline) columns(length time.Duration) []timelineBin {
	columns := make([]timelineBin, timelineColumns)
	width := float64(max(length, 1)) / timelineColumns
	for i, b := range l.bins {
		start := float64(i) * float64(l.width)
		columns[min(int(start/width+1e-9), timelineColumns-1)].add(b)
	}
	return columns
}
