package assert

import (
	"fmt"
	"strings"
	"time"
)

// A plot is one figure over the columns of a step's timeline.
type plot struct {
	columns []timelineBin
	value   func(timelineBin) (v float64, sampled bool)
	format  func(float64) string
	least   bool // the worst value is the smallest
}

// whenLine draws a plot: 24 columns, what they span, and the worst of them. It
// says flat where every column that has samples has the same value.
func whenLine(r Results, p plot) string {
	t := r.tally()
	if len(t.timeline.bins) == 0 {
		return ""
	}
	p.columns = t.timeline.columns(r.Duration())
	worst, most, low := -1, 0.0, 0.0
	for i, c := range p.columns {
		v, sampled := p.value(c)
		if !sampled {
			continue
		}
		if worst < 0 {
			worst, most, low = i, v, v
		}
		if !p.least && v > most || p.least && v < low {
			worst = i
		}
		most, low = max(most, v), min(low, v)
	}
	if worst < 0 {
		return ""
	}
	span := FormatDuration(tidy(r, t.origin)) + "–" + FormatDuration(tidy(r, r.end))
	extreme, name := most, "worst"
	if p.least {
		extreme, name = low, "least"
	}
	if most-low <= most/100 {
		return line("when", fmt.Sprintf("flat  %s, %s", span, p.format(extreme)))
	}
	at := t.origin + r.Duration()*time.Duration(worst)/timelineColumns
	return line("when", fmt.Sprintf("%s  %s, %s %s at %s", p.draw(most), span, name, p.format(extreme), offset(tidy(r, at))))
}

// draw scales the columns to the largest: ▁ is nothing, · no samples at all.
func (p plot) draw(most float64) string {
	levels := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, c := range p.columns {
		v, sampled := p.value(c)
		switch {
		case !sampled:
			b.WriteRune('·')
		case v <= 0:
			b.WriteRune(levels[0])
		default:
			b.WriteRune(levels[min(1+int(v/most*7-1e-9), 7)])
		}
	}
	return b.String()
}

func asPercent(v float64) string { return percentNear(v) }

func asDuration(v float64) string { return FormatDuration(readable(time.Duration(v))) }

func whenErrors(r Results) string {
	return whenLine(r, plot{format: asPercent, value: func(b timelineBin) (float64, bool) {
		return ratio(b.failed, b.operations), b.operations > 0
	}})
}

func whenServerErrors(r Results) string {
	return whenLine(r, plot{format: asPercent, value: func(b timelineBin) (float64, bool) {
		return ratio(b.serverErrors, b.requests), b.requests > 0
	}})
}

func whenLatency(r Results, mean bool) string {
	return whenLine(r, plot{format: asDuration, value: func(b timelineBin) (float64, bool) {
		if mean {
			return float64(b.mean()), b.operations > 0
		}
		return float64(b.worst), b.operations > 0
	}})
}

func whenOperations(r Results) string {
	return whenLine(r, plot{format: perSecond(r), least: true, value: func(b timelineBin) (float64, bool) {
		return float64(b.operations), true
	}})
}

func whenRequests(r Results) string {
	return whenLine(r, plot{format: perSecond(r), least: true, value: func(b timelineBin) (float64, bool) {
		return float64(b.requests), true
	}})
}

// perSecond writes the count of one column as a rate.
func perSecond(r Results) func(float64) string {
	seconds := r.Duration().Seconds() / timelineColumns
	return func(n float64) string {
		if seconds <= 0 {
			return rounded(n)
		}
		return rounded(n/seconds) + "/s"
	}
}
