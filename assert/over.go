package assert

import (
	"fmt"
	"time"
)

// over is an expectation that is judged on a window of its own length.
type over struct {
	of     Expectation
	window time.Duration
}

// Over gives a stop condition the length of its sliding window, "… over 30s",
// in place of any that it had. It panics unless window is positive. Check pays
// no attention to it: whoever checks chooses the Results, see WindowOf and Window.
func Over(e Expectation, window time.Duration) Expectation {
	if window <= 0 {
		panic(fmt.Sprintf("assert: Over(%s, %v): a window needs a length", e, window))
	}
	if o, ok := e.(over); ok {
		e = o.of
	}
	mustBeMembers("Over", []Expectation{e})
	return over{e, window}
}

// WindowOf returns the length that Over gave to e, if it did.
func WindowOf(e Expectation) (window time.Duration, ok bool) {
	o, ok := e.(over)
	return o.window, ok
}

func (o over) String() string { return o.of.String() + " over " + FormatDuration(o.window) }

func (o over) Check(r Results) Verdict { return o.of.Check(r) }

func (o over) on(side Side) (Expectation, error) {
	moved, err := onSide(side, o.of)
	if err != nil {
		return nil, err
	}
	return over{moved, o.window}, nil
}

func (o over) describe() []Subject { return Describe(o.of) }

func (o over) evidence(r Results) []string { return evidenceOf(o.of, r) }
