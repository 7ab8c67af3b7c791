package chaostest

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

func (h *harness) hooks() orchestrator.Hooks {
	body := h.runBody
	switch {
	case h.replay != nil:
		body = func(s *orchestrator.ActiveStep) {
			h.replay.play(s)
			h.runBody(s)
		}
	case h.body == nil:
		body = nil
	}
	return orchestrator.Hooks{
		Iteration: h.iteration, Step: h.step, Body: body, Overrun: h.overrun, Skipped: h.skipped, Moved: h.moved,
	}
}

// subtest runs f as a subtest of the outer test, from inside virtual time. f
// is called with nil where -run, -skip or -failfast left the subtest out, and
// where this Go version refuses subtests in virtual time.
func (h *harness) subtest(parent *testing.T, name string, f func(t *testing.T)) {
	if h.quiet || parent == nil || h.refused {
		f(nil)
		return
	}
	ran := false
	func() {
		defer func() {
			if ran {
				return
			}
			if p := recover(); p != nil {
				// The report then follows the run, see deferred.
				h.mu.Lock()
				h.refused = true
				h.mu.Unlock()
			}
		}()
		parent.Run(name, func(t *testing.T) {
			ran = true
			f(t)
		})
	}()
	if ran {
		h.mu.Lock()
		h.selected = true
		h.mu.Unlock()
		return
	}
	if !h.refused {
		h.mu.Lock()
		h.muted = true
		h.mu.Unlock()
	}
	f(nil)
}

func (h *harness) iteration(n int, do func()) {
	h.subtest(h.t, h.iterationName(n), func(t *testing.T) {
		h.mu.Lock()
		h.parents[n] = t
		h.mu.Unlock()
		do()
		h.mu.Lock()
		delete(h.parents, n)
		h.mu.Unlock()
	})
}

func (h *harness) iterationName(n int) string {
	width := len(fmt.Sprint(max(h.o.MaxIterations, h.set.iterations, 10)))
	return fmt.Sprintf("iteration-%0*d", width, n)
}

// name is a step's own, after that of its iteration in a loop.
func (h *harness) name(step orchestrator.Step, iteration int) string {
	if !h.o.Loop {
		return step.Name
	}
	return h.iterationName(iteration) + "/" + step.Name
}

func (h *harness) parent(iteration int) *testing.T {
	if !h.o.Loop {
		return h.t
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.parents[iteration]
}

// step runs one step as a subtest.
func (h *harness) step(s *orchestrator.ActiveStep, do func() orchestrator.StepResult) {
	h.subtest(h.parent(s.Iteration), s.Spec.Name, func(t *testing.T) {
		step := h.newStep(s, t)
		h.mu.Lock()
		h.steps[s] = step
		h.mu.Unlock()
		h.bubble.step.Store("step " + s.Spec.Name)
		h.bubble.alive.Add(1)
		res := do()
		h.bubble.alive.Add(1)
		h.report(step, res)
		h.mu.Lock()
		delete(h.steps, s)
		h.mu.Unlock()
		step.close(h, t, res)
	})
}

func (h *harness) newStep(s *orchestrator.ActiveStep, t *testing.T) *Step {
	sc := &scope{tb: h.t, known: h.known, sink: muted{}, name: h.t.Name() + "/" + h.name(s.Spec, s.Iteration), ctx: stepContext{s}}
	switch {
	case t != nil:
		sc.sink, sc.name = testSink{t}, t.Name()
	case h.refused && !h.quiet:
		sc.sink = &buffer{}
	}
	step := &Step{scope: sc, URL: h.env.URL, Spec: s.Spec, Iteration: s.Iteration, env: h.env, active: s}
	step.client = &http.Client{Transport: h.env.bodies.transport(h.env.run.Recording(h.env.transport, s))}
	sc.onErr = s.Fail
	sc.exit = func() {
		s.Finish(fmt.Errorf("%w: step %s was ended by its body", orchestrator.ErrStepEnded, s.Spec.Name))
	}
	return step
}

// report prints a step's verdict.
func (h *harness) report(step *Step, res orchestrator.StepResult) {
	for _, problem := range res.Problems {
		step.report(h.at, problem)
	}
	for _, c := range res.Checks {
		if c.Documented && c.Verdict.Status != assert.Pass {
			step.fault(h.document(fmt.Sprintf("steps[%d].expect", step.active.Index), c), c)
		}
	}
	if h.remote != nil && h.body != nil && h.o.StepDuration(step.active.Index) == 0 {
		step.raw("the step has no length on the server: its body does not run\n")
	}
	step.raw(summary(res) + "\n")
	if step.Failed() {
		h.mu.Lock()
		switch {
		case step.silent() && h.blamed == "" && !res.Tolerated:
			h.blamed = step.Name()
		case !step.silent() && h.failed == "":
			h.failed = step.Spec.Name
		}
		h.mu.Unlock()
		step.raw("replay: " + replayLine(h.seed, h.dir, step.Name()) + "\n")
	}
}

// document is where an expectation of a step stands in the document: its file
// and line, or, for an orchestration that was built in Go, the line of Run.
func (h *harness) document(list string, c orchestrator.Check) string {
	if h.path != "" {
		if line := orchestrator.LineOf(h.path, fmt.Sprintf("%s[%d]", list, c.Index)); line > 0 {
			return fmt.Sprintf("%s:%d", h.path, line)
		}
	}
	return h.at
}

func (s *Step) silent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.sink.(muted)
	return ok
}

