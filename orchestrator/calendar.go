package orchestrator

import (
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// applyWithin puts a layer in force, in real time no earlier than the
// scenario's start_time and no later than its end_time. The returned function
// takes it off and calls the rest off.
func (r *Run) applyWithin(sc Scenario, l injector.Layer) (off func()) {
	if r.opts.Virtual || !bounds(sc) {
		return r.takeOver(l)
	}
	b := &bounded{apply: func() func() { return r.injector.Apply(l) }}
	now := time.Now()
	var timers []*time.Timer
	if sc.Start.After(now) {
		timers = append(timers, time.AfterFunc(sc.Start.Sub(now), b.on))
	} else {
		b.on()
	}
	if !sc.End.IsZero() {
		if sc.End.After(now) {
			timers = append(timers, time.AfterFunc(sc.End.Sub(now), b.off))
		} else {
			b.off()
		}
	}
	return func() {
		for _, t := range timers {
			t.Stop()
		}
		b.off()
	}
}

// bounds reports whether the calendar bounds a scenario.
func bounds(sc Scenario) bool { return !sc.Start.IsZero() || !sc.End.IsZero() }

// A bounded layer goes on once and off once, in whatever order its timers come.
type bounded struct {
	apply func() (remove func())

	mu     sync.Mutex
	remove func()
	over   bool
}

func (b *bounded) on() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.over {
		b.remove = b.apply()
	}
}

func (b *bounded) off() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	if b.remove != nil {
		b.remove()
		b.remove = nil
	}
}
