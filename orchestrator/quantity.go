package orchestrator

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxDuration is the longest time that one field may say: a leap year. It keeps
// sums far away from overflow, and catches milliseconds written as seconds.
const maxDuration = 366 * 24 * time.Hour

// seconds is a duration that a document writes in seconds; 0 is absent.
func seconds(into *time.Duration) codec { return durationCodec{into, time.Second, false} }

// millis is a duration that a document writes in milliseconds; 0 is absent.
func millis(into *time.Duration) codec { return durationCodec{into, time.Millisecond, false} }

// positiveMillis is one that must not be 0 where it is written.
func positiveMillis(into *time.Duration) codec { return durationCodec{into, time.Millisecond, true} }

// maybeMillis is one that may be unset.
func maybeMillis(into **time.Duration) codec { return optional(into, millis) }

type durationCodec struct {
	into     *time.Duration
	unit     time.Duration
	positive bool
}

func (c durationCodec) limits() limits {
	return limits{0, float64(maxDuration / c.unit), c.positive}
}

func (c durationCodec) units() string {
	switch c.unit {
	case time.Second:
		return "seconds"
	case time.Microsecond:
		return "microseconds"
	}
	return "milliseconds"
}

func (c durationCodec) kind() string {
	if c.positive {
		return "number of " + c.units() + ", more than 0"
	}
	return "number of " + c.units() + ", 0 or more"
}

func (c durationCodec) absent() bool { return *c.into == 0 }

func (c durationCodec) encode() *node {
	n := &node{kind: intNode, text: decimal(*c.into, c.unit)}
	if strings.Contains(n.text, ".") {
		n.kind = floatNode
	}
	return n
}

// decimal writes a duration as an exact number of units.
func decimal(d, unit time.Duration) string {
	if d%unit == 0 {
		return strconv.FormatInt(int64(d/unit), 10)
	}
	sign, rest := "", d%unit
	if d < 0 {
		sign, rest = "-", -rest
	}
	whole := strings.TrimPrefix(strconv.FormatInt(int64(d/unit), 10), "-")
	digits := len(strconv.FormatInt(int64(unit), 10)) - 1
	return sign + whole + "." + strings.TrimRight(fmt.Sprintf("%0*d", digits, int64(rest)), "0")
}

func (c durationCodec) decode(d *decoder, n *node, path string) {
	v, ok := numeric(n)
	if !ok {
		suggestion := unquoted(n)
		if length, err := time.ParseDuration(strings.ReplaceAll(n.text, " ", "")); err == nil && n.kind == textNode && suggestion == "" {
			suggestion = decimal(length, c.unit)
		}
		d.wrong(n, path, suggestion, "a number of "+c.units())
		return
	}
	if !c.limits().check(d, n, path, v, " "+c.units()) {
		return
	}
	*c.into = exact(n.text, v, c.unit)
}

var plainDecimal = regexp.MustCompile(`^[0-9]{1,18}\.[0-9]{1,18}$`)

// exact is the duration that a number of units within the limits means, to the
// nearest nanosecond. Binary fractions do not hold every nanosecond of a month,
// so plain decimals are read as such.
func exact(text string, v float64, unit time.Duration) time.Duration {
	if plainDecimal.MatchString(text) {
		if r, ok := new(big.Rat).SetString(text); ok {
			r.Mul(r, new(big.Rat).SetInt64(int64(unit)))
			r.Add(r, big.NewRat(1, 2))
			return time.Duration(new(big.Int).Quo(r.Num(), r.Denom()).Int64())
		}
	}
	if v == math.Trunc(v) {
		return time.Duration(v) * unit
	}
	return time.Duration(math.Round(v * float64(unit)))
}

// instant is a point in calendar time; zero is absent.
func instant(into *time.Time) codec { return instantCodec{into} }

type instantCodec struct{ into *time.Time }

func (c instantCodec) kind() string { return "time (2026-01-31T12:00:00Z)" }
func (c instantCodec) absent() bool { return c.into.IsZero() }
func (c instantCodec) encode() *node {
	return &node{kind: textNode, text: c.into.UTC().Format(time.RFC3339Nano)}
}

func (c instantCodec) decode(d *decoder, n *node, path string) {
	t, err := time.Parse(time.RFC3339, n.text)
	if n.kind != textNode || err != nil {
		d.wrong(n, path, "", "a time like 2026-01-31T12:00:00Z")
		return
	}
	*c.into = t.UTC()
}
