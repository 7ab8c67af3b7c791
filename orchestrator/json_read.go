package orchestrator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// readJSON parses one JSON document.
func readJSON(data []byte) (*node, *Problem) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(bytes.TrimSpace(data)) == 0 {
		return &node{place: place{1, 1}}, nil
	}
	r := &jsonReader{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), at: place{1, 1}}
	// The whole text is checked first: the token reader below stops at the end
	// of the first value.
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, r.syntax(err)
	}
	r.decoder.UseNumber()
	root := r.node(0)
	return root, r.problem
}

type jsonReader struct {
	data    []byte
	decoder *json.Decoder
	scanned int   // how far at has counted
	at      place // of data[scanned]
	problem *Problem
}

// advance moves the position to an offset, which must not go back.
func (r *jsonReader) advance(offset int) place {
	for r.scanned < offset && r.scanned < len(r.data) {
		c, size := utf8.DecodeRune(r.data[r.scanned:])
		r.scanned += size
		r.at.column++
		if c == '\n' {
			r.at = place{r.at.line + 1, 1}
		}
	}
	return r.at
}

// token returns the next token and where it begins.
func (r *jsonReader) token() (json.Token, place) {
	offset := int(r.decoder.InputOffset())
	for offset < len(r.data) && strings.IndexByte(" \t\r\n,:", r.data[offset]) >= 0 {
		offset++
	}
	at := r.advance(offset)
	token, err := r.decoder.Token()
	if err != nil && r.problem == nil {
		r.problem = r.syntax(err)
	}
	return token, at
}

func (r *jsonReader) node(depth int) *node {
	token, at := r.token()
	return r.value(token, at, depth)
}

func (r *jsonReader) value(token json.Token, at place, depth int) *node {
	n := &node{place: at}
	if depth > maxDepth && r.problem == nil {
		r.problem = &Problem{Line: at.line, Column: at.column, Message: fmt.Sprintf("nested more than %d levels deep", maxDepth)}
	}
	if r.problem != nil {
		return n
	}
	switch v := token.(type) {
	case bool:
		n.kind, n.text = boolNode, fmt.Sprint(v)
	case json.Number:
		n.kind, n.text = intNode, v.String()
		if strings.ContainsAny(n.text, ".eE") {
			n.kind = floatNode
		}
	case string:
		n.kind, n.text = textNode, v
	case json.Delim:
		if v == '[' {
			n.kind, n.items = listNode, []*node{}
			for r.problem == nil && r.decoder.More() {
				n.items = append(n.items, r.node(depth+1))
			}
		} else {
			n.kind = mapNode
			for r.problem == nil && r.decoder.More() {
				key, keyAt := r.token()
				name, _ := key.(string)
				n.entries = append(n.entries, entry{key: name, at: keyAt, value: r.node(depth + 1)})
			}
		}
		r.token() // the closing one
	}
	return n
}

// syntax gives the decoder's error its position.
func (r *jsonReader) syntax(err error) *Problem {
	offset := len(r.data)
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		offset = max(0, int(syntax.Offset)-1)
	}
	at := r.advance(offset)
	message := "not JSON: " + shorten(err.Error())
	if strings.Contains(message, "after top-level value") {
		message = "a second document begins here: a file holds one orchestration; move this one to a file of its own"
	}
	return &Problem{Line: at.line, Column: at.column, Message: message}
}
