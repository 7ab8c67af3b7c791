package orchestrator

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Late verdicts are those of steps that are over and whose operations are not.
// Where the timetable does not wait for them (RunOptions.Prompt), the next step
// starts on time and is ended by an untolerated failure that becomes known
// then.
type lateVerdicts struct {
	run   *Run
	group context.Context // ends with the first untolerated failure
	stop  context.CancelCauseFunc
	open  sync.WaitGroup

	mu      sync.Mutex
	failed  int           // iteration of the last failure, tolerated or not
	pending int           // verdicts that are not known
	news    chan struct{} // closed, and made anew, when one becomes known
}

func newLateVerdicts(r *Run) *lateVerdicts {
	l := &lateVerdicts{run: r, news: make(chan struct{})}
	l.group, l.stop = context.WithCancelCause(r.ctx)
	return l
}

// step runs a step and returns at its end, before its verdict. It reports the
// nominal end.
func (l *lateVerdicts) step(index, iteration int, nominal time.Time) (end time.Time) {
	r := l.run
	step := r.o.Steps[index]
	ctx := r.ctx
	if step.When == OnSuccess || step.When == "" {
		ctx = l.group
	}
	ended := make(chan time.Time, 1)
	l.mu.Lock()
	l.pending++
	l.mu.Unlock()
	l.open.Go(func() {
		res, _ := r.step(ctx, index, iteration, nominal, func(end time.Time) { ended <- end })
		failed := r.note(res)
		if failed && !res.Tolerated {
			l.stop(fmt.Errorf("%w by %s", ErrStopped, step.Name))
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.pending--
		if failed {
			l.failed = max(l.failed, iteration)
		}
		close(l.news)
		l.news = make(chan struct{})
	})
	return <-ended
}

// failedIn reports whether a step of the iteration failed, as far as that is
// known. A step that runs only after a failure waits until one is known, or all
// verdicts are.
func (l *lateVerdicts) failedIn(iteration int, wait bool) bool {
	for {
		l.mu.Lock()
		failed, pending, news := l.failed == iteration, l.pending, l.news
		l.mu.Unlock()
		if failed || !wait || pending == 0 {
			return failed
		}
		<-news // no later than the grace of the steps that are over
	}
}
