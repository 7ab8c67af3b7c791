package injector

import (
	"net/http"
	"time"
)

// An Injector holds the layers in force and puts them in front of handlers,
// transports and listeners. Without a layer it costs one atomic load a request,
// and a look at whether it asks for WebSocket: such a connection meets the layers
// that come while it is open. It is safe for concurrent use.
//
// An Injector made by New stands for the target named "default"; Target gives
// views for others. All views share one set of layers.
type Injector struct {
	engine *engine
	target *target
}

// defaultTarget is the name of the target of an Injector made by New.
const defaultTarget = "default"

// An Option configures an Injector.
type Option interface{ apply(*engine) }

type option func(*engine)

func (o option) apply(e *engine) { o(e) }

// WithSeed sets the seed of every decision: the same seed, layers and order of
// requests give the same faults. Default: 0.
func WithSeed(seed uint64) Option { return option(func(e *engine) { e.seed = seed }) }

// WithObserver tells o what the injector does. Default: none; then nothing is
// recorded.
func WithObserver(o Observer) Option { return option(func(e *engine) { e.observer = o }) }

// WithSequencer gives requests an order, for virtual time. Default: none;
// requests are decided as they happen to come.
func WithSequencer(s Sequencer) Option { return option(func(e *engine) { e.sequencer = s }) }

// InOrder makes everything that decisions depend on happen one at a time, each
// at an instant of its own: arrivals, ends of waits, departures, and changes of
// layers. An observer that is a Journal is then told it in that order, and each
// decision is a pure function of what it was told. It costs every request two
// passes through one lock. Default: off. It has no effect with a Sequencer,
// which has an order of its own.
func InOrder() Option { return option(func(e *engine) { e.order = &order{} }) }

// TrustForwarded takes the client's address from X-Forwarded-For or X-Real-IP,
// which any client can write. Default: the address of the connection.
func TrustForwarded() Option { return option(func(e *engine) { e.trustForwarded = true }) }

// New returns an Injector with no layer in force.
func New(opts ...Option) *Injector {
	e := &engine{bound: map[*layer]map[string]*binding{}, targets: map[string]*target{}, relays: map[*relay]struct{}{}}
	for _, o := range opts {
		o.apply(e)
	}
	if e.sequencer != nil {
		e.order = nil
	}
	if e.order != nil {
		e.journal, _ = e.observer.(Journal)
	}
	return &Injector{engine: e, target: e.target(defaultTarget)}
}

// Target returns a view of the Injector for one named upstream. Views of the
// same name are the same upstream.
func (in *Injector) Target(name string) *Injector {
	return &Injector{engine: in.engine, target: in.engine.target(name)}
}

// Apply puts a layer in force for the next request on, behind those in force
// that have the same Order or a lower one. The Config is copied; values out of range are clamped and
// what makes no sense is ignored.
//
// remove takes the layer off again; calling it again does nothing. Requests
// inside keep what was decided for them, but those that wait without a computed
// end (in a partition, a stall or a queue) go on as if the link had healed.
func (in *Injector) Apply(l Layer) (remove func()) {
	var made *layer
	in.engine.alone(func(now time.Time) {
		made = in.engine.apply(l, now)
		in.engine.changed(now, true, made)
	})
	in.engine.reach()
	return in.engine.remover(made)
}

// Replace is Apply in place of the layers in force of that name and iteration,
// which are taken off: what comes meets either them or the new one, and no
// request or connection passes in between. What they held goes on, as after
// remove.
func (in *Injector) Replace(ref LayerRef, l Layer) (remove func()) {
	var made *layer
	in.engine.alone(func(now time.Time) {
		in.engine.strike(now)
		var gone []*layer
		made, gone = in.engine.replace(ref, l, now)
		in.engine.changed(now, false, gone...)
		in.engine.changed(now, true, made)
	})
	in.engine.reach()
	return in.engine.remover(made)
}

// remover takes a layer off.
func (e *engine) remover(l *layer) (remove func()) {
	return func() {
		e.alone(func(now time.Time) {
			e.strike(now)
			e.changed(now, false, e.remove(l)...)
		})
		e.reach()
	}
}

// ObserveAll says whether the Observer is told of every request, which is the
// default, or only of those that meet a layer: then a request that meets none
// costs one atomic load. Without an Observer it has no effect.
func (in *Injector) ObserveAll(all bool) {
	e := in.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	e.layeredOnly = !all
	e.rebuildAll()
}

// Release takes every layer off and cuts every wait inside short, computed
// delays too. The Injector can be used again afterwards.
func (in *Injector) Release() {
	in.engine.alone(func(now time.Time) {
		in.engine.strike(now)
		in.engine.changed(now, false, in.engine.release()...)
	})
	in.engine.reach()
}

// Ordered reports whether the injector was made with InOrder, and has effect.
func (in *Injector) Ordered() bool { return in.engine.order != nil }

// Draws returns what the sampled rules of a layer have decided so far, one Draw
// for each kind that is on; for packet loss, each direction of a request draws.
// Requests that a schedule leaves out do not draw. Rules whose schedule is a ramp
// are left out: they have no one probability. What override headers asked for is
// not counted.
// It works for layers in force and for the last 256 that were removed; it
// returns nil for others. Where several layers have the same name and
// iteration, the one in force counts, else the last.
func (in *Injector) Draws(ref LayerRef) []Draw {
	l := in.engine.find(ref)
	if l == nil {
		return nil
	}
	return l.draws()
}

// BreakerState returns the state of the circuit breaker that the layers in
// force have for a target: closed, open or half_open. Of several breakers, the
// one that lets through least counts. It returns false where there is none.
//
// A breaker that has been open for its time-out stays open until a request
// asks.
func (in *Injector) BreakerState(target string) (string, bool) {
	return in.engine.breakerState(target)
}

// BulkheadState returns how many requests of a target are in progress behind the
// bulkhead that the layers in force have for it, and how many wait in its
// queue. Of several bulkheads, the one with the most in progress counts. It
// returns false where there is none.
func (in *Injector) BulkheadState(target string) (active, waiting int, ok bool) {
	return in.engine.bulkheadState(target)
}

// Handler puts the target's layers in front of next.
//
// A response that was aborted ends with a panic of http.ErrAbortHandler where
// the connection cannot be taken over (HTTP/2, httptest.ResponseRecorder). So
// does a request whose client left while it waited.
func (in *Injector) Handler(next http.Handler) http.Handler {
	return &handler{engine: in.engine, target: in.target, next: next}
}

// RoundTripper puts the target's layers in front of next, on the client's side:
// faults are the errors that a client would get, or responses made up with all
// their fields. A nil next is http.DefaultTransport.
func (in *Injector) RoundTripper(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return &transport{engine: in.engine, target: in.target, next: next}
}
