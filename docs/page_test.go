// Package docs_test keeps the README and the pages of docs true: Go code
// compiles, documents load, commands print what is shown, links lead somewhere.
//
// What kind of block a fenced one is stands in its info string:
//
//	go                    a file, declarations or statements: type-checked
//	go file=PATH          a part of that file, word for word
//	yaml, json            a document: loaded
//	yaml fragment=KIND    a part of a document: loaded in its context
//	yaml file=PATH        a part of that file, word for word
//	console               commands after "$ " and what they print: run
//	console server="FLAGS"
//	                      the same, with mockforge serve FLAGS on port 3000
//	                      and services on ports 90xx; the command that starts
//	                      it in the background prints what the server says
//	console golden=PATH   what that file has
//	sh                    commands that the gate, .ci/run, has word for word
//	text                  neither code nor output
//
// With -update, what commands print, golden files, files and the reference are
// written into the pages anew. Read the difference before it goes in.
package docs_test

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write into the pages what can be generated")

// root is the directory of the module.
const root = ".."

// A block is a fenced block of a page.
type block struct {
	page string // relative to root
	line int    // of its first line of text
	head string // the line before that
	lang string
	info map[string]string // further words of the info string
	text string            // ends in a newline
}

func (b block) name() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// pages lists what is checked, relative to root.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
	require.NoError(t, filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			all = append(all, filepath.ToSlash(filepath.Join("docs", path)))
		}
		return err
	}))
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
}

// word is a part of an info string: NAME, NAME=VALUE or NAME="VALUE".
var word = regexp.MustCompile(`[^\s"]+(?:"[^"]*")?`)

// blocks lists the blocks of every page in one of the languages.
func blocks(t *testing.T, langs ...string) []block {
	t.Helper()
	var all []block
	for _, page := range pages(t) {
		found, _ := split(t, page)
		for _, b := range found {
			if slices.Contains(langs, b.lang) {
				all = append(all, b)
			}
		}
	}
	require.NotEmpty(t, all)
	return all
}

// split separates a page's blocks from its prose. In the prose their lines are
// empty, so that lines keep their numbers.
func split(t *testing.T, page string) (found []block, prose []string) {
	t.Helper()
	var open *block
	for i, line := range strings.Split(read(t, page), "\n") {
		switch info, fence := strings.CutPrefix(line, "```"); {
		case fence && open == nil:
			words := word.FindAllString(info, -1)
			open = &block{page: page, line: i + 2, head: line, info: map[string]string{}}
			if len(words) > 0 {
				open.lang = words[0]
				for _, w := range words[1:] {
					key, value, _ := strings.Cut(w, "=")
					open.info[key] = strings.Trim(value, `"`)
				}
			}
		case fence:
			found = append(found, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		default:
			prose = append(prose, line)
			continue
		}
		prose = append(prose, "")
	}
	require.Nil(t, open, "%s: a block does not end", page)
	return found, prose
}

var writing sync.Mutex

// replace gives a block a new text in its page.
func (b block) replace(t *testing.T, text string) {
	t.Helper()
	writing.Lock()
	defer writing.Unlock()
	page, was, is := read(t, b.page), b.head+"\n"+b.text+"```", b.head+"\n"+text+"```"
	require.Equal(t, 1, strings.Count(page, was), "%s: the page has this block more than once", b.name())
	after := strings.Replace(page, was, is, 1)
	require.NoError(t, os.WriteFile(filepath.Join(root, b.page), []byte(after), 0o644))
}

// A block that nothing checks would rot.
func TestEveryBlockIsChecked(t *testing.T) {
	t.Parallel()
	infos := map[string][]string{
		"go": {"file"}, "yaml": {"file", "fragment"}, "json": {}, "console": {"golden", "server"}, "sh": {}, "text": {},
	}
	for _, page := range pages(t) {
		found, prose := split(t, page)
		for i, line := range prose {
			require.NotContains(t, line, "```", "%s:%d: begin the fence at the start of the line", page, i+1)
		}
		for _, b := range found {
			known, ok := infos[b.lang]
			require.True(t, ok, "%s: language %q; use one of those in page_test.go", b.name(), b.lang)
			for w := range b.info {
				require.Contains(t, known, w, b.name())
			}
		}
	}
}

// requireSame compares a text of a page with what it should be, and shows the
// first line that differs.
func requireSame(t *testing.T, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	page, should := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < min(len(page), len(should))-1 && page[i] == should[i] {
		i++
	}
	t.Fatalf("line %d differs; go test ./docs -update writes it anew\npage %s\nreal %s", i+1, page[i], should[i])
}

// sameFile compares a block with a part of a file. Indentation that all lines
// share does not count.
func sameFile(t *testing.T, b block) {
	t.Helper()
	file := strings.Split(read(t, b.info["file"]), "\n")
	want := strings.Split(strings.TrimSuffix(b.text, "\n"), "\n")
	for i := 0; i+len(want) <= len(file); i++ {
		if dedent(strings.Join(file[i:i+len(want)], "\n")) == dedent(strings.Join(want, "\n")) {
			return
		}
	}
	require.Contains(t, read(t, b.info["file"]), b.text, "%s is not a part of the file", b.name())
}

func dedent(text string) string {
	lines := strings.Split(text, "\n")
	prefix, first := "", true
	for _, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if first {
			prefix, first = indent, false
		}
		for !strings.HasPrefix(indent, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], prefix)
	}
	return strings.Join(lines, "\n")
}
