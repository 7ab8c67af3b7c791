package server

import (
	"sync/atomic"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// An observers tells what the injector does to those who want to know: always
// the server's own numbers, and the run in progress, if there is one.
type observers struct {
	always []injector.Observer
	run    atomic.Pointer[injector.Observer]
}

func (o *observers) each(f func(injector.Observer)) {
	for _, a := range o.always {
		f(a)
	}
	if run := o.run.Load(); run != nil {
		f(*run)
	}
}

// Request implements injector.Observer.
func (o *observers) Request(r *injector.Request) {
	o.each(func(to injector.Observer) { to.Request(r) })
}

// Done implements injector.Observer.
func (o *observers) Done(d *injector.Outcome) { o.each(func(to injector.Observer) { to.Done(d) }) }

// Transition implements injector.Observer.
func (o *observers) Transition(t *injector.Transition) {
	o.each(func(to injector.Observer) { to.Transition(t) })
}

// journal is the run in progress where it wants to be told everything; nil
// otherwise.
func (o *observers) journal() injector.Journal {
	run := o.run.Load()
	if run == nil {
		return nil
	}
	j, _ := (*run).(injector.Journal)
	return j
}

// Layer implements injector.Journal.
func (o *observers) Layer(c *injector.LayerChange) {
	if j := o.journal(); j != nil {
		j.Layer(c)
	}
}

// Switch implements injector.Journal.
func (o *observers) Switch(at time.Time, on bool) {
	if j := o.journal(); j != nil {
		j.Switch(at, on)
	}
}

// Wait implements injector.Journal.
func (o *observers) Wait(w *injector.Wait) {
	if j := o.journal(); j != nil {
		j.Wait(w)
	}
}

// Resume implements injector.Journal.
func (o *observers) Resume(r *injector.Resume) {
	if j := o.journal(); j != nil {
		j.Resume(r)
	}
}

// Connection implements injector.Journal.
func (o *observers) Connection(layer injector.LayerRef) {
	if j := o.journal(); j != nil {
		j.Connection(layer)
	}
}

// Drew implements injector.Journal.
func (o *observers) Drew(d *injector.Drew) {
	if j := o.journal(); j != nil {
		j.Drew(d)
	}
}
