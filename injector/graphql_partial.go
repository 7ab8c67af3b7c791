package injector

import (
	"slices"
	"strconv"
)

// maxNulls is how many places of one response become null.
const maxNulls = 1000

// nulled puts nulls into the response of one operation, and an error for each.
// It returns nil where there is no place for them.
func (d *partialDraw) nulled(text []byte) []byte {
	root := scanJSON(text)
	if !root.is(text, '{') {
		return nil
	}
	data := root.member("data")
	if data == nil {
		return nil
	}
	key := Mix(d.rule.places, d.ordinal)
	places := d.rule.placesIn(text, data, key)
	if len(places) == 0 {
		return nil
	}
	failure := graphqlError{message: d.rule.message, code: d.rule.code(d.ordinal)}
	var errs [][]byte
	var cuts []splice
	for _, v := range places {
		errs = append(errs, failure.entry(v.path(data)))
		cuts = append(cuts, splice{v.start, v.end, []byte("null")})
	}
	return spliced(text, append(cuts, withErrors(text, root, errs)))
}

// withErrors adds to the errors of a response, behind those that it has.
func withErrors(text []byte, root *jsonValue, errs [][]byte) splice {
	added := jsonList(errs)
	switch old := root.member("errors"); {
	case old == nil:
		return splice{root.start + 1, root.start + 1, append(append([]byte(`"errors":`), added...), ',')}
	case !old.is(text, '['):
		return splice{old.start, old.end, added}
	case len(old.inside) == 0:
		return splice{old.end - 1, old.end, added[1:]}
	default:
		return splice{old.end - 1, old.end, append([]byte{','}, added[1:]...)}
	}
}

// placesIn are the places that become null.
func (r *graphqlRule) placesIn(text []byte, data *jsonValue, key uint64) []*jsonValue {
	if len(r.patterns) > 0 {
		var all [][]*jsonValue // of the patterns that the response has places for
		for _, p := range r.patterns {
			if found := named(nil, text, data, p); len(found) > 0 {
				all = append(all, found)
			}
		}
		if len(all) == 0 {
			return nil
		}
		return all[below(key, len(all))]
	}
	// A schema is not at hand. Objects and plain values are more often nullable
	// than lists are, items of lists less, and identifiers hardly ever.
	var rank [4][]*jsonValue
	if !data.is(text, 'n') {
		rank[3] = []*jsonValue{data}
	}
	eachInside(data, func(v *jsonValue) {
		switch {
		case v.is(text, 'n'):
		case v.index >= 0 || v.name == "id" || v.name == "__typename":
			rank[2] = append(rank[2], v)
		case v.is(text, '['):
			rank[1] = append(rank[1], v)
		default:
			rank[0] = append(rank[0], v)
		}
	})
	for _, some := range rank {
		if len(some) > 0 {
			i := below(key, len(some))
			return some[i : i+1]
		}
	}
	return nil
}

// named are the places below v that a pattern names and that are not null.
func named(out []*jsonValue, text []byte, v *jsonValue, pattern []string) []*jsonValue {
	if len(pattern) == 0 {
		if !v.is(text, 'n') && len(out) < maxNulls {
			out = append(out, v)
		}
		return out
	}
	for _, in := range v.inside {
		if in.index < 0 && in.name == pattern[0] || in.index >= 0 && (pattern[0] == "*" || pattern[0] == strconv.Itoa(in.index)) {
			out = named(out, text, in, pattern[1:])
		}
	}
	return out
}

func eachInside(v *jsonValue, f func(*jsonValue)) {
	for _, in := range v.inside {
		f(in)
		eachInside(in, f)
	}
}

// A splice replaces a stretch of a text.
type splice struct {
	start, end int
	by         []byte
}

// spliced is a text with its stretches replaced, which do not overlap.
func spliced(text []byte, cuts []splice) []byte {
	slices.SortStableFunc(cuts, func(a, b splice) int { return a.start - b.start })
	var out []byte
	at := 0
	for _, c := range cuts {
		out = append(append(out, text[at:c.start]...), c.by...)
		at = c.end
	}
	return append(out, text[at:]...)
}
