package orchestrator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

func writeJSON(w io.Writer, root *node) error {
	var compact, out bytes.Buffer
	appendJSON(&compact, root)
	if err := json.Indent(&out, compact.Bytes(), "", "  "); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	out.WriteByte('\n')
	_, err := w.Write(out.Bytes())
	return err
}

func appendJSON(b *bytes.Buffer, n *node) {
	switch n.kind {
	case listNode:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			appendJSON(b, item)
		}
		b.WriteByte(']')
	case mapNode:
		b.WriteByte('{')
		for i, e := range n.entries {
			if i > 0 {
				b.WriteByte(',')
			}
			appendJSONText(b, e.key)
			b.WriteByte(':')
			appendJSON(b, e.value)
		}
		b.WriteByte('}')
	case textNode:
		appendJSONText(b, n.text)
	case nullNode:
		b.WriteString("null")
	default:
		b.WriteString(n.text)
	}
}

func appendJSONText(b *bytes.Buffer, s string) {
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false) // "error_rate <= 1%" must stay readable
	// Encoding a string cannot fail, and the line break that ends it is white
	// space, which indenting removes.
	_ = encoder.Encode(s)
}
