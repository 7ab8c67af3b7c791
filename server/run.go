package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// An activeRun is a run of an orchestration, in progress or over.
type activeRun struct {
	id, name string
	document []byte // as JSON
	run      *orchestrator.Run
	over     bool          // it has ended, and the standing config is back; control.mu guards it
	done     chan struct{} // closed when it has become history
	keeper   *keeper
	trace    RunTracer
}

func (r *activeRun) report() orchestrator.Report {
	report := r.run.Report()
	report.ID = r.id
	return report
}

// A driver gives a run the client for its load and the URL of a target.
type driver interface {
	transport() http.RoundTripper
	url(target string) string
}

// runLogs makes the event log of a run.
type runLogs interface {
	open() (log *orchestrator.EventLog, end func() error, err error)
	close() error
}

// errDisabled refuses a run while the master switch is off.
var errDisabled = errors.New("chaos is disabled: start with --chaos or POST /api/chaos/enable")

// errClosed refuses a run while the server ends.
var errClosed = errors.New("the server is shutting down")

// A runningError refuses a second run.
type runningError struct{ name string }

func (e *runningError) Error() string {
	return fmt.Sprintf("orchestration %q is already running: wait for its end, or stop it with POST /api/chaos/orchestration/stop", e.name)
}

// stopPatience is how long stopping waits for the run's last words. Its faults
// are gone at once.
const stopPatience = 5 * time.Second

// startRun starts an orchestration that was checked already. It returns once
// the run is the current one. seed nil: the document's, else one by chance.
func (c *control) startRun(o *orchestrator.Orchestration, seed *uint64) (*activeRun, error) {
	var document bytes.Buffer
	if err := orchestrator.Encode(&document, o, orchestrator.JSON); err != nil {
		return nil, err
	}
	c.settle()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, errClosed
	case !c.enabled:
		return nil, errDisabled
	case c.current != nil:
		return nil, &runningError{c.current.name}
	}
	if seed == nil && o.Seed == nil {
		seed = new(chance())
	}
	a := &activeRun{name: o.Name, document: document.Bytes(), done: make(chan struct{})}
	log, closeLog, err := c.eventLog.open()
	if err != nil {
		return nil, fmt.Errorf("event log: %w", err)
	}
	client := &http.Client{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return a.run.Recording(c.drive.transport(), nil).RoundTrip(r)
		}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	a.run, err = orchestrator.NewRun(o, orchestrator.RunOptions{
		Seed: seed, Injector: c.injector, Prompt: true, Log: log, Client: client, URL: c.drive.url,
		Hooks: orchestrator.Hooks{
			Step:  func(s *orchestrator.ActiveStep, do func() orchestrator.StepResult) { c.step(a, s, do) },
			Ended: func(res orchestrator.StepResult) { c.stepEnded(a, res) },
		},
	})
	if err != nil {
		_ = closeLog() // nothing was written
		return nil, err
	}
	if len(o.Targets) == 0 {
		for _, name := range c.known() {
			a.run.AddTarget(name)
		}
	}
	a.id = c.newID()
	if err := c.store.setRunning(&running{Report: a.report(), Document: a.document}); err != nil {
		_ = closeLog()
		return nil, err
	}
	c.current = a
	c.apply() // the run suspends the standing config
	observer := a.run.Observer()
	c.observers.run.Store(&observer)
	c.injector.ObserveAll(true)
	c.log.Info("orchestration started", "name", o.Name, "id", a.id, "seed", orchestrator.FormatSeed(a.run.Seed()))
	c.metrics.runStarted(o.Name)
	a.keeper = &keeper{
		write:  func() error { return c.store.setRunning(&running{Report: a.report(), Document: a.document}) },
		failed: func(err error) { c.log.Error("the state of the run cannot be kept", "error", err) },
		report: func(ended []orchestrator.StepReport) {
			for _, s := range ended {
				c.events.publish("step", s)
			}
		},
	}
	a.keeper.start()
	a.trace = noTracer{}
	if c.tracer != nil {
		a.trace = c.tracer.Run(a.report())
	}
	go func() {
		a.run.Run(context.Background()) // ended by stopRun; its result is in the report
		c.runEnded(a, closeLog)
	}()
	c.events.publish("status", c.statusLocked())
	return a, nil
}

// settle waits for a run that is over to become history, so that whoever saw
// its end may start the next one.
func (c *control) settle() {
	c.mu.Lock()
	a := c.current
	c.mu.Unlock()
	if a != nil && a.run.Status().State.Ended() {
		<-a.done // only bookkeeping is left
	}
}

// newID names a run by when it started. Ids rise, also over restarts. c.mu is
// held.
func (c *control) newID() string {
	const form = "20060102-150405.000"
	now := time.Now().UTC()
	if last, err := time.Parse(form, c.lastID); err == nil && !now.Truncate(time.Millisecond).After(last) {
		now = last.Add(time.Millisecond)
	}
	c.lastID = now.Format(form)
	return c.lastID
}

