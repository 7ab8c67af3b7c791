package injector

// Suspend switches everything off until Resume: no layer acts, waits without a
// computed end go on as if the link had healed, and computed delays are cut
// short. Layers can be applied and removed meanwhile; what a layer has counted,
// and the states of its breakers and buckets, stay. It takes effect for the
// next request. Suspending twice is suspending once.
func (in *Injector) Suspend() { in.engine.suspend() }

// Resume puts the layers in force again.
func (in *Injector) Resume() { in.engine.resume() }

func (e *engine) suspend() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.suspended {
		return
	}
	e.suspended = true
	for _, l := range e.layers {
		l.off.Store(true)
		defer l.gone.ring()
	}
	if e.cut != nil {
		defer e.cut.ring()
	}
	e.rebuildAll()
}

func (e *engine) resume() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.suspended {
		return
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
}

// rest makes a layer that is applied while everything is suspended rest too.
// e.mu is held.
func (e *engine) rest(l *layer) {
	if e.suspended {
		l.off.Store(true)
		l.gone.ring()
		l.cut.ring()
	}
}
