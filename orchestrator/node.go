package orchestrator

import "github.com/mockforge-go/mockforge/assert"

// A node is one value of a document, whatever format it was written in.
// Reading makes nodes from text and decoding makes structs from nodes; encoding
// goes the other way. Validating a struct is encoding and decoding it, so that
// documents and Go literals meet the same checks.
type node struct {
	kind    nodeKind
	text    string // of a scalar
	items   []*node
	entries []entry

	// expectation stands in for text where a Go value was encoded: one that
	// Func made has no text.
	expectation assert.Expectation

	place
}

// A place is where something stands in a document; zero in a struct literal.
type place struct{ line, column int }

// An entry is a key of a mapping and its value.
type entry struct {
	key    string
	at     place
	value  *node
	merged bool // came in through <<, so the mapping's own keys override it
}

type nodeKind int

const (
	nullNode nodeKind = iota
	boolNode
	intNode
	floatNode
	textNode
	listNode
	mapNode
)

// describe says what a node is, for "… must be a number, not X".
func (n *node) describe() string {
	switch n.kind {
	case nullNode:
		return "nothing"
	case boolNode:
		return n.text
	case intNode, floatNode:
		return "the number " + shorten(n.text)
	case textNode:
		return "the text " + quote(n.text)
	case listNode:
		return "a list"
	default:
		return "a mapping"
	}
}

// Limits of a document. They are far above what anyone writes, and low enough
// that the worst document is dealt with in a second or two.
const (
	maxBytes    = 1 << 20
	maxSteps    = 1000
	maxDepth    = 32
	maxExpanded = 100_000 // nodes that aliases may add
	maxCompared = 100_000 // words to look for suggestions among
)
