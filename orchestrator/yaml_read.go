package orchestrator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// readYAML parses one YAML document.
func readYAML(data []byte) (root *node, problem *Problem) {
	// The parser is known to panic on some malformed input; a document must
	// never end the process.
	defer func() {
		if p := recover(); p != nil {
			root, problem = nil, &Problem{Line: 1, Column: 1, Message: fmt.Sprintf("not YAML: %v", p)}
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first yaml.Node
	if err := decoder.Decode(&first); err != nil {
		if errors.Is(err, io.EOF) {
			return &node{place: place{1, 1}}, nil
		}
		return nil, yamlProblem(data, err)
	}
	for {
		var next yaml.Node
		err := decoder.Decode(&next)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, yamlProblem(data, err)
		}
		if at := content(&next); at.Kind != yaml.ScalarNode || at.ShortTag() != "!!null" {
			return nil, &Problem{Line: at.Line, Column: at.Column,
				Message: "a second document begins here: a file holds one orchestration; move this one to a file of its own"}
		}
	}
	r := yamlReader{open: map[*yaml.Node]bool{}}
	return r.node(&first, 0), r.problem
}

// content is the node inside a document node.
func content(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		return n.Content[0]
	}
	return n
}

// yamlReader turns the parser's nodes into ours, with aliases and merge keys
// resolved.
type yamlReader struct {
	open     map[*yaml.Node]bool // anchors being expanded
	expanded int                 // nodes that aliases added
	aliases  int                 // how deep inside aliases
	problem  *Problem            // the first that makes reading on pointless
}

func (r *yamlReader) fail(n *yaml.Node, message string) *node {
	if r.problem == nil {
		r.problem = &Problem{Line: n.Line, Column: n.Column, Message: message}
	}
	return &node{place: place{n.Line, n.Column}}
}

func (r *yamlReader) node(n *yaml.Node, depth int) *node {
	if r.problem != nil {
		return &node{}
	}
	if depth > maxDepth {
		return r.fail(n, fmt.Sprintf("nested more than %d levels deep", maxDepth))
	}
	if r.aliases > 0 {
		r.expanded++
		if r.expanded > maxExpanded {
			return r.fail(n, fmt.Sprintf("aliases add more than %d values: write the document out", maxExpanded))
		}
	}
	out := &node{place: place{n.Line, n.Column}}
	switch n.Kind {
	case yaml.DocumentNode:
		return r.node(content(n), depth)
	case yaml.AliasNode:
		return r.alias(n, depth)
	case yaml.SequenceNode:
		out.kind, out.items = listNode, make([]*node, 0, len(n.Content))
		for _, item := range n.Content {
			out.items = append(out.items, r.node(item, depth+1))
		}
	case yaml.MappingNode:
		out.kind = mapNode
		r.mapping(out, n, depth)
	default:
		out.kind, out.text = yamlScalar(n), n.Value
	}
	return out
}

func (r *yamlReader) alias(n *yaml.Node, depth int) *node {
	if r.open[n.Alias] {
		return r.fail(n, fmt.Sprintf("the anchor %q contains itself", n.Value))
	}
	r.open[n.Alias] = true
	r.aliases++
	out := r.node(n.Alias, depth)
	r.aliases--
	delete(r.open, n.Alias)
	return out
}

func (r *yamlReader) mapping(out *node, n *yaml.Node, depth int) {
	var merged []entry
	for i := 0; i+1 < len(n.Content) && r.problem == nil; i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			r.fail(key, "a key must be a word")
			return
		}
		if key.ShortTag() == "!!merge" {
			merged = append(merged, r.merge(value, depth)...)
			continue
		}
		out.entries = append(out.entries, entry{key: key.Value, at: place{n.Content[i].Line, n.Content[i].Column}, value: r.node(value, depth+1)})
	}
	// They come last: whoever decodes takes the first of a name.
	for _, e := range merged {
		e.merged = true
		out.entries = append(out.entries, e)
	}
}

// merge returns what a << key brings in: a mapping's entries, or those of
// several mappings of which the first wins.
func (r *yamlReader) merge(n *yaml.Node, depth int) []entry {
	value := r.node(n, depth+1)
	switch value.kind {
	case mapNode:
		return value.entries
	case listNode:
		var all []entry
		for _, item := range value.items {
			if item.kind != mapNode {
				r.fail(n, "<< takes mappings")
				return nil
			}
			all = append(all, item.entries...)
		}
		return all
	}
	r.fail(n, "<< takes a mapping")
	return nil
}

func yamlScalar(n *yaml.Node) nodeKind {
	switch n.ShortTag() {
	case "!!null":
		return nullNode
	case "!!bool":
		return boolNode
	case "!!int":
		return intNode
	case "!!float":
		return floatNode
	}
	return textNode // !!timestamp too: dates are read where one is wanted
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// yamlProblem gives the parser's error its position.
func yamlProblem(data []byte, err error) *Problem {
	p := &Problem{Line: 1, Column: 1}
	text := err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		if n, convErr := strconv.Atoi(m[1]); convErr == nil && n > 0 {
			p.Line = n
		}
		text = text[len(m[0]):]
	}
	p.Message = "not YAML: " + shorten(strings.ReplaceAll(text, "\n", " "))
	// Two parser lines around the reported one, because it counts some
	// errors from 0.
	lines := strings.Split(string(data), "\n")
	for i := p.Line - 1; i <= p.Line && i < len(lines); i++ {
		if indent, _, _ := strings.Cut(lines[i], strings.TrimLeft(lines[i], " \t")); strings.Contains(indent, "\t") {
			p.Line, p.Column = i+1, strings.Index(lines[i], "\t")+1
			p.Message = "not YAML: a tab indents this line; use spaces"
			break
		}
	}
	return p
}
