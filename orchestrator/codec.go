package orchestrator

import (
	"fmt"
	"strings"
)

// A codec moves one Go value out of and into a document. It is bound to the
// variable that holds the value.
type codec interface {
	// decode reads a node that is there and not null.
	decode(d *decoder, n *node, path string)
	// encode returns the value as a node, also where it is zero.
	encode() *node
	// absent reports whether the value is one that a document leaves out.
	absent() bool
	// kind says in a few words what the document must hold: "number, 0–1".
	kind() string
}

// A decoder collects what it finds: problems, and where each value stands.
type decoder struct {
	problems []Problem
	places   map[string]place
	compared int // words that suggestions were looked for among
}

// full reports whether nothing more is listed, so that there is no point in
// looking further.
func (d *decoder) full() bool { return len(d.problems) >= maxProblems }

// closest suggests a known word, until the document has asked too often.
func (d *decoder) closest(word string, known []string) string {
	d.compared += len(known)
	if d.compared > maxCompared {
		return ""
	}
	return closest(word, known)
}

func (d *decoder) fail(at place, path, suggestion, format string, args ...any) {
	if d.full() {
		return
	}
	message := fmt.Sprintf(format, args...)
	if len(d.problems) == maxProblems-1 {
		path, suggestion, message = "", "", fmt.Sprintf("more than %d problems: the rest is not listed", maxProblems-1)
	}
	d.problems = append(d.problems, Problem{Line: at.line, Column: at.column, Path: path, Message: message, Suggestion: suggestion})
}

// wrong reports a value of the wrong type.
func (d *decoder) wrong(n *node, path, suggestion, want string) {
	d.fail(n.place, path, suggestion, "must be %s, not %s", want, n.describe())
}

// at is where a path stands, or, where the document does not have it, the
// closest thing around it.
func (d *decoder) at(path string) place {
	for {
		if p, ok := d.places[path]; ok || path == "" {
			return p
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}

// has reports whether the document holds a path, other than as null.
func (d *decoder) has(path string) bool {
	_, ok := d.places[path]
	return ok
}

// join is the path of a key. Keys that would make a path ambiguous are quoted.
func join(path, key string) string {
	if key == "" || strings.ContainsAny(key, ".[]\" \n") {
		return fmt.Sprintf("%s[%s]", path, quote(key))
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
