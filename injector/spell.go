package injector

import "time"

// An alarm ends a connection at an instant, if its layer still acts then.
type alarm struct {
	spell
	at    time.Time
	how   how
	kind  string
	after Stream // which must have ended; "": none

	station *station // that closes behind what is on its way; nil: none
}

func (a *alarm) over() bool {
	if a.station != nil {
		return a.station.over()
	}
	return a.spell.over()
}

// A spell is a time for which a layer acts on a target: until it goes off, were
// it for no time at all.
type spell struct {
	binding *binding
	n       uint64
}

func (b *binding) spell() spell { return spell{b, b.rests.Load()} }

func (s spell) over() bool { return s.binding.off.Load() || s.binding.rests.Load() != s.n }
