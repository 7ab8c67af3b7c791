package injector

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// Relay carries one connection to its target through the layers, and returns
// when it is over: when both directions have ended, one broke, a layer ended it,
// or ctx ended. It makes the connection to the upstream with dial, passes
// half-closes and resets on, closes both connections, and leaves no goroutine
// behind.
//
// The connection is admitted as Listener does; one that is refused ends there,
// and the upstream is not dialed. So do the toxics refuse and down of a TCP
// section; and a layer that ends the connection while the upstream is dialed ends
// the dial. What holds bytes up is said at Listener and at TCP: a layer that goes
// on while the connection is open acts on it, and one that goes off lets what it
// held go on. Only the toxics that say so lose bytes.
//
// The observer is told of the connection as of a Request with the protocol tcp,
// of what a layer that goes on later decides for it, and of each chunk or
// message in which something was injected.
//
// The error is that of dial, for which the client is reset, or that of ctx. A
// connection that the peers or the layers ended is no error.
func (in *Injector) Relay(ctx context.Context, client net.Conn, dial func(context.Context) (net.Conn, error)) error {
	r := newRelay(in)
	defer in.engine.forget(r)
	if !r.admit(client) {
		return nil
	}
	defer r.depart()
	upstream, err := r.call(ctx, dial)
	if upstream == nil {
		return err
	}
	return r.run(ctx, upstream)
}

// The slots of a connection besides its own: no two goroutines share one.
const (
	slotIn  = iota // of who reads from the client, and in a relay writes to the upstream where no toxic acts
	slotOut        // of who writes to the client
	slotUp         // of a relay's pump to the upstream
	connSlots
)

// how a relay ends.
type how int

const (
	howClose how = iota + 1
	howReset
)

// A relay is a connection and the one that its bytes go to.
type relay struct {
	engine   *engine
	target   *target
	client   *conn
	upstream net.Conn
	up, down *lane
	address  string        // the client's
	number   int64         // among the relays, in the order of admission
	dialed   *passage      // that let the dial in; nil: none
	wake     chan struct{} // of who watches over it
	ended    chan struct{} // closed when the end has begun
	pumps    sync.WaitGroup
	readers  sync.WaitGroup

	mu      sync.Mutex
	met     map[spell][]*station // layers that decided about the connection
	set     *layerSet            // that plans are for
	plans   map[Stream][]*station
	alarms  []*alarm
	passes  int       // lanes whose end has passed
	how     how       // how it is to end; 0: not yet
	fell    time.Time // when a layer ended it, whose alarm nobody had heard yet; zero: none
	kind    string
	worse   how  // how it is to end once both lanes are over
	stale   bool // plans are out of date
	calling bool // the dial is on its way
	running bool // the lanes are there
	over    bool // the end has begun
}

func newRelay(in *Injector) *relay {
	return &relay{
		engine: in.engine, target: in.target, met: map[spell][]*station{}, worse: howClose,
		wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
}

// admit decides about the connection. It reports false where it was refused.
func (r *relay) admit(client net.Conn) bool {
	r.address, r.dialed = client.RemoteAddr().String(), r.target.dial(client.RemoteAddr())
	if r.engine.sequencer != nil {
		client = &settled{Conn: client}
	}
	l := &listener{engine: r.engine, target: r.target, relay: r}
	if r.client = l.open(client); r.client == nil {
		return false
	}
	r.meet() // layers that went on meanwhile
	r.pace().sync()
	return true
}

// pace is that of the connection's own events.
func (r *relay) pace() *pace {
	if p := r.client.passage; p != nil {
		return &p.pace
	}
	return &pace{}
}

// run carries the connection until it is over.
func (r *relay) run(ctx context.Context, upstream net.Conn) error {
	r.carry(upstream)
	fired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { // its channel may have been made outside of virtual time
		defer close(fired)
		ring(r.wake)
	})
	err := r.watch(ctx)
	if !stop() {
		<-fired
	}
	return err
}

// carry starts both directions, unless a layer ends the connection at once: then
// nothing is read of it.
func (r *relay) carry(upstream net.Conn) {
	if r.engine.sequencer != nil {
		upstream = &settled{Conn: upstream}
	}
	r.upstream = upstream
	c := r.client
	own := &pace{slot: c.passage.extra(slotUp)}
	up := newLane(r, Upstream, c, upstream, &c.in.pace, own)
	down := newLane(r, Downstream, upstream, c, &c.out.pace, &c.out.pace)
	r.mu.Lock()
	r.up, r.down, r.running = up, down, true
	r.mu.Unlock()
	r.strike(time.Now())
	if how, _, _ := r.state(); how != 0 {
		return
	}
	r.readers.Go(r.up.read)
	r.readers.Go(r.down.read)
}

