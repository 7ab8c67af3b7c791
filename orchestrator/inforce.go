package orchestrator

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
)

// step runs one step and returns its result and its nominal end. left, which
// may be nil, is told the end before the verdict is known.
func (r *Run) step(ctx context.Context, index, iteration int, nominal time.Time, left func(end time.Time)) (res StepResult, end time.Time) {
	s := r.activate(index, iteration)
	s.left = left
	do := func() StepResult {
		res, end = r.force(ctx, s, nominal)
		return res
	}
	if r.opts.Hooks.Step != nil {
		r.opts.Hooks.Step(s, do)
	} else {
		do()
	}
	return res, end
}

// activate makes the step that is about to be in force.
func (r *Run) activate(index, iteration int) *ActiveStep {
	step := r.o.Steps[index]
	s := &ActiveStep{Spec: step, Index: index, Iteration: iteration, run: r, duration: r.o.StepDuration(index)}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.collector = assert.NewCollector(assert.CollectorOptions{
		Name: step.Name, Duration: s.duration, Virtual: r.opts.Virtual, Reference: r.reference,
	})
	return s
}

// entered makes a step current: its layer is in force.
func (r *Run) entered(s *ActiveStep) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current = append(r.current, s.Spec.Name)
}

// force puts the step in force, waits for its end, and judges it. It returns
// the result and the nominal end, which the next step's delay counts from.
func (r *Run) force(ctx context.Context, s *ActiveStep, nominal time.Time) (StepResult, time.Time) {
	config, quiet, err := r.o.ResolveScenario(s.Spec)
	s.start, s.due = r.aligned(), nominal.Add(s.duration)
	base, cancel := context.WithCancelCause(ctx)
	s.cancel = cancel
	s.ctx = base
	end := s.due
	if s.duration > 0 {
		var done context.CancelFunc
		s.ctx, done = context.WithDeadlineCause(base, r.schedule.plain(end).Add(-1), ErrStepEnded)
		defer done()
	}
	if err != nil {
		s.problem("its layer cannot be applied: " + err.Error())
	}
	if quiet {
		r.dropKept()
	}
	s.faulted = !quiet
	r.recorder.open(s)
	r.doubtIfSuspended(s)
	off := r.applyWithin(s.Spec.Scenario, injector.Layer{
		Name: s.Spec.Name, Iteration: s.Iteration, Config: config, Targets: s.Spec.Targets, Order: s.Index, Seed: &r.seed,
		Duration: s.duration,
	})
	r.entered(s)
	r.knowStates(s)
	if s.duration > 0 {
		r.schedule.mark(s.due)
	}
	r.schedule.unmark(nominal) // of a parallel step

	work := r.work(s)
	switch {
	case s.duration > 0:
		// A step whose time was up when the others were stopped is judged.
		if !r.schedule.sleepUntil(base, end) && end.After(r.schedule.now()) {
			end = r.aligned()
			s.cut = context.Cause(ctx)
		}
	default:
		select {
		case <-work:
		case <-base.Done():
			s.cut = context.Cause(ctx)
		}
		end = r.aligned()
	}
	s.ended()
	r.schedule.unmark(s.due)
	switch {
	case s.Spec.Keep && base.Err() == nil:
		r.keep(off)
	case r.handsOver(s):
		r.handOver(s, off)
	default:
		off()
	}
	cancel(ErrStepEnded)
	r.sample()
	if s.left != nil {
		s.left(end)
	}
	r.waitFor(s, work)
	return r.judge(s), end
}

// ended marks the step as over.
func (s *ActiveStep) ended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end = s.run.schedule.now()
}

// work starts the step's body and the document's load. The channel is closed
// when both are done.
func (r *Run) work(s *ActiveStep) <-chan struct{} {
	done := make(chan struct{})
	apart := r.apart(s.Index)
	traffic := s.Spec.Load
	if traffic == nil {
		traffic = r.o.Load
	}
	var parts sync.WaitGroup
	if traffic != nil && traffic.Rate > 0 && s.duration > 0 && s.led == nil {
		parts.Go(func() {
			time.Sleep(apart)
			if err := s.Load(traffic.Rate, r.request(traffic)); err != nil {
				s.problem(err.Error())
			}
		})
	}
	if r.opts.Hooks.Body != nil {
		parts.Go(func() {
			time.Sleep(apart)
			r.opts.Hooks.Body(s)
		})
	}
	go func() {
		parts.Wait()
		close(done)
	}()
	return done
}

// waitFor waits for the step's body and its operations, no longer than the
// grace.
func (r *Run) waitFor(s *ActiveStep, work <-chan struct{}) {
	grace, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), r.grace)
	defer cancel()
	left := s.await(grace)
	if s.cut == nil {
		s.cut = context.Cause(r.ctx) // its operations were
	}
	if left > 0 {
		s.problem(fmt.Sprintf("%d of its operations had not ended %s after the step's end", left, assert.FormatDuration(r.grace)))
		return
	}
	select {
	case <-work:
	case <-grace.Done():
		if r.opts.Hooks.Overrun == nil {
			s.problem(fmt.Sprintf("its body had not returned %s after the step's end", assert.FormatDuration(r.grace)))
			return
		}
		r.opts.Hooks.Overrun(s)
	}
}

// judge evaluates the document's expectations, unless the step was cut short,
// and ends the step.
func (r *Run) judge(s *ActiveStep) StepResult {
	results := s.Results()
	switch {
	case s.cut != nil:
		s.Skip(s.cut.Error())
	case !s.leftOut() && !s.doubtful():
		s.check(results, s.Spec.Expect, true)
	}
	return r.concluded(s, results)
}

// concluded ends a step that has its verdict.
func (r *Run) concluded(s *ActiveStep, results assert.Results) StepResult {
	r.recorder.close(s)
	res := s.result()
	res.Results = results
	r.logStep(res)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.past[s.Spec.Name] = results
	if !s.faulted && results.Operations() > 0 && res.State == StepPassed {
		r.reference = results.ErrorRate()
	}
	if i := slices.Index(r.current, s.Spec.Name); i >= 0 {
		r.current = slices.Delete(r.current, i, i+1)
	}
	return res
}
