package assert

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A scanner reads words, values and punctuation from an expectation's text.
type scanner struct {
	text string
	pos  int // in bytes
}

func (s *scanner) space() {
	for s.pos < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.pos]) >= 0 {
		s.pos++
	}
}

// take consumes punctuation, after space, or nothing at all.
func (s *scanner) take(punctuation string) bool {
	start := s.pos
	s.space()
	if !strings.HasPrefix(s.text[s.pos:], punctuation) {
		s.pos = start
		return false
	}
	s.pos += len(punctuation)
	return true
}

func (s *scanner) done() bool {
	s.space()
	return s.pos == len(s.text)
}

// run consumes runes while they are in the set.
func (s *scanner) run(in func(rune) bool) string {
	start := s.pos
	for s.pos < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.text[s.pos:])
		if !in(r) || r == utf8.RuneError && size == 1 {
			break
		}
		s.pos += size
	}
	return s.text[start:s.pos]
}

func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-' || r == '.'
}

// word reads a keyword or a subject; "" when there is none.
func (s *scanner) word() string {
	s.space()
	return s.run(isWord)
}

// value reads a number with its unit.
func (s *scanner) value() string {
	s.space()
	return s.run(func(r rune) bool { return !unicode.IsSpace(r) && !strings.ContainsRune("();,<>=~", r) })
}

// name reads a bare or a quoted name that starts right here.
func (s *scanner) name() (string, *SyntaxError) {
	if s.pos == len(s.text) || s.text[s.pos] != '"' {
		return s.run(isWord), nil
	}
	quoted, err := strconv.QuotedPrefix(s.text[s.pos:])
	if err != nil {
		return "", s.errorf(s.pos, "this quoted name does not end, or has a bad escape")
	}
	s.pos += len(quoted)
	name, _ := strconv.Unquote(quoted) // QuotedPrefix has checked it
	return name, nil
}

// nameText is the name as name reads it, quoted only where it must be.
func nameText(name string) string {
	if s := (scanner{text: name}); name != "" && s.run(isWord) == name {
		return name
	}
	return strconv.Quote(name)
}

// errorf makes an error that points at a byte of the text.
func (s *scanner) errorf(at int, format string, args ...any) *SyntaxError {
	return &SyntaxError{
		Text: s.text, Column: utf8.RuneCountInString(s.text[:at]) + 1, Problem: fmt.Sprintf(format, args...),
	}
}