// step follows a step from before its faults begin until its verdict.
func (c *control) step(a *activeRun, s *orchestrator.ActiveStep, do func() orchestrator.StepResult) {
	kind := scenarioType(s.Spec.Scenario)
	c.log.Info("step started", "id", a.id, "step", s.Spec.Name, "iteration", s.Iteration)
	c.metrics.scenario(kind, "started")
	end := a.trace.Step(s.Spec.Name, s.Iteration)
	res := do()
	c.metrics.scenario(kind, string(res.State))
	end(res.Report())
}

// stepEnded keeps what is known, for the case that the server dies.
func (c *control) stepEnded(a *activeRun, res orchestrator.StepResult) {
	c.log.Info("step ended", "id", a.id, "step", res.Name, "iteration", res.Iteration, "state", res.State, "reason", res.Reason)
	c.metrics.stepEnded(a.name, res.Report())
	a.keeper.stepEnded(res.Report())
}

// putBack puts the standing config in force again, once the run in progress is
// over. c.mu is held.
func (c *control) putBack() {
	if !c.current.over {
		c.current.over = true
		c.apply()
	}
}

// runEnded puts everything back as it was before the run.
func (c *control) runEnded(a *activeRun, closeLog func() error) {
	if err := closeLog(); err != nil {
		c.log.Error("the event log is not complete", "error", err)
	}
	a.keeper.stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.observers.run.Store(nil)
	c.injector.ObserveAll(false)
	report := a.report()
	c.putBack()
	c.current, c.last = nil, &report
	if err := errors.Join(c.store.addHistory(report), c.store.setRunning(nil)); err != nil {
		c.log.Error("the result of the run cannot be kept", "error", err)
	}
	c.log.Info("orchestration ended", "name", report.Name, "id", a.id, "state", report.State, "reason", report.Reason)
	c.metrics.runEnded(report)
	a.trace.End(report)
	c.events.publish("run", report)
	c.events.publish("status", c.statusLocked())
	close(a.done)
}

// stopRun stops the run in progress, if any, and reports whether there was one.
// Its faults are gone when stopRun returns.
func (c *control) stopRun(reason string) bool {
	c.mu.Lock()
	a := c.current
	c.mu.Unlock()
	if a == nil {
		return false
	}
	a.run.Stop(reason)
	patience := time.NewTimer(stopPatience)
	defer patience.Stop()
	select {
	case <-a.done:
	case <-patience.C:
		c.log.Warn("the run was stopped, and something that it drove does not end", "id", a.id)
	}
	return true
}

// recover turns a run that the last server did not end into history.
func (c *control) recover() error {
	last, err := c.store.latest()
	if err != nil {
		return err
	}
	if last != nil {
		c.last, c.lastID = last, last.ID
	}
	r, err := c.store.running()
	if err != nil || r == nil {
		return err
	}
	c.lastID = r.Report.ID
	report := interrupted(*r)
	c.last = &report
	c.log.Warn("a run was interrupted when the server died", "name", report.Name, "id", report.ID)
	return errors.Join(c.store.addHistory(report), c.store.setRunning(nil))
}

// interrupted is the report of a run in the middle of which the server died:
// what was in force then, and what was still to come in its iteration, is
// skipped.
func interrupted(r running) orchestrator.Report {
	report := r.Report
	report.State, report.Reason = orchestrator.RunStopped, orchestrator.ErrStopped.Error()+": interrupted"
	report.Current, report.Remaining = nil, 0
	report.Ended = report.Started.Add(time.Duration(report.Elapsed * float64(time.Second)))
	seen := map[string]bool{}
	for i := range report.Steps {
		s := &report.Steps[i]
		if s.Iteration == report.Iteration {
			seen[s.Name] = true
		}
		if s.State == orchestrator.StepRunning {
			s.State, s.Reason, s.End = orchestrator.StepSkipped, report.Reason, report.Elapsed
		}
	}
	o, _, err := orchestrator.Parse(r.Document, orchestrator.JSON)
	if err != nil {
		return report // it says less
	}
	for _, step := range o.Steps {
		if !seen[step.Name] {
			report.Steps = append(report.Steps, orchestrator.StepReport{
				Name: step.Name, Iteration: report.Iteration, State: orchestrator.StepSkipped, Reason: report.Reason,
				Start: report.Elapsed, End: report.Elapsed,
			})
		}
	}
	return report
}

// close stops the run and accepts no other.
func (c *control) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.stopRun("interrupted")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.standing.replace(injector.Config{})
	c.apply()
	c.injector.Release()
}

// chance is a seed that fits on a line.
func chance() uint64 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails
	return uint64(binary.BigEndian.Uint32(b[:]))
}
