package docs_test

import (
	"context"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// elision stands for what a page leaves out of the output: on a line by itself
// for any number of lines, else for a part of the line.
const elision = "…"

// scratch is a file that commands of the pages write. It stands in a temporary
// directory, and so does what they write to /tmp.
var scratch = regexp.MustCompile(`( )(orchestration\.yaml)`)

func TestConsoleBlocks(t *testing.T) {
	t.Parallel()
	lookAtEverything(t)
	turns := make(chan struct{}, 2) // each runs the compiler
	commandLine := sync.OnceValue(func() string { return binary(t) })
	for _, b := range blocks(t, "console") {
		t.Run(b.name(), func(t *testing.T) {
			t.Parallel()
			if golden := b.info["golden"]; golden != "" {
				if got := read(t, golden); *update && got != b.text {
					b.replace(t, got)
				} else {
					requireSame(t, got, b.text)
				}
				return
			}
			if runtime.GOOS == "windows" {
				t.Skip("the commands are for a POSIX shell")
			}
			if testing.Short() {
				t.Skip("runs the commands of the page")
			}
			turns <- struct{}{}
			defer func() { <-turns }()
			got := runBlock(t, b, newRig(t, b, commandLine()))
			require.NotContains(t, got, "[build failed]")
			if *update && !matches(b.text, got) && !strings.Contains(b.text, elision) {
				b.replace(t, got)
				return
			}
			if matches(b.text, got) {
				return
			}
			if strings.Contains(b.text, elision) {
				t.Fatalf("no line of the output fits this one, after what fits those before it:\n%s\noutput:\n%s", unmatched(b.text, got), got)
			}
			requireSame(t, normal(got), normal(b.text))
		})
	}
}

// lookAtEverything makes the result of this test depend on every file of the
// module, for go test's cache: it cannot see what the commands read.
func lookAtEverything(t *testing.T) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		return err
	}))
}

// runBlock runs the commands of a block, those after "$ ", and returns the
// block as it should be. Lines after "> " continue a command.
func runBlock(t *testing.T, b block, r *rig) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	dir, tmp := t.TempDir(), t.TempDir()
	there := strings.NewReplacer("/tmp/", tmp+"/")
	back := strings.NewReplacer(dir+"/", "", tmp+"/", "/tmp/", "\r\n", "\n")
	var out strings.Builder
	for _, c := range commands(b) {
		require.NotContains(t, c.text, "./...", "%s: it would run this test again", b.name())
		out.WriteString(c.shown)
		if c.text == r.command+" &" {
			out.WriteString(r.greets)
			continue
		}
		cmd := exec.CommandContext(ctx, "sh", "-c", scratch.ReplaceAllString(there.Replace(r.toReal(c.text)), "${1}"+dir+"/$2"))
		cmd.Dir = root
		cmd.Env = append(slices.Clone(r.env), "TMPDIR="+tmp)
		text, _ := cmd.CombinedOutput() // a command that fails says so in what it prints
		out.WriteString(r.back.Replace(back.Replace(string(text))))
	}
	require.NotEmpty(t, out.String(), "%s: no line starts with \"$ \"", b.name())
	return out.String()
}

// A command is one of a block: its text, and the lines of the page.
type command struct{ text, shown string }

func commands(b block) (all []command) {
	continues := false
	for line := range strings.Lines(b.text) {
		if text, ok := strings.CutPrefix(line, "$ "); ok {
			all = append(all, command{text, line})
			continues = true
		} else if text, ok := strings.CutPrefix(line, "> "); ok && continues {
			last := &all[len(all)-1]
			last.text, last.shown = last.text+text, last.shown+line
		} else {
			continues = false
		}
	}
	for i := range all {
		all[i].text = strings.TrimSuffix(all[i].text, "\n")
	}
	return all
}

var volatile = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`(?m)^go: (downloading|finding) .*\n`), ""},
	{regexp.MustCompile(`(?m)^(--- (?:FAIL|PASS|SKIP): \S+) \(\d+\.\d+s\)`), "$1 (TIME)"},
	{regexp.MustCompile(`(?m)^(ok|FAIL)(\s+\S+\s+)(\(cached\)|\d+\.\d+s)`), "$1${2}TIME"},
	{regexp.MustCompile(`chaostest-\d+\.chaos\.jsonl`), "chaostest-N.chaos.jsonl"},
	{regexp.MustCompile(`goroutine \d+`), "goroutine N"},
	{regexp.MustCompile(`(?m)^Date: .*`), "Date: DATE"},
	// What is left of a wait when the next command comes.
	{regexp.MustCompile(`(?m)^Retry-After: \d+`), "Retry-After: SECONDS"},
	{regexp.MustCompile(`\b\d{8}-\d{6}\.\d{3}\b`), "RUN"},
	{regexp.MustCompile(`(?m)^((?:[Rr]un RUN, )?seed:? )0x[0-9a-f]+`), "${1}SEED"},
	{regexp.MustCompile(`curl/[\d.]+`), "curl/N"},
	// Steps of a server's run end a little late where the machine is slow, and the columns after that move.
	{regexp.MustCompile(`(?m)^( +STEP +VERDICT) +FROM +TO +`), "$1  FROM  TO  "},
	{regexp.MustCompile(`(?m)^( +\w+ +(?:passed|failed|inconclusive|skipped)) +[\d.]+s +[\d.]+s +`), "$1  FROM  TO  "},
	{regexp.MustCompile(`\(devel\) \(go[^)]*\)`), "VERSION"},
}

