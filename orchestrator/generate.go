package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// most operations of one load that may be in progress. More are not started:
// what is under test no longer answers, and memory is bounded.
const maxInProgress = 10_000

// Load calls f perSecond times a second, each call an operation of the step,
// whether or not earlier calls have returned (an open loop). It starts no call
// at or after the step's end, and returns when the step is over and every call
// has returned. A call fails when it returns an error, panics or exits its
// goroutine.
func (s *ActiveStep) Load(perSecond float64, f func(ctx context.Context) error) error {
	if s.duration <= 0 {
		return fmt.Errorf("a load needs a step with a length: set duration_seconds of step %s", s.Spec.Name)
	}
	return s.run.generate(s.ctx, perSecond, "load "+s.Spec.Name, s.beginWithin, f)
}

// Do calls f as one operation of the step and returns its error.
func (s *ActiveStep) Do(f func(ctx context.Context) error) error {
	return s.run.call(s.Begin(), f)
}

// generate is the open loop behind every load. begin returns nil where it is too
// late for another operation.
func (r *Run) generate(ctx context.Context, perSecond float64, name string, begin func() *Operation, f func(context.Context) error) error {
	if !(perSecond > 0) || perSecond > 1e6 {
		return fmt.Errorf("a load of %v operations a second is out of range: more than 0, at most 1,000,000", perSecond)
	}
	start := time.Now()
	var workers crew
	defer workers.wait()
	free := make(chan struct{}, maxInProgress)
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	rhythm := r.rhythm(name)
	defer rhythm.end()
	for i := 0; ; i++ {
		nominal := start.Add(nth(i, perSecond))
		if !waitUntil(ctx, timer, rhythm.wake(nominal)) {
			return nil
		}
		at, release := rhythm.next()
		select {
		case free <- struct{}{}:
		default:
			release()
			if op := begin(); op != nil {
				op.End(fmt.Errorf("not started: %d operations are still in progress", maxInProgress))
			}
			continue
		}
		workers.start(func() {
			defer func() {
				release()
				<-free
			}()
			time.Sleep(time.Until(at)) // microseconds, in virtual time only
			if ctx.Err() != nil {
				return
			}
			if op := begin(); op != nil {
				_ = r.call(op, f)
			}
		})
	}
}

// nth is when call i of a load is due, from its start. It is rounded: a load of
// 0.7/s must not have a call one nanosecond before the end of a step of 30 s.
func nth(i int, perSecond float64) time.Duration {
	const most = 1 << 62 // 146 years
	return time.Duration(min(math.Round(float64(i)/perSecond*float64(time.Second)), most))
}

// call runs f as the operation op.
//
// Its context ends with the run, not with the step: an operation counts for
// the step in which it started, and what is under test decides how long it
// waits.
func (r *Run) call(op *Operation, f func(context.Context) error) (err error) {
	returned := false
	defer func() {
		if returned {
			op.End(err)
			return
		}
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v%s", p, panicSite())
			op.End(err)
			return
		}
		op.End(errExited)
	}()
	err = f(op.Context(r.ctx))
	returned = true
	return err
}

// errExited is the error of an operation whose function ended its goroutine,
// as FailNow does.
var errExited = errors.New("the operation ended its goroutine (FailNow, SkipNow or runtime.Goexit)")

// panicSite names the line that panicked. It is called by the deferred
// function that recovered.
func panicSite() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for panicking := false; ; {
		f, more := frames.Next()
		if panicking && !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf(" (%s:%d)", filepath.Base(f.File), f.Line)
		}
		panicking = panicking || f.Function == "runtime.gopanic"
		if !more {
			return ""
		}
	}
}

// waitUntil reports whether t, an instant of package time, was reached before
// ctx ended: load goes on at its pace whatever the timetable does.
func waitUntil(ctx context.Context, timer *time.Timer, t time.Time) bool {
	if time.Until(t) <= 0 {
		return ctx.Err() == nil
	}
	timer.Reset(time.Until(t))
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
