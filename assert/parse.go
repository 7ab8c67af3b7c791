package assert

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	longestText  = 16 << 10 // bytes
	deepestClaim = 50       // all(any(not(…
)

// Parse reads one expectation, such as "p99 <= 800ms". The error is a
// *SyntaxError, which points into the text. Text is at most 16 KiB long and 50
// parentheses deep.
func Parse(text string) (Expectation, error) {
	p := &parser{scanner{text: text}}
	e, err := p.whole()
	if err != nil {
		return nil, err
	}
	return e, nil
}

// MustParse is Parse for literals: it panics where Parse returns an error.
func MustParse(text string) Expectation {
	p := &parser{scanner{text: text}}
	e, err := p.whole()
	if err != nil {
		panic("assert: " + err.Problem + "\n" + err.Pointer())
	}
	return e
}

type parser struct{ scanner }

func (p *parser) whole() (Expectation, *SyntaxError) {
	switch {
	case len(p.text) > longestText:
		p.text = p.text[:40] + "…"
		return nil, p.errorf(0, "an expectation has at most %d bytes", longestText)
	case !utf8.ValidString(p.text):
		return nil, p.errorf(0, "an expectation is UTF-8 text")
	case p.done():
		return nil, p.errorf(0, "an expectation is empty")
	}
	e, err := p.expectation(0)
	if err != nil {
		return nil, err
	}
	at := p.pos
	if word := p.word(); word == "over" {
		window, err := p.duration("a window")
		if err != nil {
			return nil, err
		}
		if window <= 0 {
			return nil, p.errorf(at, "a window needs a length")
		}
		e = Over(e, window)
	} else {
		p.pos = at
	}
	if !p.done() {
		return nil, p.errorf(p.pos, "%q is too much here", p.text[p.pos:])
	}
	return e, nil
}

// expectation reads a combination, a recovery, or a claim about a subject.
func (p *parser) expectation(depth int) (Expectation, *SyntaxError) {
	p.space()
	start := p.pos
	if depth > deepestClaim {
		return nil, p.errorf(start, "more than %d parentheses deep", deepestClaim)
	}
	word := p.word()
	if p.take("(") {
		return p.combination(word, start, depth)
	}
	side, bare, sided := cutSide(word)
	var c claim
	var err *SyntaxError
	switch kind, name, dotted := strings.Cut(bare, "."); {
	case bare == "recovers":
		c, err = p.recovery()
	case dotted && slices.Contains([]string{"injected", "circuit_breaker", "state"}, kind):
		c, err = p.named(kind, name, word)
	default:
		c, err = p.plain(word, bare, start)
	}
	if err != nil {
		return nil, err
	}
	if !sided {
		if c, ok := c.(countClaim); ok && c.of.kind == countRequests {
			return nil, p.errorf(start, "unknown subject %q", word).suggest("server.requests")
		}
		return c, nil
	}
	e, wrong := c.on(side)
	if wrong != nil {
		return nil, p.errorf(start, "%v", wrong)
	}
	return e, nil
}

// cutSide removes client. or server. from a subject.
func cutSide(word string) (side Side, rest string, found bool) {
	for _, side := range []Side{ClientSide, ServerSide} {
		if rest, found := strings.CutPrefix(word, side.String()+"."); found {
			return side, rest, true
		}
	}
	return ClientSide, word, false
}

func (p *parser) combination(word string, start, depth int) (Expectation, *SyntaxError) {
	if !slices.Contains([]string{"all", "any", "not"}, word) {
		return nil, p.errorf(start, "%q does not combine expectations", word).suggest(closest(word, []string{"all(…)", "any(…)", "not(…)"}))
	}
	var members []Expectation
	for {
		e, err := p.expectation(depth + 1)
		if err != nil {
			return nil, err
		}
		members = append(members, e)
		if p.take(")") {
			break
		}
		if !p.take(";") {
			return nil, p.expected(word, len(members))
		}
	}
	switch {
	case word == "all":
		return allOf{members}, nil
	case word == "any":
		return anyOf{members}, nil
	case len(members) > 1:
		return nil, p.errorf(start, "not takes one expectation").suggest("not(all(…; …))")
	}
	return notOf{members[0]}, nil
}

