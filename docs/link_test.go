package docs_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	linkPattern = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	codePattern = regexp.MustCompile("`[^`]*`")
)

func TestLinks(t *testing.T) {
	t.Parallel()
	links := 0
	for _, page := range pages(t) {
		_, prose := split(t, page)
		for i, line := range prose {
			for _, m := range linkPattern.FindAllStringSubmatch(codePattern.ReplaceAllString(line, "`"), -1) {
				if strings.Contains(m[1], "://") {
					continue
				}
				links++
				file, anchor, _ := strings.Cut(m[1], "#")
				if file == "" {
					file = path.Base(page)
				}
				file = path.Join(path.Dir(page), file)
				_, err := os.Stat(filepath.Join(root, file))
				require.NoError(t, err, "%s:%d: %s", page, i+1, m[1])
				if anchor != "" {
					require.Contains(t, anchors(t, file), anchor, "%s:%d: %s", page, i+1, m[1])
				}
			}
		}
	}
	require.Positive(t, links)
}

// anchors are the names that headings of a page have in links.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	var all []string
	_, prose := split(t, page)
	for _, line := range prose {
		heading := strings.TrimLeft(line, "#")
		if heading == line || !strings.HasPrefix(heading, " ") {
			continue
		}
		name := strings.ToLower(strings.TrimSpace(heading))
		name = regexp.MustCompile(`[^\p{L}\p{N}\-_ ]`).ReplaceAllString(name, "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}

// A page that no other leads to would not be found.
func TestEveryPageIsLinked(t *testing.T) {
	t.Parallel()
	linked := map[string]bool{"README.md": true}
	for _, page := range pages(t) {
		_, prose := split(t, page)
		for _, m := range linkPattern.FindAllStringSubmatch(strings.Join(prose, "\n"), -1) {
			file, _, _ := strings.Cut(m[1], "#")
			linked[path.Join(path.Dir(page), file)] = true
		}
	}
	for _, page := range pages(t) {
		require.True(t, linked[page], page)
	}
}