// close runs the step's clean-ups and ends its subtest.
func (s *Step) close(h *harness, t *testing.T, res orchestrator.StepResult) {
	h.cleanUp("a clean-up of step "+s.Spec.Name, s.scope)
	s.mu.Lock()
	sink := s.sink
	s.mu.Unlock()
	if _, silent := sink.(muted); !silent {
		s.redirect(h.outerSink())
	}
	skipped := res.State == orchestrator.StepSkipped
	switch {
	case t != nil && skipped && !t.Failed():
		t.SkipNow()
	case t == nil:
		if b, ok := sink.(*buffer); ok {
			b.name, b.skipped = h.name(s.Spec, s.Iteration), skipped
			h.mu.Lock()
			h.later = append(h.later, deferred{b})
			h.mu.Unlock()
		}
	}
}

// runBody calls the test's body for a step, on a goroutine of its own.
func (h *harness) runBody(s *orchestrator.ActiveStep) {
	if h.body == nil {
		return
	}
	h.mu.Lock()
	step := h.steps[s]
	h.mu.Unlock()
	id, _ := self()
	step.goroutine.Store(id)
	returned := false
	defer func() {
		if returned {
			return
		}
		if p := recover(); p != nil {
			step.report(h.panicLine(), fmt.Sprintf("the body panicked: %v%s", p, panicStack()))
			step.exit()
			return
		}
		switch {
		case step.Skipped():
			s.Skip("skipped by its body")
		case step.Failed():
		case h.env.Failed():
			s.Fail("its body ended the run") // Env's own Fatal, which has its report
		default:
			step.report(h.at, "the body ended its goroutine without failing its step: it called FailNow or SkipNow of another T, or runtime.Goexit; use the step's own methods")
		}
		step.exit()
	}()
	h.body(step)
	returned = true
}

// panicLine is the user's line that panicked.
func (h *harness) panicLine() string {
	if at := h.known.panicked(); at != "" {
		return at
	}
	return h.at
}

// overrun reports a body that ignores the step's end.
func (h *harness) overrun(s *orchestrator.ActiveStep) {
	h.mu.Lock()
	step := h.steps[s]
	h.mu.Unlock()
	if step == nil {
		return
	}
	id, _ := step.goroutine.Load().(string)
	h.mu.Lock()
	h.left[id] = true
	h.mu.Unlock()
	at, where := h.at, ""
	time.Sleep(1) // a body that wakes at this very instant is asleep again afterwards
	for _, st := range allStacks() {
		if st.id != id {
			continue
		}
		if users := st.users(); len(users) > 0 {
			at = short(users[0].place)
		}
		where = "\n" + st.String()
	}
	step.report(at, fmt.Sprintf("the body of step %s has not returned 30s after the step's end; it is left behind%s\nhint     loop over step.Every or watch step.Context()",
		s.Spec.Name, where))
}
