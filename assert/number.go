package assert

import (
	"math"
	"strconv"
	"strings"
)

// percentText writes the ratio p exactly: 0.07 is 7%. It moves the decimal
// point in the text, because 0.07*100 is not 7 in floating point.
func percentText(p float64) string { return hundredfold(p) + "%" }

// hundredfold is 100·p in decimal digits.
func hundredfold(p float64) string {
	s := strconv.FormatFloat(p, 'f', -1, 64)
	whole, fraction, _ := strings.Cut(s, ".")
	for len(fraction) < 2 {
		fraction += "0"
	}
	whole, fraction = whole+fraction[:2], fraction[2:]
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		return whole + "." + fraction
	}
	return whole
}

// hundredth reads decimal digits as percent: the inverse of hundredfold.
func hundredth(digits string) (float64, error) { return strconv.ParseFloat(digits+"e-2", 64) }

func numberText(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func rateText(perSecond float64) string { return numberText(perSecond) + "/s" }

// rounded writes v with one decimal, or with as many as it takes to tell it
// from each of the others: 9.8, but 5.004 beside a bound of 5.
func rounded(v float64, others ...float64) string {
	for decimals := 1; decimals < 12; decimals++ {
		scale := math.Pow10(decimals)
		shown, distinct := math.Round(v*scale)/scale, true
		for _, o := range others {
			if (v < o) != (shown < o) || (v > o) != (shown > o) {
				distinct = false
			}
		}
		if distinct {
			return numberText(shown)
		}
	}
	return numberText(v)
}

// percentNear writes a measured ratio, told from 0%, 100% and the bounds.
func percentNear(v float64, bounds ...float64) string {
	others := []float64{0, 100}
	for _, b := range bounds {
		if b != v { // equal as ratios need not be equal as percentages
			others = append(others, b*100)
		}
	}
	return rounded(v*100, others...) + "%"
}

// plural writes 1 operation, 2 operations.
func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
}