// expected says what is missing after a member of a combination.
func (p *parser) expected(word string, members int) *SyntaxError {
	p.space()
	at := p.pos
	switch {
	case at == len(p.text):
		return p.errorf(at, "%s( is not closed", word)
	case p.take(","):
		return p.errorf(at, "members are separated by ;").suggest(";")
	case p.word() == "over":
		return p.errorf(at, "a window belongs to the whole expectation: write it after the last )")
	}
	return p.errorf(at, "expected ; or ) after member %d of %s", members, word)
}

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

// parseLimit reads an operator and what follows it. extra lists operators that
// not every subject has.
func parseLimit[T cmp.Ordered](p *parser, subject string, u unit[T], extra ...operator) (limit[T], *SyntaxError) {
	var l limit[T]
	p.space()
	at := p.pos
	op, err := p.operator(subject)
	if err != nil {
		return l, err
	}
	if op == near && !slices.Contains(extra, near) {
		return l, p.errorf(at, "~ compares a ratio with a probability; %s has none", subject).suggest("between")
	}
	l.op = op
	if l.a, err = parseValue(p, subject, u); err != nil || op != between {
		return l, err
	}
	p.space()
	if at = p.pos; p.word() != "and" {
		return l, p.errorf(at, "between takes two values").suggest("between A and B")
	}
	at = p.pos
	if l.b, err = parseValue(p, subject, u); err == nil && l.a > l.b {
		err = p.errorf(at+1, "the smaller value comes first after between")
	}
	return l, err
}

func (p *parser) operator(subject string) (operator, *SyntaxError) {
	p.space()
	at := p.pos
	for _, wrong := range [][2]string{{"=<", "<="}, {"=>", ">="}, {"!=", "not(… == …)"}} {
		if p.take(wrong[0]) {
			return 0, p.errorf(at, "unknown operator %s", wrong[0]).suggest(wrong[1])
		}
	}
	for _, o := range []struct {
		text string
		op   operator
	}{{"<=", atMost}, {"≤", atMost}, {">=", atLeast}, {"≥", atLeast}, {"==", equal}, {"<", below}, {">", above}, {"~", near}} {
		if p.take(o.text) {
			return o.op, nil
		}
	}
	if p.take("=") {
		return 0, p.errorf(at, "unknown operator =").suggest("==")
	}
	word := p.word()
	if word == "between" {
		return between, nil
	}
	e := p.errorf(at, "expected an operator after %s: <= >= < > == ~ or between", subject)
	return 0, e.suggest(closest(word, []string{"between"}))
}

func parseValue[T any](p *parser, subject string, u unit[T]) (T, *SyntaxError) {
	p.space()
	at := p.pos
	text := p.value()
	v, err := u.read(text)
	if err == nil {
		return v, nil
	}
	if text == "" {
		return v, p.errorf(at, "%s is compared with %s", subject, u.what)
	}
	e := p.errorf(at, "%s is compared with %s, not %s", subject, u.what, strconv.Quote(text))
	if u.guess != nil {
		e.Suggestion = u.guess(text)
	}
	return v, e
}

// closestSubject suggests a subject for an unknown one.
func closestSubject(word string) string {
	switch word {
	case "requests":
		return "server.requests"
	case "avg", "average":
		return "mean"
	case "error", "errors", "failures", "failure_rate":
		return "error_rate"
	case "rps":
		return "throughput"
	case "ops":
		return "operations"
	case "attempts", "retries":
		return attemptsText
	case "latency":
		return "p99"
	case "circuit_breaker", "breaker":
		return "circuit_breaker.NAME"
	case "injected", "state":
		return word + ".NAME"
	}
	if kind, name, dotted := strings.Cut(word, "."); dotted {
		if kind == "breaker" {
			return "circuit_breaker." + name
		}
		for _, prefix := range []string{"client", "server"} {
			if meant := closest(name, []string{"error_rate", "requests"}); kind == prefix && meant != "" {
				return prefix + "." + meant
			}
		}
		if meant := closest(kind, []string{"injected", "circuit_breaker", "state", "server", "client"}); meant != "" && meant != kind {
			return fmt.Sprintf("%s.%s", meant, name)
		}
		return ""
	}
	return closest(word, []string{"error_rate", "throughput", "operations", attemptsText, "recovers", "mean", "max", "p50", "p90", "p95", "p99"})
}
