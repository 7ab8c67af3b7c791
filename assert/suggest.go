package assert

import "strings"

// closestSubject suggests a subject for an unknown one.
func closestSubject(word string) string {
	switch word {
	case "requests":
		return "server.requests"
	case "avg", "average":
		return "mean"
	case "error", "errors", "failures", "failure_rate":
		return "error_rate"
	case "rps":
		return "throughput"
	case "ops":
		return "operations"
	case "attempts", "retries":
		return attemptsText
	case "latency":
		return "p99"
	case "circuit_breaker", "breaker":
		return "circuit_breaker.NAME"
	case "injected", "state":
		return word + ".NAME"
	}
	if kind, name, dotted := strings.Cut(word, "."); dotted {
		if kind == "breaker" {
			return "circuit_breaker." + name
		}
		for _, prefix := range []string{"client", "server"} {
			if meant := closest(name, []string{"error_rate", "requests"}); kind == prefix && meant != "" {
				return prefix + "." + meant
			}
		}
		if meant := closest(kind, []string{"injected", "circuit_breaker", "state", "server", "client"}); meant != "" && meant != kind {
			return meant + "." + name
		}
		return ""
	}
	return closest(word, []string{"error_rate", "throughput", "operations", attemptsText, "recovers", "mean", "max", "p50", "p90", "p95", "p99"})
}

// closest returns the candidate that a mistyped word most likely meant, or "".
func closest(word string, candidates []string) string {
	best, least := "", 1+max(1, len(word)/3)
	for _, c := range candidates {
		if d := edits(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// edits counts the insertions, deletions, replacements and swaps of neighbours
// that turn a into b.
func edits(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return len(a) + len(b) // nobody meant that, and it would take long
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
