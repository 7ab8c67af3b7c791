package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// oneLine is text from elsewhere as it may go to a terminal: control
// characters are escaped.
func oneLine(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

// seconds is a time span for people: to the second from ten seconds on, to a
// tenth below.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	unit := time.Second
	if d < 10*time.Second {
		unit = 100 * time.Millisecond
	}
	return orchestrator.FormatDuration(d.Round(unit))
}

// milliseconds is a latency for people.
func milliseconds(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	unit := time.Millisecond
	switch {
	case d < time.Millisecond:
		unit = time.Microsecond
	case d < 10*time.Millisecond:
		unit = 100 * time.Microsecond
	}
	return orchestrator.FormatDuration(d.Round(unit))
}

// perSecond is a rate: "50.3/s".
func perSecond(rate float64) string { return strconv.FormatFloat(rate, 'f', 1, 64) + "/s" }

// injected is what was injected, by kind: "http_error 60, latency 540".
func injected(counts map[string]int) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", oneLine(kind), counts[kind]))
	}
	return orNone(strings.Join(parts, ", "))
}

// breakers is the state of each: "payments open, search closed".
func breakers(states []orchestrator.StateReport) string {
	var parts []string
	for _, s := range states {
		parts = append(parts, oneLine(s.Name)+" "+oneLine(s.State))
	}
	return strings.Join(parts, ", ")
}

// list is names in a row.
func list(names []string) string {
	clean := make([]string, len(names))
	for i, n := range names {
		clean[i] = oneLine(n)
	}
	return orNone(strings.Join(clean, ", "))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// iteration is "2 of 24", or "2, without end".
func iteration(r orchestrator.Report) string {
	if r.Iterations == 0 {
		return fmt.Sprintf("%d, without end", r.Iteration)
	}
	return fmt.Sprintf("%d of %d", r.Iteration, r.Iterations)
}
