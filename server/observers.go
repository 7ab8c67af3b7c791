package server

import (
	"sync/atomic"

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
