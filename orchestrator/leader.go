package orchestrator

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A Leader is an engine elsewhere that carries an orchestration out, for
// Run.Follow. Its methods are safe for concurrent use.
type Leader interface {
	// Report is its run as it stands now.
	Report(ctx context.Context) (Report, error)
	// Stop ends its run. It returns nil where that is over already.
	Stop(ctx context.Context) error
}

const (
	// followPeriod is how often a leader is asked.
	followPeriod = 50 * time.Millisecond
	// followPatience is how long a leader may fail to answer.
	followPatience = 10 * time.Second
	// followCall is how long one call may take.
	followCall = 5 * time.Second
)

// A view is what is known of a leader's run. It is safe for concurrent use.
type view struct {
	leader Leader
	lost   time.Duration // how long it may fail to answer

	mu      sync.Mutex
	report  Report
	at      time.Time // when the report came
	err     error     // the leader is lost
	changed chan struct{}
}

func newView(leader Leader) *view {
	return &view{leader: leader, lost: followPatience, changed: make(chan struct{})}
}

// latest is the last report, when it came, and a channel that the next one
// closes.
func (v *view) latest() (report Report, at time.Time, changed <-chan struct{}, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.report, v.at, v.changed, v.err
}

// ask asks the leader once.
func (v *view) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, followCall)
	defer cancel()
	report, err := v.leader.Report(ctx)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.over() {
		return nil
	}
	if report.Elapsed >= v.report.Elapsed || report.State.Ended() { // answers may overtake each other
		v.report, v.at = report, time.Now()
		v.tell()
	}
	return nil
}

// over reports whether the leader's run has ended. v.mu is held.
func (v *view) over() bool { return !v.at.IsZero() && v.report.State.Ended() }

// tell wakes who waits for a change. v.mu is held.
func (v *view) tell() {
	close(v.changed)
	v.changed = make(chan struct{})
}

// watch asks until the run is over, the leader is lost, or ctx ends.
func (v *view) watch(ctx context.Context) {
	answered := time.Now()
	for {
		err := v.ask(ctx)
		if err == nil {
			answered = time.Now()
		}
		v.mu.Lock()
		if err != nil && time.Since(answered) > v.lost {
			v.err = fmt.Errorf("lost sight of the run: %w", err)
			v.tell()
		}
		over := v.over() || v.err != nil
		v.mu.Unlock()
		if over {
			return
		}
		select {
		case <-time.After(followPeriod):
		case <-ctx.Done():
			return
		}
	}
}

// until waits for a report that f likes. It is false where ctx ended or the
// leader was lost before.
func (v *view) until(ctx context.Context, f func(Report) bool) (Report, bool) {
	for {
		report, at, changed, err := v.latest()
		if !at.IsZero() && f(report) {
			return report, true
		}
		if err != nil {
			return report, false
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return report, false
		}
	}
}

// find is the report of one step of one iteration, or nil.
func (r Report) find(name string, iteration int) *StepReport {
	for i := range r.Steps {
		if s := &r.Steps[i]; s.Name == name && s.Iteration == iteration {
			return s
		}
	}
	return nil
}

// ofSeconds is a duration of a report.
func ofSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
