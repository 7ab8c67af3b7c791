package injector

import "time"

// grain is the part of a window within which outcomes are counted together. It
// bounds a window's memory whatever the rate.
const grain = 4096

// A window counts the outcomes of the last stretch of time, evaluated at the
// moment of the question. The zero window with a length is empty.
type window struct {
	length        time.Duration
	entries       []entry // oldest first, from start on
	start         int
	total, failed int
}

type entry struct {
	at            time.Time
	total, failed int
}

func (w *window) add(now time.Time, failed bool) {
	w.expire(now)
	if n := len(w.entries); n == w.start || now.Sub(w.entries[n-1].at) > w.length/grain {
		w.entries = append(w.entries, entry{at: now})
	}
	last := &w.entries[len(w.entries)-1]
	last.total++
	w.total++
	if failed {
		last.failed++
		w.failed++
	}
}

// count returns how many outcomes are younger than the window's length.
func (w *window) count(now time.Time) (total, failed int) {
	w.expire(now)
	return w.total, w.failed
}

func (w *window) clear() {
	w.entries, w.start, w.total, w.failed = w.entries[:0], 0, 0, 0
}

func (w *window) expire(now time.Time) {
	for w.start < len(w.entries) && now.Sub(w.entries[w.start].at) >= w.length {
		w.total -= w.entries[w.start].total
		w.failed -= w.entries[w.start].failed
		w.start++
	}
	// What expired is dropped once it is half of the slice, so that each entry
	// is moved once on average.
	if w.start > 16 && w.start*2 >= len(w.entries) {
		w.entries = w.entries[:copy(w.entries, w.entries[w.start:])]
		w.start = 0
	}
}
