package assert

import (
	"fmt"
	"time"
)

// The states of a circuit breaker. Any other word is a state as well; they are
// compared without case, '-' or '_'.
const (
	Closed   = "closed"
	Open     = "open"
	HalfOpen = "half_open"
)

// A StateOf is the state of a breaker, or of anything else that has one.
type StateOf struct {
	name    string
	breaker bool
	chosen  bool // the side was chosen
	side    Side
}

// CircuitBreaker is the state of the breaker that was given to Watch or Track
// under name, else of the chaos server's breaker for the target of that name.
// Client and Server choose.
func CircuitBreaker(name string) StateOf { return StateOf{name: name, breaker: true} }

// State is CircuitBreaker for what is not a breaker.
func State(name string) StateOf { return StateOf{name: name} }

// Is claims that the state is s at the end.
func (o StateOf) Is(s string) Expectation { return stateClaim{of: o, verb: stateIs, state: s} }

// Becomes claims that the state was s at any time, the start included.
func (o StateOf) Becomes(s string) Expectation { return stateClaim{of: o, verb: becomes, state: s} }

// BecomesWithin claims that the state was s at d from the step's start or
// before. It panics when d is negative.
func (o StateOf) BecomesWithin(s string, d time.Duration) Expectation {
	if d < 0 {
		panic(fmt.Sprintf("assert: %s becomes %s within %v", o.text(), s, d))
	}
	return stateClaim{of: o, verb: becomesWithin, state: s, within: d}
}

// Never claims that the state was not s at any time.
func (o StateOf) Never(s string) Expectation { return stateClaim{of: o, verb: never, state: s} }

// Stays claims that the state was s all along.
func (o StateOf) Stays(s string) Expectation { return stateClaim{of: o, verb: stays, state: s} }

func (o StateOf) text() string {
	prefix := ""
	if o.chosen {
		prefix = o.side.String() + "."
	}
	if o.breaker {
		return prefix + "circuit_breaker." + nameText(o.name)
	}
	return prefix + "state." + nameText(o.name)
}

// label is what the thing is called in verdicts.
func (o StateOf) label() string {
	if o.breaker {
		return "breaker"
	}
	return "state"
}

// sides lists where the name may be found, in order.
func (o StateOf) sides() []Side {
	if o.chosen {
		return []Side{o.side}
	}
	return []Side{ClientSide, ServerSide}
}

func (o StateOf) find(r Results) (stateKey, *stateLog) {
	for _, side := range o.sides() {
		key := stateKey{side, o.name}
		if l := r.tally().states[key]; l != nil {
			return key, l
		}
	}
	return stateKey{}, nil
}

type stateVerb int

const (
	stateIs stateVerb = iota
	becomes
	becomesWithin
	never
	stays
)

func (v stateVerb) String() string {
	return [...]string{"is", "becomes", "becomes", "never", "stays"}[v]
}

type stateClaim struct {
	of     StateOf
	verb   stateVerb
	state  string
	within time.Duration
}

func (c stateClaim) String() string {
	s := c.of.text() + " " + c.verb.String() + " " + nameText(c.state)
	if c.verb == becomesWithin {
		s += " within " + FormatDuration(c.within)
	}
	return s
}

func (c stateClaim) want() string {
	switch c.verb {
	case stateIs:
		return c.state
	case becomesWithin:
		return "becomes " + c.state + " within " + FormatDuration(c.within)
	}
	return c.verb.String() + " " + c.state
}

func (c stateClaim) Check(r Results) Verdict {
	v := Verdict{Subject: c.of.label() + " " + c.of.name, Want: c.want()}
	key, log := c.of.find(r)
	if log == nil {
		v.Status, v.Got = Fail, "unknown (no such name)"
		v.Detail = evidence(hintLine(c.unknownName(r)))
		return v
	}
	if key.side == ServerSide {
		v.Subject = "server " + v.Subject
	}
	if !log.any {
		v = v.unknown("sample", "its state was never seen; a state that is sampled needs operations")
		return v
	}
	var holds bool
	holds, v.Got = c.judge(r, log)
	if !holds {
		v.Status = Fail
		v.Detail = c.evidence(r)
	}
	return v
}

func (c stateClaim) judge(r Results, log *stateLog) (holds bool, got string) {
	at, entered := log.entered(c.state)
	switch c.verb {
	case stateIs:
		return sameState(log.last, c.state), log.last
	case stays:
		if entered && len(log.seen) == 1 {
			return true, log.last
		}
		other := log.seen[0]
		if sameState(other.State, c.state) {
			other = log.seen[1]
		}
		return false, other.State + " at " + offset(tidy(r, other.At))
	}
	got = "never " + c.state
	if entered {
		got = c.state + " at " + offset(tidy(r, at, c.within))
	}
	switch c.verb {
	case never:
		return !entered, got
	case becomesWithin:
		deadline := c.within + allowance(r)
		if entered && at > deadline {
			got += fmt.Sprintf(" (%s late)", FormatDuration(tidy(r, at-c.within)))
		}
		return entered && at <= deadline, got
	}
	return entered, got
}

// allowance is by how much an instant may be late: see requestAllowance.
func allowance(r Results) time.Duration {
	if r.Virtual() {
		return requestAllowance
	}
	return 0
}

func (c stateClaim) unknownName(r Results) string {
	var known []string
	for _, side := range c.of.sides() {
		known = append(known, r.StateNames(side)...)
	}
	if len(known) == 0 {
		return fmt.Sprintf("nothing has a state here: give %q to env.Watch or env.Track", c.of.name)
	}
	hint := "known: " + shortList(known)
	if meant := closest(c.of.name, known); meant != "" {
		hint += fmt.Sprintf("; did you mean %q?", meant)
	}
	return hint
}

func (c stateClaim) evidence(r Results) []string {
	key, log := c.of.find(r)
	if log == nil {
		return nil
	}
	return evidence(line(c.of.label(), stateText(key.name, log)), whenErrors(r), injectedLine(r))
}

func (c stateClaim) on(side Side) (Expectation, error) {
	c.of.chosen, c.of.side = true, side
	return c, nil
}

func (c stateClaim) describe() []Subject {
	return []Subject{{Text: c.of.text(), Side: c.of.side, State: c.of.name, AnySide: !c.of.chosen}}
}
