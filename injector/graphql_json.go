package injector

import (
	"encoding/json"
	"slices"
	"strings"
)

// maxJSONDepth is how deep a response may be whose data are nulled.
const maxJSONDepth = 256

// A jsonValue is a value in a text of JSON: where it stands, and what is in it.
type jsonValue struct {
	start, end int
	parent     *jsonValue
	name       string // in an object
	index      int    // in a list; -1: in an object, or nowhere
	inside     []*jsonValue
}

// scanJSON finds the values in a text; nil: it is not JSON, or too deep.
func scanJSON(text []byte) *jsonValue {
	if !json.Valid(text) {
		return nil
	}
	s := jsonScanner{text: text}
	root := &jsonValue{index: -1}
	if !s.value(root, 0) {
		return nil
	}
	return root
}

// A jsonScanner goes through JSON that is known to be valid.
type jsonScanner struct {
	text []byte
	at   int
}

// value reads a value. It reports false where it is too deep.
func (s *jsonScanner) value(v *jsonValue, depth int) bool {
	v.start = s.blank()
	switch c := s.text[s.at]; c {
	case '{', '[':
		if depth >= maxJSONDepth {
			return false
		}
		s.at++
		for i := 0; s.text[s.blank()] != c+2; i++ { // ASCII: the closing one
			if s.text[s.at] == ',' {
				s.at++
			}
			one := &jsonValue{parent: v, index: i}
			if c == '{' {
				from := s.blank()
				s.quoted()
				_ = json.Unmarshal(s.text[from:s.at], &one.name) // it is valid
				one.index = -1
				s.blank()
				s.at++ // the colon
			}
			if !s.value(one, depth+1) {
				return false
			}
			v.inside = append(v.inside, one)
		}
		s.at++
	case '"':
		s.quoted()
	default:
		for s.at < len(s.text) && strings.IndexByte(",]} \t\r\n", s.text[s.at]) < 0 {
			s.at++
		}
	}
	v.end = s.at
	return true
}

// blank passes white space and returns where it ended.
func (s *jsonScanner) blank() int {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
	return s.at
}

func (s *jsonScanner) quoted() {
	for s.at++; s.text[s.at] != '"'; s.at++ {
		if s.text[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
}

// is reports whether the value begins with a character: { [ " or n of null.
func (v *jsonValue) is(text []byte, c byte) bool { return v != nil && text[v.start] == c }

// member is a member of an object; nil: there is none.
func (v *jsonValue) member(name string) *jsonValue {
	for _, m := range v.inside {
		if m.index < 0 && m.name == name {
			return m
		}
	}
	return nil
}

// path is the way to the value from one that it is in.
func (v *jsonValue) path(from *jsonValue) []any {
	var out []any
	for ; v != from; v = v.parent {
		if v.index >= 0 {
			out = append(out, v.index)
		} else {
			out = append(out, v.name)
		}
	}
	slices.Reverse(out)
	return out
}
