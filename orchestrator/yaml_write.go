package orchestrator

import (
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

func writeYAML(w io.Writer, root *node) error {
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(yamlNode(root)); err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	return nil
}

func yamlNode(n *node) *yaml.Node {
	switch n.kind {
	case listNode:
		out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range n.items {
			out.Content = append(out.Content, yamlNode(item))
		}
		if brief(n) {
			out.Style = yaml.FlowStyle
		}
		return out
	case mapNode:
		out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, e := range n.entries {
			out.Content = append(out.Content, yamlText(e.key), yamlNode(e.value))
		}
		if len(n.entries) == 0 {
			out.Style = yaml.FlowStyle
		}
		return out
	case textNode:
		return yamlText(n.text)
	case boolNode:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: n.text}
	case intNode:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: n.text}
	case floatNode:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: n.text}
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	}
}

// brief reports whether a list reads better on one line: it is empty, or holds
// numbers only.
func brief(n *node) bool {
	for _, item := range n.items {
		if item.kind != intNode && item.kind != floatNode {
			return false
		}
	}
	return true
}

// yamlText chooses a style in which text is read back as it is: the library's
// own choice loses line breaks at either end of a line.
func yamlText(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if !strings.Contains(s, "\n") {
		return n
	}
	n.Style = yaml.LiteralStyle
	for line := range strings.Lines(s) {
		if line = strings.TrimRight(line, "\n"); line == "" || line != strings.TrimSpace(line) {
			n.Style = yaml.DoubleQuotedStyle
		}
	}
	return n
}
