package injector_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// A tally is a notebook that can be asked while it is written: how much of what
// a test is about comes in a given time is the machine's affair.
type tally struct {
	notebook

	mu     sync.Mutex
	counts map[string]int
}

func (a *tally) count(what ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.counts == nil {
		a.counts = map[string]int{}
	}
	for _, w := range what {
		a.counts[w]++
	}
}

// Request counts each decision by itself and by its kind, which for what is no
// request begins with its protocol.
func (a *tally) Request(r *injector.Request) {
	a.notebook.Request(r)
	if r.Asked != nil {
		a.count("asked")
	}
	for _, d := range r.Decisions {
		kind := d.Kind
		if r.Method == "" {
			kind = r.Protocol + " " + kind
		}
		a.count("decision", kind)
		if d.Masked {
			a.count("masked")
		}
		if strings.Contains(r.Operation, ";") {
			a.count("batch")
		}
	}
}

func (a *tally) Wait(w *injector.Wait) {
	a.notebook.Wait(w)
	a.count("wait")
}

func (a *tally) Transition(t *injector.Transition) {
	a.notebook.Transition(t)
	a.count("transition")
}

// lacks reports what there is less of than wanted; "": nothing.
func (a *tally) lacks(want map[string]int) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, what := range slices.Sorted(maps.Keys(want)) {
		if a.counts[what] < want[what] {
			return fmt.Sprintf("%s of %v", what, a.counts)
		}
	}
	return ""
}

// each wants one of everything.
func each(of ...string) map[string]int {
	out := map[string]int{}
	for _, what := range of {
		out[what] = 1
	}
	return out
}

// patience is how long a tally may take to have what is wanted. It takes a few
// milliseconds, unless the machine is very busy.
const patience = time.Minute
