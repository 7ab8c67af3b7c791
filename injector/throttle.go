package injector

import (
	"context"
	"sync/atomic"
	"time"
)

// throttle waits until n bytes are through a limit, and notes how long that
// held them. It reports false when ctx ended first: the client left.
func (p *passage) throttle(ctx context.Context, a *pace, limit *binding, through *pipe, n int) bool {
	start := time.Now()
	ok := a.sleep(ctx, through.reserve(start, n), limit.layer)
	p.held.of(through == limit.up).since(start)
	return ok
}

// A tally sums up time. A request's body may be read in another goroutine than
// its response is written in.
type tally struct{ nanoseconds atomic.Int64 }

// since adds the time from an instant on. A nil tally takes no notes.
func (t *tally) since(start time.Time) {
	if t != nil {
		t.nanoseconds.Add(int64(time.Since(start)))
	}
}

func (t *tally) total() time.Duration { return time.Duration(t.nanoseconds.Load()) }

// tallies are those of the two directions of a link.
type tallies struct{ up, down tally }

func (t *tallies) of(up bool) *tally {
	if up {
		return &t.up
	}
	return &t.down
}
