package assert

import (
	"slices"
	"strings"
	"time"
)

// keptChanges is how many changes of one name are kept; later ones are counted.
const keptChanges = 1000

// keptStates is how many different states of one name are told apart.
const keptStates = 64

// A StateChange is the instant, from the step's start, at which a state was
// first seen after another one.
type StateChange struct {
	At    time.Duration
	State string
}

type stateKey struct {
	side Side
	name string
}

// A stateLog is what is known about the state of one name.
type stateLog struct {
	changes []StateChange
	more    int           // changes that were not kept
	last    string        // "" only when nothing was seen
	seen    []StateChange // each state once, when it was first entered
	any     bool
}

func (l *stateLog) add(at time.Duration, state string) {
	at = max(at, 0)
	if l.any && sameState(l.last, state) {
		return
	}
	if n := len(l.changes); n > 0 {
		at = max(at, l.changes[n-1].At)
	}
	if len(l.changes) < keptChanges {
		l.changes = append(l.changes, StateChange{at, state})
	} else {
		l.more++
	}
	if _, entered := l.entered(state); !entered && len(l.seen) < keptStates {
		l.seen = append(l.seen, StateChange{at, state})
	}
	l.last, l.any = state, true
}

// entered reports when the state was first seen.
func (l *stateLog) entered(state string) (time.Duration, bool) {
	for _, s := range l.seen {
		if sameState(s.State, state) {
			return s.At, true
		}
	}
	return 0, false
}

func (l *stateLog) clone() *stateLog {
	c := *l
	c.changes, c.seen = slices.Clone(l.changes), slices.Clone(l.seen)
	return &c
}

// sameState compares without case, '-' or '_': half-open is HalfOpen.
func sameState(a, b string) bool {
	return a == b || strings.EqualFold(bareState(a), bareState(b))
}

func bareState(s string) string {
	if !strings.ContainsAny(s, "-_") {
		return s
	}
	return strings.NewReplacer("-", "", "_", "").Replace(s)
}
