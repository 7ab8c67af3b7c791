package assert

import (
	"slices"
	"strings"
	"time"
)

// named reads injected.KIND, circuit_breaker.NAME and state.NAME.
func (p *parser) named(kind, name, word string) (claim, *SyntaxError) {
	at := p.pos
	if name == "" { // it may be quoted
		var err *SyntaxError
		if name, err = p.name(); err != nil {
			return nil, err
		}
		if p.pos == at {
			return nil, p.errorf(at, "a name follows %s", word)
		}
	}
	switch kind {
	case "circuit_breaker":
		return p.state(CircuitBreaker(name))
	case "state":
		return p.state(State(name))
	}
	return p.injected(name)
}

// injected tells a count from a ratio by the unit of what it is compared with.
func (p *parser) injected(fault string) (claim, *SyntaxError) {
	start := p.pos
	op, err := p.operator("injected." + nameText(fault))
	if err != nil {
		return nil, err
	}
	value := p.value()
	p.pos = start
	if op == near || strings.HasSuffix(value, "%") {
		of := Injected(fault)
		l, err := parseLimit(p, of.text(), ratios, near)
		return ratioClaim{of, l}, err
	}
	of := InjectedCount(fault)
	l, err := parseLimit(p, of.text(), counts)
	return countClaim{of, l}, err
}

// plain reads the subjects that have no name.
func (p *parser) plain(word, bare string, start int) (claim, *SyntaxError) {
	switch bare {
	case "error_rate":
		l, err := parseLimit(p, word, ratios, near)
		return ratioClaim{ErrorRate(), l}, err
	case "operations", "requests":
		of := Operations()
		if bare == "requests" {
			of = Requests()
		}
		l, err := parseLimit(p, word, counts)
		return countClaim{of, l}, err
	case "throughput":
		l, err := parseLimit(p, word, rates)
		return rateClaim{l}, err
	case attemptsText:
		l, err := parseLimit(p, word, numbers)
		return numberClaim{l}, err
	case "mean", "max":
		of := Mean()
		if bare == "max" {
			of = Max()
		}
		l, err := parseLimit(p, word, durations)
		return latencyClaim{of, l}, err
	}
	if digits, found := strings.CutPrefix(bare, "p"); found && decimal(digits) {
		q, err := hundredth(digits)
		if err != nil || q <= 0 || q >= 1 {
			e := p.errorf(start, "%q is not a quantile between p0 and p100", word)
			switch {
			case strings.HasPrefix(digits, "99") && !strings.Contains(digits, "."):
				e.Suggestion = "p99." + digits[2:]
			case q >= 1:
				e.Suggestion = "max"
			}
			return nil, e
		}
		l, wrong := parseLimit(p, word, durations)
		return latencyClaim{Latency(q), l}, wrong
	}
	return nil, p.unknownSubject(word, start)
}

func (p *parser) unknownSubject(word string, start int) *SyntaxError {
	if word == "" {
		p.pos = start
		return p.errorf(start, "expected a subject, like error_rate or p99")
	}
	return p.errorf(start, "unknown subject %q", word).suggest(closestSubject(word))
}

func (p *parser) recovery() (claim, *SyntaxError) {
	p.space()
	at := p.pos
	if word := p.word(); word != "within" {
		return nil, p.errorf(at, "recovers is followed by within").suggest("recovers within 20s")
	}
	d, err := p.duration("recovers within")
	return recoveryClaim{d}, err
}

func (p *parser) duration(subject string) (time.Duration, *SyntaxError) {
	return parseValue(p, subject, durations)
}

// state reads what is claimed of a state.
func (p *parser) state(of StateOf) (claim, *SyntaxError) {
	p.space()
	at := p.pos
	verbs := []stateVerb{stateIs, becomes, never, stays}
	c := stateClaim{of: of}
	if !p.take("==") {
		word := p.word()
		i := slices.IndexFunc(verbs, func(v stateVerb) bool { return v.String() == word })
		if i < 0 {
			e := p.errorf(at, "a state is, becomes, never or stays something, not %q", word)
			return nil, e.suggest(closest(word, []string{"is", "becomes", "never", "stays"}))
		}
		c.verb = verbs[i]
	}
	p.space()
	at = p.pos
	var err *SyntaxError
	if c.state, err = p.name(); err != nil {
		return nil, err
	}
	if p.pos == at {
		return nil, p.errorf(at, "a state follows, like open")
	}
	if c.verb != becomes {
		return c, nil
	}
	if at = p.pos; p.word() != "within" {
		p.pos = at
		return c, nil
	}
	c.verb = becomesWithin
	c.within, err = p.duration("becomes within")
	return c, err
}
