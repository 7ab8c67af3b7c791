package assert

import (
	"cmp"
	"slices"
	"strconv"
)

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
