package orchestrator

import (
	"fmt"
	"time"

	"github.com/mockforge-go/mockforge/assert"
)

// Stop conditions are judged over a sliding window, four times a second, once
// it holds enough samples.
const (
	defaultWindow   = 10 * time.Second
	conditionPeriod = 250 * time.Millisecond
	conditionSample = 20
)

// startJudge judges the stop conditions until the returned function is called.
func (r *Run) startJudge() (stop func()) {
	if len(r.o.StopConditions) == 0 {
		return func() {}
	}
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(conditionPeriod)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-done:
				return
			case <-r.ctx.Done():
				return
			}
			if reason := r.met(); reason != "" {
				r.fail(reason)
				r.Stop(reason)
				return
			}
		}
	}()
	return func() {
		close(done)
		<-stopped
	}
}

// met says which stop condition holds, if any does.
func (r *Run) met() (reason string) {
	r.settle("stop conditions", func() {
		now := r.recorder.offset(r.schedule.now())
		for i, e := range r.o.StopConditions {
			length, ok := assert.WindowOf(e)
			if !ok {
				length = defaultWindow
			}
			if r.rested(length) {
				continue // what it looks back on says nothing
			}
			results := r.recorder.windows[i].Snapshot(now)
			if results.Operations() < conditionSample && results.Requests() < conditionSample {
				continue
			}
			if v := e.Check(results); v.Status == assert.Pass {
				reason = fmt.Sprintf("stop condition %q met at +%s: %s = %s", e, assert.FormatDuration(now.Truncate(time.Millisecond)), v.Subject, v.Got)
				return
			}
		}
	})
	return reason
}
