package orchestrator

import (
	"slices"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
)

// claims checks what expectations name. stop says that they are stop
// conditions, and load whether the document drives any where they are checked.
func (c *checker) claims(list []assert.Expectation, path string, stop, load bool) {
	for i, e := range list {
		if c.full() {
			return
		}
		if e != nil { // nil: reported already
			c.claim(e, index(path, i), stop, load)
		}
	}
}

func (c *checker) claim(e assert.Expectation, path string, stop, load bool) {
	if _, ok := assert.WindowOf(e); ok && !stop {
		c.invalid(path, "", "a window (over …) is for stop_conditions: an expectation looks at the whole step")
	}
	warned := load
	for _, subject := range assert.Describe(e) {
		if kinds := injector.Kinds(); subject.Fault != "" && !slices.Contains(kinds, subject.Fault) {
			c.invalid(path, c.closest(subject.Fault, kinds), "unknown fault %s", quote(subject.Fault))
		}
		if subject.State != "" && subject.Side == assert.ServerSide && !subject.AnySide {
			c.knownTarget(subject.State, path)
		}
		if subject.NeedsLoad && !warned {
			warned = true
			c.warnAt(NoLoad, path, "", "%s is the client's view, and the document drives no load here: without load from a test it is inconclusive", subject.Text)
		}
	}
}

// drives reports whether traffic makes any requests.
func drives(t *Traffic) bool { return t != nil && t.Rate > 0 }

// loaded reports whether a step has traffic of the document.
func (o *Orchestration) loaded(s Step) bool {
	if s.Load != nil {
		return drives(s.Load)
	}
	return drives(o.Load)
}
