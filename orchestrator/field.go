package orchestrator

import (
	"fmt"
	"slices"
	"strings"
)

// A field is one key of a mapping and the struct field behind it. The tables of
// fields are all there is to know about the format: reading, writing,
// validating, suggesting and the reference page go by them.
type field[T any] struct {
	name     string
	aliases  []string
	def      string // default, as the reference prints it
	doc      string // one sentence
	required bool
	bind     func(*T) codec
}

// object is a mapping that a struct holds by value; it is absent when all of
// its fields are.
func object[T any](into *T, fields []field[T]) codec { return objectCodec[T]{into, fields} }

type objectCodec[T any] struct {
	into   *T
	fields []field[T]
}

func (c objectCodec[T]) kind() string { return "mapping" }

func (c objectCodec[T]) encode() *node {
	n := &node{kind: mapNode}
	for _, f := range c.fields {
		if value := f.bind(c.into); !value.absent() {
			n.entries = append(n.entries, entry{key: f.name, value: value.encode()})
		}
	}
	return n
}

func (c objectCodec[T]) absent() bool {
	for _, f := range c.fields {
		if !f.bind(c.into).absent() {
			return false
		}
	}
	return true
}

func (c objectCodec[T]) decode(d *decoder, n *node, path string) {
	if n.kind != mapNode {
		d.wrong(n, path, "", "a mapping")
		return
	}
	seen := map[string]entry{}
	for _, e := range n.entries {
		if d.full() {
			return
		}
		f, ok := c.find(e.key)
		if !ok {
			c.unknown(d, e, path)
			continue
		}
		if first, twice := seen[f.name]; twice {
			if !e.merged {
				repeated(d, first, e, path)
			}
			continue
		}
		seen[f.name] = e
		if e.value.kind == nullNode && e.value.expectation == nil {
			continue
		}
		at := join(path, f.name)
		d.places[at] = e.value.place
		if e.value.kind == mapNode || e.value.kind == listNode {
			d.places[at] = e.at
		}
		f.bind(c.into).decode(d, e.value, at)
	}
	for _, f := range c.fields {
		if f.required && !d.has(join(path, f.name)) {
			d.fail(n.place, path, "", "%s is missing", f.name)
		}
	}
}

func (c objectCodec[T]) find(key string) (field[T], bool) {
	for _, f := range c.fields {
		if f.name == key || slices.Contains(f.aliases, key) {
			return f, true
		}
	}
	return field[T]{}, false
}

func (c objectCodec[T]) unknown(d *decoder, e entry, path string) {
	var known []string
	for _, f := range c.fields {
		known = append(append(known, f.name), f.aliases...)
	}
	message := "unknown field"
	if e.key == "" {
		message = "empty field name"
	}
	suggestion := d.closest(e.key, known)
	if home := homeOf(e.key, path); home != "" && suggestion == "" {
		message += ": it belongs in " + home
	}
	d.fail(e.at, join(path, e.key), suggestion, "%s", message)
}

// homeOf names the place of a field that was written at the wrong level, which
// is what happens to most: faults straight in the step.
func homeOf(key, path string) string {
	last := path[strings.LastIndexByte(path, '.')+1:]
	if last != "scenario" && !strings.HasPrefix(last, "steps[") {
		return ""
	}
	for _, f := range configFields() {
		if f.name == key {
			if last == "scenario" {
				return "config"
			}
			return "scenario.config"
		}
	}
	return ""
}

func repeated(d *decoder, first, second entry, path string) {
	where := ""
	if first.at.line > 0 {
		where = fmt.Sprintf(", first on line %d", first.at.line)
	}
	message := "duplicate key" + where
	if first.key != second.key {
		message = fmt.Sprintf("says the same as %s%s", first.key, where)
	}
	if path == "" && (second.key == "name" || second.key == "steps") {
		message += "; if a second orchestration begins here, separate two documents with --- and keep each in a file of its own"
	}
	d.fail(second.at, join(path, second.key), "", "%s", message)
}

// present is a value that is written also where it is empty, because it is
// required.
type present struct{ codec }

func (present) absent() bool { return false }

// optional is a value that a struct holds behind a pointer; nil is absent.
func optional[T any](into **T, inner func(*T) codec) codec { return optionalCodec[T]{into, inner} }

type optionalCodec[T any] struct {
	into  **T
	inner func(*T) codec
}

func (c optionalCodec[T]) kind() string  { return c.inner(new(T)).kind() }
func (c optionalCodec[T]) absent() bool  { return *c.into == nil }
func (c optionalCodec[T]) encode() *node { return c.inner(*c.into).encode() }
func (c optionalCodec[T]) decode(d *decoder, n *node, path string) {
	v := new(T)
	c.inner(v).decode(d, n, path)
	*c.into = v
}

// section is an optional mapping.
func section[T any](into **T, fields []field[T]) codec {
	return optional(into, func(v *T) codec { return object(v, fields) })
}
