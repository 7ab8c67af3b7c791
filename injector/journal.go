package injector

import "time"

// A Journal is an Observer that is told everything that decisions depend on,
// so that they can be made again from its notes alone, see Recomputer. With
// the option InOrder its methods are called one at a time, and the instants
// that they are told rise strictly; they must not change the injector's layers.
type Journal interface {
	Observer
	// Layer is called when a layer goes on or off.
	Layer(*LayerChange)
	// Switch is called when everything was suspended or resumed.
	Switch(at time.Time, on bool)
	// Wait is called when a request begins to wait without a computed end. It
	// may do so more than once. Its Request has been called, or will be.
	Wait(*Wait)
	// Resume is called when such a wait ends. Each event is told after the
	// changes of state that it caused.
	Resume(*Resume)
	// Drew is called before each of the calls above that is about a layer whose
	// rules were asked about connections or messages since the last time.
	Drew(*Drew)
	// Connection is called when a connection limit counts something that is not a
	// request: a connection of a wrapped listener, or a dial. What such a layer
	// decides cannot be recomputed.
	Connection(layer LayerRef)
}

// A LayerChange says that a layer went on or off.
type LayerChange struct {
	At    time.Time
	Layer LayerRef
	On    bool
}

// A Wait is a request that waits in a queue or in a partition.
type Wait struct {
	At      time.Time
	Request Request // as far as it is decided; At is its arrival
}

// A Resume is the end of a wait.
type Resume struct {
	At      time.Time
	N       int64 // the Request's
	Because Because
}

// Because is why a wait ended.
type Because string

const (
	BecauseGranted Because = "granted" // the queue let it in
	BecauseTime    Because = "time"    // it waited as long as it may
	BecauseHealed  Because = "healed"  // the layer went
	BecauseLeft    Because = "left"    // the client left
)

func (w woke) because() Because {
	return [...]Because{wokeTime: BecauseTime, wokeSignal: BecauseGranted, wokeHealed: BecauseHealed, wokeLeft: BecauseLeft}[w]
}

func (b Because) woke() (woke, bool) {
	for w := wokeTime; w <= wokeLeft; w++ {
		if w.because() == b {
			return w, true
		}
	}
	return 0, false
}

// waits tells the journal that the request begins to wait.
func (p *passage) waits() {
	if j := p.engine.journal; j != nil {
		p.tellDrawn()
		j.Wait(&Wait{At: p.now(), Request: *p.observed()})
	}
}

func (p *passage) resumes(now time.Time, why woke) {
	if j := p.engine.journal; j != nil {
		j.Resume(&Resume{At: now, N: p.n, Because: why.because()})
	}
}

func (e *engine) switched(now time.Time, changed, on bool) {
	if changed && e.journal != nil {
		e.journal.Switch(now, on)
	}
}

func (e *engine) changed(now time.Time, on bool, layers ...*layer) {
	if e.journal == nil {
		return
	}
	for _, l := range layers {
		e.tellDrawn(l, now, true)
		e.journal.Layer(&LayerChange{At: now, Layer: l.ref, On: on})
	}
}