// normal replaces what differs from run to run.
func normal(text string) string {
	for _, v := range volatile {
		text = v.pattern.ReplaceAllString(text, v.by)
	}
	return text
}

// matches compares a block with what was printed, elisions allowed.
func matches(block, printed string) bool {
	return pattern(block, `\z`).MatchString(normal(printed))
}

// unmatched is the first line of a block that what was printed does not have in
// its place.
func unmatched(block, printed string) string {
	printed = normal(printed)
	before := ""
	for line := range strings.Lines(block) {
		before += line
		if !pattern(before, "").MatchString(printed) {
			return line
		}
	}
	return "(the end)"
}

func pattern(block, end string) *regexp.Regexp {
	var text strings.Builder
	text.WriteString(`\A`)
	for line := range strings.Lines(normal(block)) {
		if strings.TrimSpace(line) == elision {
			text.WriteString(`(?:.*\n)*`)
			continue
		}
		text.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), elision, ".*"))
	}
	return regexp.MustCompile(text.String() + end)
}

func TestMatches(t *testing.T) {
	t.Parallel()
	tests := []struct {
		block, printed string
		want           bool
	}{
		{"$ x\na\n", "$ x\na\n", true},
		{"$ x\na\n", "$ x\nb\n", false},
		{"$ x\na\n", "$ x\na\nb\n", false},
		{"$ x\na\n…\nd\n", "$ x\na\nb\nc\nd\n", true},
		{"$ x\na\n…\nd\n", "$ x\na\nb\nc\n", false},
		{"$ x\na … c\n", "$ x\na b c\n", true},
		{"$ x\na …\n", "$ x\na b\nc\n", false},
		{"--- PASS: TestX (0.10s)\n", "--- PASS: TestX (2.00s)\n", true},
		{"    --- PASS: TestX/step (0.10s)\n", "    --- PASS: TestX/step (2.00s)\n", false}, // virtual
		{"  STEP  VERDICT  FROM  TO  FAILED\n  calm  passed   0s    1s  0%\n", "  STEP  VERDICT  FROM  TO    FAILED\n  calm  passed   0s    1.2s  0%\n", true},
		{"  STEP  VERDICT  FROM  TO  FAILED\n  calm  passed   0s    1s  0%\n", "  STEP  VERDICT  FROM  TO  FAILED\n  calm  failed   0s    1s  0%\n", false},
		{"Retry-After: 30\n", "Retry-After: 29\n", true},
		{"ok  \tpackage\t0.1s\n", "ok  \tpackage\t(cached)\n", true},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, matches(tt.block, tt.printed), tt.block)
	}
}

// The commands that a page gives without their output are those of the gate.
func TestShellBlocks(t *testing.T) {
	t.Parallel()
	gate := read(t, ".ci/run")
	for _, b := range blocks(t, "sh") {
		if b.page == "CONTRIBUTING.md" {
			continue // for people at work on a change
		}
		for line := range strings.Lines(b.text) {
			command, _, _ := strings.Cut(line, "#")
			require.Contains(t, gate, " "+strings.TrimSpace(command)+";", b.name())
		}
	}
}

// Commands in blocks whose output is not shown have flags that exist, and
// servers options that fit together: all that is wrong with them is the event
// log that is put behind them here.
func TestCommandsWithoutOutput(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a POSIX shell")
	}
	path := binary(t)
	seen := 0
	for _, b := range blocks(t, "text") {
		for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", "")) {
			before, command, found := strings.Cut(strings.TrimSpace(line), "mockforge ")
			if !found || strings.Contains(strings.TrimSpace(before), " ") {
				continue
			}
			seen++
			suffix, want := " --help", "Usage:"
			if strings.HasPrefix(command, "serve") {
				suffix, want = " --event-log /dev/null/log", "Error: event log: "
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-c", before+"mockforge "+command+suffix)
			cmd.Env = append(cmd.Environ(), "PATH="+path)
			out, _ := cmd.CombinedOutput() // the text says how it went
			require.Contains(t, string(out), want, "%s: %s", b.name(), command)
		}
	}
	require.NotZero(t, seen)
}
