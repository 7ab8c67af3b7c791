package orchestrator

import "strings"

// closest returns the known word that was probably meant, or "" when none is
// near: a third of its letters may differ, but never all of them.
func closest(word string, known []string) string {
	best, least := "", 0
	folded := fold(word)
	if folded == "" || len(folded) > 64 {
		return ""
	}
	for _, k := range known {
		limit := max(1, len(k)/3)
		f := fold(k)
		if len(f) > 64 || len(f)-len(folded) > limit || len(folded)-len(f) > limit {
			continue
		}
		d := distance(folded, f)
		if d <= limit && d < len(folded) && (best == "" || d < least) {
			best, least = k, d
		}
	}
	if best != "" {
		return best
	}
	// A word that was cut short, or that someone shortened on purpose.
	for _, k := range known {
		if f := fold(k); len(folded) >= 3 && (strings.HasPrefix(f, folded) || strings.HasPrefix(folded, f) && len(f) >= 3) {
			return k
		}
	}
	return ""
}

// fold ignores what people vary without meaning it: case, - and _.
func fold(s string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(s))
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to turn a into b.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}
