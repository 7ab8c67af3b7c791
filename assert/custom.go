package assert

import "fmt"

// custom is behind a pointer so that two of them can be compared.
type custom struct {
	subject string
	check   func(Results) error
}

// Func is an expectation of the user's own: it fails when f returns an error,
// whose text becomes the verdict's Got. It has no text of its own, so that it
// cannot be written to a document: see Encodable. f must not block, and may be
// called more than once and concurrently. A panic in f is not recovered.
func Func(subject string, f func(Results) error) Expectation {
	if f == nil {
		panic(fmt.Sprintf("assert: Func(%q, nil)", subject))
	}
	return &custom{subject, f}
}

func (c *custom) String() string { return fmt.Sprintf("func(%q)", c.subject) }

func (c *custom) Check(r Results) Verdict {
	v := Verdict{Subject: c.subject, Got: "no error", Want: "no error"}
	if err := c.check(r); err != nil {
		v.Status, v.Got = Fail, err.Error()
		v.Detail = c.evidence(r)
	}
	return v
}

func (c *custom) on(Side) (Expectation, error) { return c, nil }

func (c *custom) describe() []Subject { return []Subject{{Text: c.String(), Custom: true}} }

func (c *custom) evidence(r Results) []string {
	return evidence(whenErrors(r), injectedLine(r), statesLine(r))
}
