package docs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// contexts say where in a document a fragment stands: what comes before it,
// its indentation, and what comes after it.
var contexts = map[string]struct {
	before string
	indent int
	after  string
}{
	"document": {"name: fragment\n", 0, "steps:\n  - {name: step, duration_seconds: 60}\n"},
	"steps":    {"name: fragment\nload: {rate: 1}\nsteps:\n", 2, ""},
	"step":     {"name: fragment\nload: {rate: 1}\nsteps:\n  - name: step\n    duration_seconds: 60\n", 4, ""},
	"config":   {"name: fragment\nsteps:\n  - name: step\n    scenario:\n      config:\n", 8, ""},
	"tcp":      {"name: fragment\ntargets: {db: {kind: tcp}}\nsteps:\n  - name: step\n    scenario:\n      config:\n", 8, ""},
}

func TestDocumentBlocks(t *testing.T) {
	t.Parallel()
	for _, b := range blocks(t, "yaml", "json") {
		t.Run(b.name(), func(t *testing.T) {
			t.Parallel()
			if b.info["file"] != "" {
				sameFile(t, b)
				return
			}
			text := b.text
			if kind, ok := b.info["fragment"]; ok {
				require.Contains(t, contexts, kind)
				c := contexts[kind]
				text = c.before + indented(text, c.indent) + c.after
			}
			_, warnings, err := orchestrator.Parse([]byte(text), orchestrator.Format(b.lang))
			require.NoError(t, err, "line 1 is the first of\n%s", text)
			for _, w := range warnings {
				// A test drives the load, and a label may be a label.
				require.Contains(t, []orchestrator.Rule{orchestrator.NoLoad, orchestrator.OverriddenName}, w.Rule, w)
			}
		})
	}
}

func indented(text string, by int) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			out.WriteString(strings.Repeat(" ", by))
		}
		out.WriteString(line)
	}
	return out.String()
}

// In the tables of docs/expectations.md whose columns say so, the first is text
// and the second the same in Go.
func TestExpectationTables(t *testing.T) {
	t.Parallel()
	exports := exportData(t)
	_, prose := split(t, "docs/expectations.md")
	rows, inside := 0, false
	for i, line := range prose {
		inside = strings.HasPrefix(line, "| in a document | in Go |") || inside && strings.HasPrefix(line, "|")
		cells := strings.Split(line, " | ")
		text, isText := code(strings.TrimPrefix(cells[0], "| "))
		if !inside || !isText {
			continue
		}
		rows++
		_, err := assert.Parse(text)
		require.NoError(t, err, "line %d", i+1)
		if inGo, isGo := code(cells[1]); isGo {
			require.NoError(t, typeCheck(fmt.Sprintf("docs/expectations.md:%d", i+1), "var _ assert.Expectation = "+inGo+"\n", exports))
		}
	}
	require.Greater(t, rows, 15)
}

// code is what stands between backquotes in a cell that has nothing else.
func code(cell string) (string, bool) {
	text, found := strings.CutPrefix(strings.TrimSpace(cell), "`")
	text, closed := strings.CutSuffix(text, "`")
	return strings.ReplaceAll(text, `\|`, "|"), found && closed
}
