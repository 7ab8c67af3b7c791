package orchestrator

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// text is a string; "" is absent.
func text[S ~string](into *S) codec { return textCodec[S]{into: into} }

// name is a one-line string that is not blank.
func name(into *string) codec { return textCodec[string]{into: into, oneLine: true} }

type textCodec[S ~string] struct {
	into    *S
	oneLine bool
}

func (c textCodec[S]) kind() string  { return "text" }
func (c textCodec[S]) absent() bool  { return *c.into == "" }
func (c textCodec[S]) encode() *node { return &node{kind: textNode, text: string(*c.into)} }

func (c textCodec[S]) decode(d *decoder, n *node, path string) {
	switch {
	case n.kind == boolNode || n.kind == intNode || n.kind == floatNode:
		d.fail(n.place, path, "", "must be text, not %s: put it in quotes", n.describe())
	case n.kind != textNode:
		d.wrong(n, path, "", "text")
	case !utf8.ValidString(n.text):
		d.fail(n.place, path, "", "is not valid UTF-8")
	case c.oneLine && strings.TrimSpace(n.text) == "":
		d.fail(n.place, path, "", "must not be empty")
	case c.oneLine && unprintable(n.text):
		d.fail(n.place, path, "", "%s has unprintable characters", quote(n.text))
	}
	*c.into = S(n.text)
}

// unprintable reports whether a name cannot stand in a header or on one line.
func unprintable(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// word is one of a few strings; "" is absent. Spellings map to words.
func word[S ~string](into *S, spellings map[string]S, words ...S) codec {
	return wordCodec[S]{into, spellings, words}
}

type wordCodec[S ~string] struct {
	into      *S
	spellings map[string]S
	words     []S
}

func (c wordCodec[S]) absent() bool  { return *c.into == "" }
func (c wordCodec[S]) encode() *node { return &node{kind: textNode, text: string(*c.into)} }
func (c wordCodec[S]) kind() string  { return enumerate(c.words) }

func (c wordCodec[S]) decode(d *decoder, n *node, path string) {
	value := S(n.text)
	if other, ok := c.spellings[n.text]; ok {
		value = other
	}
	if n.kind != textNode || !slices.Contains(c.words, value) {
		known := make([]string, len(c.words))
		for i, w := range c.words {
			known[i] = string(w)
		}
		d.wrong(n, path, d.closest(n.text, known), enumerate(c.words))
	}
	*c.into = value
}

// enumerate reads "a, b or c".
func enumerate[S ~string](words []S) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}

// flag is a bool; false is absent.
func flag(into *bool) codec { return flagCodec{into} }

// switched is a bool that may be unset.
func switched(into **bool) codec { return optional(into, flag) }

type flagCodec struct{ into *bool }

func (c flagCodec) kind() string  { return "true or false" }
func (c flagCodec) absent() bool  { return !*c.into }
func (c flagCodec) encode() *node { return &node{kind: boolNode, text: strconv.FormatBool(*c.into)} }

func (c flagCodec) decode(d *decoder, n *node, path string) {
	if n.kind != boolNode {
		suggestion := ""
		switch strings.ToLower(n.text) {
		case "yes", "on", "y", "1", "true":
			suggestion = "true"
		case "no", "off", "n", "0", "false":
			suggestion = "false"
		}
		d.wrong(n, path, suggestion, "true or false")
		return
	}
	*c.into = strings.EqualFold(n.text, "true")
}

// scalar is text that may be written without quotes even where it looks like a
// number, such as a header's value.
func scalar(into *string) codec { return scalarCodec{textCodec[string]{into: into}} }

type scalarCodec struct{ textCodec[string] }

func (c scalarCodec) decode(d *decoder, n *node, path string) {
	switch n.kind {
	case boolNode, intNode, floatNode:
		*c.into = n.text
	default:
		c.textCodec.decode(d, n, path)
	}
}
