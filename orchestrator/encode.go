package orchestrator

import (
	"fmt"
	"io"

	"github.com/mockforge-go/mockforge/assert"
)

// Encode writes an orchestration as a document that loads as the same
// orchestration. Only what was set is written, always in the same order.
//
// It refuses an orchestration that is not valid, with an *InvalidError, and one
// with an expectation that has no text because assert.Func made it.
func Encode(w io.Writer, o *Orchestration, format Format) error {
	format, err := ParseFormat(string(format))
	if err != nil {
		return fmt.Errorf("encode orchestration: %w", err)
	}
	if _, err := o.Validate(); err != nil {
		return fmt.Errorf("encode orchestration: %w", err)
	}
	root := object(o, orchestrationFields()).encode()
	if path, e := unwritable(root, ""); e != nil {
		return fmt.Errorf("encode orchestration: %s: the expectation %q has no text that could be read again: only values that package assert made from its own language can be written, not assert.Func", path, e.String())
	}
	if format == JSON {
		return writeJSON(w, root)
	}
	return writeYAML(w, root)
}

// unwritable finds an expectation that no document can hold.
func unwritable(n *node, path string) (string, assert.Expectation) {
	if n.expectation != nil && !assert.Encodable(n.expectation) {
		return path, n.expectation
	}
	for _, e := range n.entries {
		if at, bad := unwritable(e.value, join(path, e.key)); bad != nil {
			return at, bad
		}
	}
	for i, item := range n.items {
		if at, bad := unwritable(item, index(path, i)); bad != nil {
			return at, bad
		}
	}
	return "", nil
}
