package injector

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A target is a named upstream and the layers in front of it.
type target struct {
	name string
	set  atomic.Pointer[layerSet] // nil: a request need not stop

	dialMu sync.Mutex
	dials  map[string]*dialed // that AdmitTCP let in, by the client's address
}

// A layerSet is immutable.
type layerSet struct {
	bindings []*binding
	watched  bool // somebody wants to see each request
	simple   bool // the draws tell whether a request passes; not watched
	graphql  bool // one of them has a section for GraphQL
}

// An engine is what all views of an Injector share.
type engine struct {
	seed           uint64
	observer       Observer
	sequencer      Sequencer
	order          *order  // nil: none
	journal        Journal // the observer, where there is an order; nil: it is none
	pins           Pins    // nil: none
	trustForwarded bool
	admitted       atomic.Int64
	prompter       prompter

	mu          sync.Mutex
	layers      []*layer // in force, in order of Apply
	suspended   bool     // none of them acts
	layeredOnly bool     // the observer is told only of requests that meet a layer
	bound       map[*layer]map[string]*binding
	targets     map[string]*target
	cut         *bell    // of the layers in force; nil: none was applied since the last Release
	past        []*layer // removed, the last at the end

	relayMu sync.Mutex
	relays  map[*relay]struct{} // that are open
	relayed int64               // how many there ever were
}

// maxPast is how many removed layers stay readable.
const maxPast = 256

// watched reports whether a request has to stop, for somebody to see it: any,
// or one that meets a layer.
func (e *engine) watched(layered bool) bool {
	seen := e.observer != nil || e.order != nil || e.pins != nil
	return e.sequencer != nil || seen && (layered || !e.layeredOnly)
}

// target returns the target of that name, which is made on first use.
func (e *engine) target(name string) *target {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, ok := e.targets[name]
	if !ok {
		t = &target{name: name}
		e.targets[name] = t
		e.rebuild(t)
	}
	return t
}

// breakerState is the most severe state of the breakers in front of a target. A
// target that nothing has passed through has breakers that are closed.
func (e *engine) breakerState(target string) (string, bool) {
	severity := map[string]int{stateClosed: 1, stateHalfOpen: 2, stateOpen: 3}
	state := ""
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range e.layers {
		if l.parts.breaker == nil || !l.applies(target) {
			continue
		}
		s := stateClosed
		if b := e.bound[l][target]; b != nil {
			s = b.breaker.current()
		}
		if severity[s] > severity[state] {
			state = s
		}
	}
	return state, state != ""
}

// bulkheadState is the fullest of the bulkheads in front of a target. A target
// that nothing has passed through has bulkheads that are empty.
func (e *engine) bulkheadState(target string) (active, waiting int, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range e.layers {
		if l.parts.bulkhead == nil || !l.applies(target) {
			continue
		}
		ok = true
		b := e.bound[l][target]
		if b == nil {
			continue
		}
		if a, w := b.bulkhead.current(); a > active {
			active, waiting = a, w
		}
	}
	return active, waiting, ok
}

// apply puts a layer in force that starts now.
func (e *engine) apply(l Layer, now time.Time) *layer {
	e.mu.Lock()
	defer e.mu.Unlock()
	made := e.insert(l, now)
	e.rebuildAll()
	return made
}

// replace puts a layer in force that starts now, and takes off those of that
// name: nothing comes between.
func (e *engine) replace(ref LayerRef, l Layer, now time.Time) (made *layer, dropped []*layer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var gone []*layer
	for _, old := range e.layers {
		if old.ref == ref {
			gone = append(gone, old)
		}
	}
	made = e.insert(l, now)
	return made, e.drop(gone)
}

// insert makes a layer one of those in force, which is not published yet. e.mu
// is held.
func (e *engine) insert(l Layer, now time.Time) *layer {
	if e.cut == nil {
		e.cut = &bell{}
	}
	seed := e.seed
	if l.Seed != nil {
		seed = *l.Seed
	}
	made := newLayer(l, seed, e.cut, now)
	e.rest(made)
	at := len(e.layers)
	for at > 0 && e.layers[at-1].order > made.order {
		at--
	}
	e.layers = slices.Insert(e.layers, at, made)
	e.bound[made] = map[string]*binding{}
	return made
}

func (e *engine) remove(gone ...*layer) (dropped []*layer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.drop(gone)
}

// drop takes layers off and returns those that were on. They act until the
// others are published. e.mu is held.
func (e *engine) drop(gone []*layer) (dropped []*layer) {
	for _, l := range gone {
		i := slices.Index(e.layers, l)
		if i < 0 {
			continue
		}
		e.layers = slices.Delete(slices.Clone(e.layers), i, i+1)
		delete(e.bound, l)
		e.past = append(e.past, l)
		dropped = append(dropped, l)
	}
	if extra := len(e.past) - maxPast; extra > 0 {
		e.past = slices.Delete(e.past, 0, extra)
	}
	e.rebuildAll()
	for _, l := range slices.Backward(dropped) {
		l.goOff()
		l.gone.ring()
	}
	return dropped
}

func (e *engine) release() (dropped []*layer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	dropped = e.drop(slices.Clone(e.layers))
	if e.cut != nil {
		e.cut.ring()
		e.cut = nil
	}
	return dropped
}

func (e *engine) rebuildAll() {
	for _, t := range e.targets {
		e.rebuild(t)
	}
}

// rebuild publishes the layers of a target. e.mu is held.
func (e *engine) rebuild(t *target) {
	set := &layerSet{watched: e.watched(true), simple: !e.watched(true)}
	for _, l := range e.layers {
		if e.suspended || !l.applies(t.name) {
			continue
		}
		b := e.bound[l][t.name]
		if b == nil {
			b = newBinding(l, t.name, e.observer)
			e.bound[l][t.name] = b
		}
		set.bindings = append(set.bindings, b)
		set.simple = set.simple && b.simple()
		set.graphql = set.graphql || b.graphql != nil
	}
	if len(set.bindings) == 0 && !e.watched(false) {
		set = nil
	}
	t.set.Store(set)
}

// find returns the layer of that name: one in force, else the last one removed.
func (e *engine) find(ref LayerRef) *layer {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, list := range [][]*layer{e.layers, e.past} {
		for _, l := range slices.Backward(list) {
			if l.ref == ref {
				return l
			}
		}
	}
	return nil
}
