package assert

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// A unit reads the right-hand side of a comparison. The error's text completes
// "p99 is compared with …"; the string is a suggestion.
type unit[T any] struct {
	read  func(value string) (T, error)
	what  string                    // "a duration like 800ms"
	guess func(value string) string // what was meant by a value that does not read; may be nil
}

var errNotANumber = errors.New("not a number")

// decimal checks for plain digits, so that 1e3, 0x10, inf and -1 are refused.
func decimal(s string) bool {
	whole, fraction, point := strings.Cut(s, ".")
	digits := func(s string) bool { return strings.Trim(s, "0123456789") == "" }
	return digits(whole) && digits(fraction) && whole != "" && (!point || fraction != "")
}

func readNumber(s string) (float64, error) {
	if !decimal(s) {
		return 0, errNotANumber
	}
	return strconv.ParseFloat(s, 64)
}

func readRate(s string) (float64, error) {
	digits, found := strings.CutSuffix(s, "/s")
	if !found {
		return 0, errNotANumber
	}
	return readNumber(digits)
}

func readCount(s string) (int, error) {
	if !decimal(s) || strings.Contains(s, ".") {
		return 0, errNotANumber
	}
	return strconv.Atoi(s)
}

// readRatio reads a percentage between 0% and 100%; 0 needs no unit.
func readRatio(s string) (float64, error) {
	digits, found := strings.CutSuffix(s, "%")
	if s == "0" {
		digits, found = s, true
	}
	if !found || !decimal(digits) {
		return 0, errNotANumber
	}
	p, err := hundredth(digits)
	if err == nil && p > 1 {
		err = strconv.ErrRange
	}
	return p, err
}

// readDuration reads what FormatDuration writes; 0 needs no unit.
func readDuration(s string) (time.Duration, error) {
	if s == "" || strings.ContainsAny(s, "+-") {
		return 0, errNotANumber
	}
	return time.ParseDuration(s)
}

var (
	durations = unit[time.Duration]{readDuration, "a duration, like 800ms", func(s string) string {
		if decimal(s) {
			return s + "ms"
		}
		return ""
	}}
	ratios = unit[float64]{readRatio, "a percentage from 0% to 100%", func(s string) string {
		p, err := readNumber(s)
		switch {
		case err != nil || p > 100:
			return ""
		case p < 1:
			return percentText(p)
		}
		return s + "%"
	}}
	rates = unit[float64]{readRate, "a rate, like 45/s", func(s string) string {
		if decimal(s) {
			return s + "/s"
		}
		return ""
	}}
	numbers = unit[float64]{readNumber, "a number, like 1.5", nil}
	counts  = unit[int]{readCount, "a whole number", func(s string) string {
		if v, err := readNumber(s); err == nil && v < 1e9 {
			return strconv.Itoa(int(math.Ceil(v)))
		}
		return ""
	}}
)
