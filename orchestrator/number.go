package orchestrator

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// limits of a number, both ends included unless open says that the lower one
// is not.
type limits struct {
	least, most float64
	open        bool
}

var (
	probability = limits{0, 1, false}
	percent     = limits{0, 100, false}
	notNegative = limits{0, math.Inf(1), false}
	positive    = limits{0, math.Inf(1), true}
	fromOne     = limits{1, math.MaxInt32, false}
	statusCodes = limits{200, 999, false}
)

func (l limits) holds(v float64) bool {
	return (v > l.least || !l.open && v == l.least) && v <= l.most
}

func (l limits) String() string {
	least := strconv.FormatFloat(l.least, 'f', -1, 64)
	endless := math.IsInf(l.most, 1) || l.most == math.MaxInt32
	switch {
	case endless && l.open:
		return "more than " + least
	case endless:
		return least + " or more"
	case l.open:
		return fmt.Sprintf("more than %s, at most %s", least, strconv.FormatFloat(l.most, 'f', -1, 64))
	}
	return fmt.Sprintf("%s to %s", least, strconv.FormatFloat(l.most, 'f', -1, 64))
}

// check reports a value outside the limits.
func (l limits) check(d *decoder, n *node, path string, v float64, unit string) bool {
	if l.holds(v) {
		return true
	}
	if v > l.most && l.most == math.MaxInt32 {
		d.fail(n.place, path, "", "%s is out of range: must be at most %d%s", shorten(n.text), math.MaxInt32, unit)
		return false
	}
	d.fail(n.place, path, "", "%s is out of range: must be %s%s", shorten(n.text), l, unit)
	return false
}

// number is a float64; 0 is absent.
func number(into *float64, l limits) codec { return numberCodec{into, l} }

// maybe is a number that may be unset.
func maybe(into **float64, l limits) codec {
	return optional(into, func(v *float64) codec { return number(v, l) })
}

type numberCodec struct {
	into   *float64
	limits limits
}

func (c numberCodec) kind() string { return "number, " + c.limits.String() }
func (c numberCodec) absent() bool { return *c.into == 0 }

func (c numberCodec) encode() *node {
	// Without an exponent, unless it would not be read.
	format := byte('f')
	if abs := math.Abs(*c.into); abs != 0 && (abs < 1e-9 || abs >= 1e15) {
		format = 'e'
	}
	n := &node{kind: floatNode, text: strconv.FormatFloat(*c.into, format, -1, 64)}
	if !strings.ContainsAny(n.text, ".eNI") {
		n.kind = intNode
	}
	return n
}

func (c numberCodec) decode(d *decoder, n *node, path string) {
	v, ok := numeric(n)
	if !ok {
		d.wrong(n, path, unquoted(n), "a number")
		return
	}
	if c.limits.check(d, n, path, v, "") {
		*c.into = v
	}
}

// numeric is the value of a number's node.
func numeric(n *node) (float64, bool) {
	if n.kind != intNode && n.kind != floatNode {
		return 0, false
	}
	if v, ok := integral(n); ok {
		return float64(v), true
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(n.text, "_", ""), 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// integral is the value of an integer's node; of a float's too, where it is
// whole, because 30.0 is an integer to JSON.
func integral(n *node) (int64, bool) {
	digits := strings.ReplaceAll(n.text, "_", "")
	switch n.kind {
	case intNode:
		v, err := strconv.ParseInt(digits, 0, 64)
		return v, err == nil
	case floatNode:
		v, err := strconv.ParseFloat(digits, 64)
		return int64(v), err == nil && v == math.Trunc(v) && math.Abs(v) <= 1<<53
	}
	return 0, false
}

// unquoted suggests the number that stands in quotes.
func unquoted(n *node) string {
	if n.kind != textNode {
		return ""
	}
	if v, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(n.text, "%")), 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
		if strings.HasSuffix(n.text, "%") {
			return ""
		}
		return strconv.FormatFloat(v, 'g', -1, 64) + " without quotes"
	}
	return ""
}

// integer is a whole number; 0 is absent.
func integer[I ~int | ~int64](into *I, l limits) codec { return integerCodec[I]{into, l} }

// maybeInteger is a whole number that may be unset.
func maybeInteger[I ~int | ~int64](into **I, l limits) codec {
	return optional(into, func(v *I) codec { return integer(v, l) })
}

type integerCodec[I ~int | ~int64] struct {
	into   *I
	limits limits
}

func (c integerCodec[I]) kind() string { return "whole number, " + c.limits.String() }
func (c integerCodec[I]) absent() bool { return *c.into == 0 }
func (c integerCodec[I]) encode() *node {
	return &node{kind: intNode, text: strconv.FormatInt(int64(*c.into), 10)}
}

func (c integerCodec[I]) decode(d *decoder, n *node, path string) {
	v, ok := integral(n)
	if !ok || int64(I(v)) != v {
		d.wrong(n, path, unquoted(n), "a whole number")
		return
	}
	if c.limits.check(d, n, path, float64(v), "") {
		*c.into = I(v)
	}
}

// unsigned is a seed: all 64 bits, in any base that YAML has.
func unsigned(into *uint64) codec { return unsignedCodec{into} }

type unsignedCodec struct{ into *uint64 }

func (c unsignedCodec) kind() string { return "whole number, 0 to 2^64-1" }
func (c unsignedCodec) absent() bool { return *c.into == 0 }
func (c unsignedCodec) encode() *node {
	return &node{kind: intNode, text: strconv.FormatUint(*c.into, 10)}
}

func (c unsignedCodec) decode(d *decoder, n *node, path string) {
	if n.kind == intNode {
		v, err := strconv.ParseUint(strings.TrimPrefix(strings.ReplaceAll(n.text, "_", ""), "+"), 0, 64)
		if err == nil {
			*c.into = v
			return
		}
	} else if v, ok := integral(n); ok && v >= 0 {
		*c.into = uint64(v)
		return
	}
	d.wrong(n, path, unquoted(n), "a whole number from 0 to 2^64-1")
}