// watch waits for the end, and brings it about.
func (r *relay) watch(ctx context.Context) error {
	for {
		r.up.start()
		r.down.start()
		how, kind, next := r.state()
		if how == 0 && ctx.Err() != nil {
			r.end(howClose, "")
			return ctx.Err()
		}
		if how != 0 {
			r.end(how, kind)
			return nil
		}
		if alarm := r.rest(next); alarm != nil {
			r.end(alarm.how, alarm.kind)
			return nil
		}
	}
}

// rest waits until something happens. It returns the alarm that went off.
func (r *relay) rest(next *alarm) *alarm {
	var t timer
	var fired <-chan time.Time
	if next != nil {
		t = r.engine.timer(r.pace().early(time.Now(), next.at))
		defer t.Stop()
		fired = t.C
	}
	select {
	case <-fired:
		t.rest()
		r.pace().reached(t.at)
		if next.over() {
			return nil
		}
		return next
	case <-r.wake:
		return nil
	}
}

// state says how the connection is to end by now, or which alarm is next.
func (r *relay) state() (how, string, *alarm) {
	over := map[Stream]bool{Upstream: r.up.isOver(), Downstream: r.down.isOver(), "": true}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.how != 0:
		return r.how, r.kind, nil
	case over[Upstream] && over[Downstream]:
		return r.worse, "", nil
	}
	return 0, "", r.next(func(a *alarm) bool { return over[a.after] })
}

// next is the first of some alarms that have not gone; nil: there is none. r.mu
// is held.
func (r *relay) next(some func(*alarm) bool) (next *alarm) {
	for _, a := range r.alarms {
		if !a.over() && some(a) && (next == nil || a.at.Before(next.at)) {
			next = a
		}
	}
	return next
}

// due asks for the end of a connection that a layer ends at an instant that has
// come: its watcher is late. It reports false where there is no such layer.
func (r *relay) due(at time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fall(at, func(a *alarm) bool { return a.after == "" })
}

// strike is due where the layer is about to go off. What closes the connection
// behind what is on its way does so where that is nothing, and else when that has
// arrived.
func (r *relay) strike(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.running && !r.calling {
		return // it is not open yet
	}
	r.planned() // the places of what is struck
	for _, a := range r.alarms {
		if a.station != nil && !a.over() && !a.at.After(at) {
			a.station.struck.Store(true)
		}
	}
	held := map[Stream]*lane{Upstream: r.up, Downstream: r.down}
	r.fall(at, func(a *alarm) bool { return a.after == "" || !r.running || held[a.after].held.Load() == 0 })
}

// fall makes the first of some alarms whose instant has come end the connection.
// It reports false where there is none, and none did before. r.mu is held.
func (r *relay) fall(at time.Time, some func(*alarm) bool) bool {
	for _, a := range r.alarms {
		if some(a) && !a.over() && !a.at.After(at) {
			if r.how == 0 {
				r.how, r.kind = a.how, a.kind
			}
			if r.fell.IsZero() || a.at.Before(r.fell) {
				r.fell = a.at
			}
			break
		}
	}
	return !r.fell.IsZero() && !r.fell.After(at)
}

// finish asks for the end of the connection. kind is the fault that ends it; "":
// none does.
func (r *relay) finish(how how, kind string) {
	r.mu.Lock()
	if r.how == 0 {
		r.how, r.kind = how, kind
	}
	r.mu.Unlock()
	ring(r.wake)
}

// passed notes that the end of a lane was passed on.
func (r *relay) passed() {
	r.mu.Lock()
	r.passes++
	r.mu.Unlock()
}

// broke notes that a lane cannot write any more. The other lane reads of the
// connection that broke: what has come of it, or is on its way, is still
// delivered, until the end is.
func (r *relay) broke(err error) {
	if !errors.Is(err, syscall.ECONNRESET) {
		return
	}
	r.mu.Lock()
	r.worse = howReset
	r.mu.Unlock()
}

// told tells the observer of the connection's end.
func (r *relay) told(o outcome) {
	if p := r.client.passage; p != nil {
		p.finish(o)
	}
}

// depart gives back what the connection holds.
func (r *relay) depart() {
	if p := r.client.passage; p != nil {
		p.depart()
	}
}
