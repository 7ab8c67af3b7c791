package injector

import (
	"errors"
	"strings"
)

// errGraphQL says that a text is no GraphQL document, or none that can be read
// within bounds. Such a text is passed on: its server says what is wrong.
var errGraphQL = errors.New("not a GraphQL document")

// A lexeme is what a token of a GraphQL document is.
type lexeme uint8

const (
	lexEnd lexeme = iota
	lexName
	lexNumber
	lexString // block strings too
	lexSpread // ...
	lexMark   // any other punctuator, in text
)

// A lexer reads the tokens of a GraphQL document, one at a time. It accepts a
// little more than the language: numbers and the escapes of strings are not
// looked into.
type lexer struct {
	src  string
	at   int
	kind lexeme
	text string // of the token; of a string, with its quotes
}

// next reads a token.
func (l *lexer) next() error {
	l.skip()
	start := l.at
	if start >= len(l.src) {
		l.kind, l.text = lexEnd, ""
		return nil
	}
	c := l.src[start]
	switch {
	case isNameStart(c):
		l.kind, l.at = lexName, l.span(start, isNamePart)
	case c == '-' || isDigit(c):
		l.kind, l.at = lexNumber, l.span(start+1, func(c byte) bool { return isNamePart(c) || c == '.' || c == '+' || c == '-' })
	case c == '"':
		end := l.quoted(start)
		if end < 0 {
			return errGraphQL
		}
		l.kind, l.at = lexString, end
	case strings.HasPrefix(l.src[start:], "..."):
		l.kind, l.at = lexSpread, start+3
	case strings.IndexByte("!$&():=@[]{|}", c) >= 0:
		l.kind, l.at = lexMark, start+1
	default:
		return errGraphQL
	}
	l.text = l.src[start:l.at]
	return nil
}

// skip passes white space, commas, comments and byte order marks.
func (l *lexer) skip() {
	for l.at < len(l.src) {
		switch c := l.src[l.at]; {
		case c == ' ', c == '\t', c == '\n', c == '\r', c == ',':
			l.at++
		case c == '#':
			n := strings.IndexAny(l.src[l.at:], "\r\n")
			if n < 0 {
				n = len(l.src) - l.at
			}
			l.at += n
		case strings.HasPrefix(l.src[l.at:], "\ufeff"):
			l.at += len("\ufeff")
		default:
			return
		}
	}
}

func (l *lexer) span(from int, in func(byte) bool) int {
	for from < len(l.src) && in(l.src[from]) {
		from++
	}
	return from
}

// quoted is where the string that starts at an offset ends; -1: nowhere.
func (l *lexer) quoted(start int) int {
	if strings.HasPrefix(l.src[start:], `"""`) {
		for i := start + 3; i < len(l.src); i++ {
			switch rest := l.src[i:]; {
			case strings.HasPrefix(rest, `\"""`):
				i += 3
			case strings.HasPrefix(rest, `"""`):
				return i + 3
			}
		}
		return -1
	}
	for i := start + 1; i < len(l.src); i++ {
		switch l.src[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		case '\n', '\r':
			return -1
		}
	}
	return -1
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isNameStart(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }

func isNamePart(c byte) bool { return isNameStart(c) || isDigit(c) }

// isName reports whether s is a name of GraphQL.
func isName(s string) bool {
	if s == "" || !isNameStart(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !isNamePart(s[i]) {
			return false
		}
	}
	return true
}
