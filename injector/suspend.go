package injector

import "time"

// Suspend switches everything off until Resume: no layer acts, waits without a
// computed end go on as if the link had healed, and computed delays are cut
// short. Layers can be applied and removed meanwhile; what a layer has counted,
// and the states of its breakers and buckets, stay. It takes effect for the
// next request. Suspending twice is suspending once.
//
// On virtual time let some pass before Resume: what goes on at the same instant
// may meet the layers again, or not.
func (in *Injector) Suspend() {
	in.engine.alone(func(now time.Time) {
		in.engine.strike(now)
		in.engine.switched(now, in.engine.suspend(), false)
	})
	in.engine.reach()
}

// Resume puts the layers in force again.
func (in *Injector) Resume() {
	in.engine.alone(func(now time.Time) { in.engine.switched(now, in.engine.resume(), true) })
	in.engine.reach()
}

// suspend reports whether it changed anything.
func (e *engine) suspend() (changed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.suspended {
		return false
	}
	e.suspended = true
	for _, l := range e.layers {
		l.goOff()
		defer l.gone.ring()
	}
	if e.cut != nil {
		defer e.cut.ring()
	}
	e.rebuildAll()
	return true
}

func (e *engine) resume() (changed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.suspended {
		return false
	}
	e.suspended = false
	if e.cut != nil {
		e.cut.renew()
	}
	for _, l := range e.layers {
		l.gone.renew()
		l.off.Store(false)
	}
	e.rebuildAll()
	return true
}

// rest makes a layer that is applied while everything is suspended rest too.
// e.mu is held.
func (e *engine) rest(l *layer) {
	if e.suspended {
		l.goOff()
		l.gone.ring()
		l.cut.ring()
	}
}
