package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// The tables of docs/orchestration.md are the ones that loading goes by. They
// stand at its end, behind a comment.
func TestReference(t *testing.T) {
	t.Parallel()
	const page = "docs/orchestration.md"
	text := read(t, page)
	start := regexp.MustCompile(`<!-- generated[^>]*-->\n`).FindStringIndex(text)
	require.NotNil(t, start)
	var tables strings.Builder
	require.NoError(t, orchestrator.Reference(&tables))
	_, want, found := strings.Cut(tables.String(), "\n\n") // its title is the page's
	require.True(t, found)
	want = "\n" + want
	if *update && text[start[1]:] != want {
		writing.Lock()
		defer writing.Unlock()
		text = read(t, page)
		require.NoError(t, os.WriteFile(filepath.Join(root, page), []byte(text[:start[1]]+want), 0o644))
		return
	}
	requireSame(t, want, text[start[1]:])
}

// The variables that the harness reads are those that docs/failures.md has.
func TestVariables(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "chaostest", "*.go"))
	require.NoError(t, err)
	var want []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`os\.Getenv\("(CHAOSTEST_\w+)"\)`).FindAllStringSubmatch(string(text), -1) {
			want = append(want, m[1])
		}
	}
	var got []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(CHAOSTEST_\\w+)").FindAllStringSubmatch(read(t, "docs/failures.md"), -1) {
		got = append(got, m[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(t, slices.Compact(want), got)
}

// Every kind of fault that an expectation can name is in docs/expectations.md.
func TestFaultKinds(t *testing.T) {
	t.Parallel()
	text := read(t, "docs/expectations.md")
	for _, kind := range injector.Kinds() {
		require.Contains(t, text, "`"+kind+"`")
	}
}
