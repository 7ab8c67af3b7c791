package orchestrator

import (
	"cmp"
	"fmt"
	"time"
)

// span is [min, max] in milliseconds; both zero is absent.
func span(into *[2]time.Duration) codec {
	return pairCodec[time.Duration]{into, millis, "two numbers", "[min, max] in milliseconds"}
}

// countSpan is [min, max] of a count; both zero is absent.
func countSpan(into *[2]int) codec {
	count := func(n *int) codec { return integer(n, fromOne) }
	return pairCodec[int]{into, count, "two whole numbers", "[min, max], whole numbers from 1"}
}

// A pairCodec is a list of a minimum and a maximum; both zero is absent.
type pairCodec[T cmp.Ordered] struct {
	into  *[2]T
	each  func(*T) codec
	holds string // what the list has to hold
	words string // the kind
}

func (c pairCodec[T]) kind() string { return c.words }
func (c pairCodec[T]) absent() bool { return *c.into == [2]T{} }
func (c pairCodec[T]) encode() *node {
	return &node{kind: listNode, items: []*node{c.each(&c.into[0]).encode(), c.each(&c.into[1]).encode()}}
}

func (c pairCodec[T]) decode(d *decoder, n *node, path string) {
	if n.kind != listNode {
		suggestion := ""
		if _, ok := integral(n); ok {
			suggestion = fmt.Sprintf("[%s, %s]", n.text, n.text)
		}
		d.wrong(n, path, suggestion, "a list of "+c.holds+", [min, max]")
		return
	}
	if len(n.items) != 2 {
		d.fail(n.place, path, "", "must be a list of %s, [min, max], not of %d", c.holds, len(n.items))
		return
	}
	problems := len(d.problems)
	for i, item := range n.items {
		c.each(&c.into[i]).decode(d, item, index(path, i))
	}
	if len(d.problems) == problems && c.into[0] > c.into[1] {
		d.fail(n.place, path, fmt.Sprintf("[%s, %s]", n.items[1].text, n.items[0].text), "the minimum is above the maximum")
	}
}
