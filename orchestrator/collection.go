package orchestrator

import (
	"sort"
	"strings"
)

// list is a sequence of values; nil is absent. A single value may stand for a
// list of one where orOne is set.
func list[T any](into *[]T, orOne bool, each func(*T) codec) codec {
	return listCodec[T]{into, orOne, each}
}

type listCodec[T any] struct {
	into  *[]T
	orOne bool
	each  func(*T) codec
}

func (c listCodec[T]) absent() bool { return *c.into == nil }

func (c listCodec[T]) kind() string {
	one := c.each(new(T)).kind()
	if c.orOne {
		return one + ", or a list of them"
	}
	return "list of " + one
}

func (c listCodec[T]) encode() *node {
	n := &node{kind: listNode}
	for i := range *c.into {
		n.items = append(n.items, c.each(&(*c.into)[i]).encode())
	}
	return n
}

func (c listCodec[T]) decode(d *decoder, n *node, path string) {
	items := n.items
	switch {
	case n.kind == listNode:
	case c.orOne && n.kind != mapNode:
		items = []*node{n}
	default:
		d.wrong(n, path, "", "a list")
		return
	}
	*c.into = make([]T, len(items))
	for i, item := range items {
		if d.full() {
			return
		}
		at := index(path, i)
		d.places[at] = item.place
		c.each(&(*c.into)[i]).decode(d, item, at)
	}
}

// dict is a mapping with names of the user's choice; nil is absent.
func dict[T any](into *map[string]T, each func(*T) codec) codec { return dictCodec[T]{into, each} }

type dictCodec[T any] struct {
	into *map[string]T
	each func(*T) codec
}

func (c dictCodec[T]) absent() bool { return *c.into == nil }
func (c dictCodec[T]) kind() string { return "mapping of name to " + c.each(new(T)).kind() }

func (c dictCodec[T]) encode() *node {
	n := &node{kind: mapNode}
	keys := make([]string, 0, len(*c.into))
	for key := range *c.into {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		value := (*c.into)[key]
		n.entries = append(n.entries, entry{key: key, value: c.each(&value).encode()})
	}
	return n
}

func (c dictCodec[T]) decode(d *decoder, n *node, path string) {
	if n.kind != mapNode {
		d.wrong(n, path, "", "a mapping of names")
		return
	}
	*c.into = make(map[string]T, len(n.entries))
	seen := map[string]entry{}
	for _, e := range n.entries {
		if d.full() {
			return
		}
		at := join(path, e.key)
		if strings.TrimSpace(e.key) == "" || unprintable(e.key) {
			d.fail(e.at, path, "", "the name %s is empty or has unprintable characters", quote(e.key))
			continue
		}
		if first, twice := seen[e.key]; twice {
			if !e.merged {
				repeated(d, first, e, path)
			}
			continue
		}
		seen[e.key] = e
		d.places[at] = e.at
		var value T
		if e.value.kind == nullNode {
			// A name with nothing behind it is declared, with every default.
			e.value = &node{kind: mapNode, place: e.value.place}
		}
		c.each(&value).decode(d, e.value, at)
		(*c.into)[e.key] = value
	}
}
