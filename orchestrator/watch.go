package orchestrator

import (
	"maps"
	"slices"
	"sync"
)

// watches are the states of the user's own that a run observes.
type watches struct {
	reading sync.Mutex // one sample at a time: an older reading must not follow a newer one

	mu    sync.Mutex
	names []string
	read  []func() string
	last  map[string]string
}

// Watch observes a state by reading it when an operation ends and at the edges
// of steps. state must not block.
func (r *Run) Watch(name string, state func() string) {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	r.watch.names = append(r.watch.names, name)
	r.watch.read = append(r.watch.read, state)
}

// Track observes a state that is pushed: call the result with each new state.
// Until the first call it is "closed".
func (r *Run) Track(name string) func(state string) {
	r.see(name, "closed")
	return func(state string) { r.see(name, state) }
}

// sample reads every watched state.
func (r *Run) sample() {
	r.watch.mu.Lock()
	names, read := r.watch.names, r.watch.read
	r.watch.mu.Unlock()
	if len(names) == 0 {
		return
	}
	r.watch.reading.Lock()
	defer r.watch.reading.Unlock()
	for i, name := range names {
		r.see(name, read[i]())
	}
}

// knownStates calls f with every state of the user's own, as it was seen last.
func (r *Run) knownStates(f func(name, state string)) {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(r.watch.last)) {
		f(name, r.watch.last[name])
	}
}

// see records a state of the user's own as it is now.
func (r *Run) see(name, state string) {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	if r.watch.last == nil {
		r.watch.last = map[string]string{}
	}
	before, known := r.watch.last[name]
	r.watch.last[name] = state
	r.recorder.state(name, state, !known || before != state)
}
