package orchestrator

import (
	"errors"
	"fmt"

	"github.com/mockforge-go/mockforge/assert"
)

// expectation is an assert.Expectation; nil is absent.
func expectation(into *assert.Expectation) codec { return expectationCodec{into} }

// expectations is a list of them, or a single one.
func expectations(into *[]assert.Expectation) codec { return list(into, true, expectation) }

type expectationCodec struct{ into *assert.Expectation }

func (c expectationCodec) kind() string { return "expectation" }
func (c expectationCodec) absent() bool { return *c.into == nil }

func (c expectationCodec) encode() *node {
	if *c.into == nil {
		return &node{}
	}
	return &node{kind: textNode, text: (*c.into).String(), expectation: *c.into}
}

func (c expectationCodec) decode(d *decoder, n *node, path string) {
	if n.expectation != nil {
		*c.into = n.expectation
		return
	}
	if n.kind != textNode {
		d.wrong(n, path, "", `an expectation, such as "error_rate <= 1%"`)
		return
	}
	e, err := assert.Parse(n.text)
	if err == nil {
		*c.into = e
		return
	}
	message, suggestion := "not an expectation: "+err.Error(), ""
	if syntax := (*assert.SyntaxError)(nil); errors.As(err, &syntax) {
		message = fmt.Sprintf("not an expectation: %s, at character %d of %s", syntax.Problem, syntax.Column, quote(n.text))
		suggestion = syntax.Suggestion
	}
	d.fail(n.place, path, suggestion, "%s", message)
}
