package assert

import "cmp"

// An operator relates what was measured to what is wanted.
type operator int

const (
	atMost operator = iota
	atLeast
	below
	above
	equal
	near
	between
)

func (o operator) String() string {
	return [...]string{"<=", ">=", "<", ">", "==", "~", "between"}[o]
}

// A limit is the right-hand side of a comparison. b is used by between only.
type limit[T cmp.Ordered] struct {
	op   operator
	a, b T
}

// holds reports whether any value in [lo, hi] satisfies the limit; lo and hi
// differ only where a measurement has an allowance. near is not decided here.
func (l limit[T]) holds(lo, hi T) bool {
	switch l.op {
	case atMost:
		return lo <= l.a
	case atLeast:
		return hi >= l.a
	case below:
		return lo < l.a
	case above:
		return hi > l.a
	case between:
		return hi >= l.a && lo <= l.b
	default:
		return lo <= l.a && hi >= l.a
	}
}

// text is the limit in the language: "<= 5%", "between 1s and 2s".
func (l limit[T]) text(format func(T) string) string {
	if l.op == between {
		return "between " + format(l.a) + " and " + format(l.b)
	}
	return l.op.String() + " " + format(l.a)
}

// bounds lists the values that a measurement is compared with.
func (l limit[T]) bounds() []T {
	if l.op == between {
		return []T{l.a, l.b}
	}
	return []T{l.a}
}
