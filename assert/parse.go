package assert

import (
	"slices"
	"strings"
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
