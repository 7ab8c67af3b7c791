package chaostest

import (
	"regexp"
	"strings"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// replayLine is a shell line that runs one test, or one step, again with the
// same decisions.
func replayLine(seed uint64, dir, test string) string {
	parts := strings.Split(test, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return "CHAOSTEST_SEED=" + orchestrator.FormatSeed(seed) + " go test " + shellQuote(dir) +
		" -run " + shellQuote(strings.Join(parts, "/")) + " -count=1"
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)

// shellQuote quotes a word for a POSIX shell.
func shellQuote(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
