package orchestrator

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
)

// A recorder routes what happens to the collectors of the steps that it
// belongs to, to the whole run's, and to the event log. It is the injector's
// observer during a run.
type recorder struct {
	start    time.Time
	schedule *schedule
	log      *EventLog
	needs    needs // what requests are recorded with
	total    *assert.Collector
	on       atomic.Bool // from the run's start

	windows []*assert.Window // of stop conditions; set before the run starts

	mu      sync.RWMutex
	steps   map[injector.LayerRef]*ActiveStep // until their verdict
	foreign map[injector.LayerRef]bool        // layers whose connection limit counted what is no request
}

// offset counts from the run's start. t is an instant of the schedule.
func (r *recorder) offset(t time.Time) time.Duration { return t.Sub(r.start) }

func (r *recorder) open(s *ActiveStep) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps[s.ref()] = s
}

func (r *recorder) close(s *ActiveStep) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.steps, s.ref())
}

// each calls f with the steps that the layers belong to.
func (r *recorder) each(layers []injector.LayerRef, f func(*ActiveStep)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, ref := range layers {
		if s := r.steps[ref]; s != nil {
			f(s)
		}
	}
}

// inForce calls f with every step that is in force.
func (r *recorder) inForce(f func(*ActiveStep)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, s := range r.steps {
		if !s.over() {
			f(s)
		}
	}
}

// active lists the steps that are in force, in the order of the document.
func (r *recorder) active() (steps []*ActiveStep) {
	r.inForce(func(s *ActiveStep) { steps = append(steps, s) })
	slices.SortFunc(steps, func(a, b *ActiveStep) int { return a.Index - b.Index })
	return steps
}

// Request implements injector.Observer.
func (r *recorder) Request(q *injector.Request) {
	if !r.on.Load() {
		return
	}
	arrived := r.offset(r.schedule.at(q.At))
	at := arrived
	if r.log.recording {
		at = r.offset(r.schedule.at(q.Decided))
	} else if now := r.offset(r.schedule.now()); now-at > logLag/2 {
		at = now // it waited to be decided: its instant is written already
	}
	r.log.add(at, logRequest, "request", func(b []byte) []byte {
		b = appendRequest(b, q, at, arrived)
		if r.log.recording {
			b = r.appendNow(r.needs.appendRecorded(b, q), at, q.Decided)
			b = appendInt(b, "decisions", int64(len(q.Decisions)))
		}
		return b
	})
	r.each(q.Layers, func(s *ActiveStep) { s.entered.Add(1) })
	for i := range q.Decisions {
		d := &q.Decisions[i]
		r.log.add(at, logDecision, "decision", func(b []byte) []byte { return appendDecision(b, q.N, d, r.log.recording) })
		r.injection(d.Layer, assert.Injection{Kind: d.Kind, Status: d.Status, Delay: d.Delay, Masked: d.Masked})
	}
}

// injection counts what a layer injected, for its step and for the run.
func (r *recorder) injection(layer injector.LayerRef, in assert.Injection) {
	r.each([]injector.LayerRef{layer}, func(s *ActiveStep) { s.collector.Injection(in) })
	r.total.Injection(in)
	for _, w := range r.windows {
		w.Injection(in)
	}
}

// Done implements injector.Observer.
func (r *recorder) Done(o *injector.Outcome) {
	if !r.on.Load() {
		return
	}
	ended := r.schedule.at(o.At)
	at := r.offset(ended)
	if r.log.recording {
		r.log.add(at, logRequest, "outcome", func(b []byte) []byte { return r.appendNow(appendOutcome(b, o), at, o.At) })
	}
	for i := range o.Spared {
		d := &o.Spared[i]
		r.injection(d.Layer, assert.Injection{Kind: d.Kind, Status: d.Status, Spared: true})
	}
	r.each(o.Layers, func(s *ActiveStep) {
		s.collector.Request(assert.ServerRequest{At: ended.Sub(s.start), Failed: o.Failed})
	})
	r.total.Request(assert.ServerRequest{At: at, Failed: o.Failed})
	for _, w := range r.windows {
		w.Request(assert.ServerRequest{At: at, Failed: o.Failed})
	}
}

// Transition implements injector.Observer.
func (r *recorder) Transition(t *injector.Transition) {
	if !r.on.Load() {
		return
	}
	changed := r.schedule.at(t.At)
	at := r.offset(changed)
	r.log.add(at, logTransition, "transition", func(b []byte) []byte { return appendTransition(b, t) })
	own := false
	count := func(s *ActiveStep) {
		own = true
		s.collector.State(assert.ServerSide, t.Target, changed.Sub(s.start), t.To)
	}
	if r.each([]injector.LayerRef{t.Layer}, count); !own {
		r.inForce(count) // the layer was kept: its step is over
	}
	r.total.State(assert.ServerSide, t.Target, at, t.To)
	for _, w := range r.windows {
		w.State(assert.ServerSide, t.Target, at, t.To)
	}
}

// known records a state that was there before, for the whole run. For each step
// see knowStates.
func (r *recorder) known(side assert.Side, name, state string) {
	at := r.offset(r.schedule.now())
	r.total.State(side, name, at, state)
	for _, w := range r.windows {
		w.State(side, name, at, state)
	}
}

// state records a state of the user's own, as it is now.
func (r *recorder) state(name, state string, changed bool) {
	if !r.on.Load() {
		return
	}
	now := r.schedule.now()
	at := r.offset(now)
	if changed {
		r.log.add(at, logTransition, "transition", func(b []byte) []byte {
			b = appendText(b, "component", "client")
			b = appendText(b, "name", name)
			return appendText(b, "to", state)
		})
	}
	r.inForce(func(s *ActiveStep) { s.collector.State(assert.ClientSide, name, now.Sub(s.start), state) })
	r.total.State(assert.ClientSide, name, at, state)
	for _, w := range r.windows {
		w.State(assert.ClientSide, name, at, state)
	}
}

// operation records an operation, which has ended now, for its steps and for
// the run.
func (r *recorder) operation(op *Operation, o assert.Operation, now time.Time) {
	if !r.on.Load() {
		return
	}
	start := r.offset(op.start)
	r.log.add(r.offset(now), logOperation, "operation", func(b []byte) []byte {
		if len(op.steps) == 1 {
			b = appendText(b, "step", op.steps[0].step.Spec.Name)
			b = appendInt(b, "iteration", int64(op.steps[0].step.Iteration))
		}
		b = appendInt(b, "start", int64(start))
		if o.Name != "" {
			b = appendText(b, "name", o.Name)
		}
		b = appendInt(b, "attempts", int64(o.Attempts))
		if o.Failed {
			b = appendText(b, "error", o.Error)
		}
		if o.Status != 0 {
			b = appendInt(b, "status", int64(o.Status))
		}
		if o.Fault != "" {
			b = appendText(b, "fault", o.Fault)
		}
		return b
	})
	for _, c := range op.steps {
		o.N, o.At = c.n, op.start.Sub(c.step.start)
		c.step.collector.Operation(o)
	}
	o.At = start
	r.total.Operation(o)
	for _, w := range r.windows {
		w.Operation(o)
	}
}

// attempt counts a request of a client, for the steps of its operation, or,
// when it belongs to none, for every step in force.
func (r *recorder) attempt(op *Operation) {
	if !r.on.Load() {
		return
	}
	r.total.Attempt()
	for _, w := range r.windows {
		w.Attempt()
	}
	if op != nil {
		for _, c := range op.steps {
			c.step.collector.Attempt()
		}
		return
	}
	r.inForce(func(s *ActiveStep) { s.collector.Attempt() })
}
