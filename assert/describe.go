package assert

import "reflect"

// A Subject is one thing that an expectation is about.
type Subject struct {
	Text      string // as in the language: "error_rate", "circuit_breaker.payments"
	NeedsLoad bool   // about operations: inconclusive where nothing drives load
	Side      Side
	State     string // the name after circuit_breaker. or state.
	AnySide   bool   // for a State: the client's of that name, else the server's
	Fault     string // the kind after injected.
	Custom    bool   // made by Func, or not of this package
}

// Describe lists what e is about, in order, members of combined expectations
// included, so that a document can be validated before it runs.
func Describe(e Expectation) []Subject {
	if c, ok := e.(claim); ok {
		return c.describe()
	}
	return []Subject{{Text: e.String(), Custom: true}}
}

// Encodable reports whether e has a text from which Parse makes it again.
// Anything made by Func, or of a type that is not of this package, has none.
func Encodable(e Expectation) bool {
	if e == nil {
		return false
	}
	for _, s := range Describe(e) {
		if s.Custom {
			return false
		}
	}
	again, err := Parse(e.String())
	return err == nil && reflect.DeepEqual(again, e)
}
