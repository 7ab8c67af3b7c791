package injector

import (
	"sync"
	"time"
)

// A teller is a mutex that remembers changes of state and tells them once it is
// unlocked: an observer may ask the injector back.
type teller struct {
	sync.Mutex
	tell    func(now time.Time, from, to, reason string)
	changes []change
}

type change struct {
	at               time.Time
	from, to, reason string
}

// note remembers a change. The mutex is held.
func (t *teller) note(now time.Time, from, to, reason string) {
	t.changes = append(t.changes, change{now, from, to, reason})
}

// release unlocks and tells.
func (t *teller) release() {
	changes := t.changes
	t.changes = nil
	t.Unlock()
	for _, c := range changes {
		t.tell(c.at, c.from, c.to, c.reason)
	}
}
