package chaostest_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/failures from what the failing tests print")

// The tests of testdata/failing fail on purpose. They run in one process: what
// one does must not hang or kill the others. What each prints is pinned; it is
// what a user sees, not a format to parse.
func TestFailures(t *testing.T) { //nolint:tparallel // the subtests compare what is there already
	t.Parallel()
	out := runFailing(t)
	require.Contains(t, out, "the last test ran", "an earlier test ended the process")
	blocks := split(out)
	require.Contains(t, blocks, "TestErrorRate")
	for name, got := range blocks {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "failures", name+".golden")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
				require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err, "run the test with -update, and read the file as a stranger would")
			require.Equal(t, string(want), got)
		})
	}
	goldens, err := filepath.Glob("testdata/failures/*.golden")
	require.NoError(t, err)
	require.Len(t, goldens, len(blocks), "a golden file without a test that fails")
}

// A replay line, pasted into a shell, gives the same numbers: every line of
// the step's report.
func TestReplayLines(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs go test once for each failure")
	}
	line := regexp.MustCompile(`replay: (.*)`)
	goldens, err := filepath.Glob("testdata/failures/*.golden")
	require.NoError(t, err)
	require.NotEmpty(t, goldens)
	for _, path := range goldens {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range line.FindAllStringSubmatch(string(text), -1) {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".golden"), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				cmd := exec.CommandContext(ctx, "sh", "-c", m[1])
				cmd.Dir = ".."
				cmd.Env = clean(t)
				out, err := cmd.CombinedOutput()
				require.Error(t, err, "the replay passed")
				got := normal(string(out))
				for want := range strings.Lines(report(string(text), m[0])) {
					require.Contains(t, got, want)
				}
			})
		}
	}
}

// report is the part of a test's output that its replay line ends: that of one
// step, or of the whole test.
func report(text, replay string) string {
	text = text[:strings.Index(text, replay)]
	if i := strings.LastIndex(text, "    --- FAIL"); i >= 0 {
		return text[i:]
	}
	// The summary of the run has the digest, too: all of it must be equal.
	return text
}

func runFailing(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "failing.test")
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, "./testdata/failing").CombinedOutput()
	require.NoError(t, err, "%s", out)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-test.timeout=280s")
	cmd.Dir = "testdata/failing"
	cmd.Env = clean(t)
	all, err := cmd.CombinedOutput()
	require.Error(t, err, "the failing tests passed")
	return normal(string(all))
}

// clean is an environment in which nobody debugs anything, and what a failed
// run leaves behind is removed with the test.
func clean(t *testing.T) []string {
	t.Helper()
	return append(os.Environ(), "CHAOSTEST_SEED=", "CHAOSTEST_CHECK=", "CHAOSTEST_EVENT_LOG=", "TMPDIR="+t.TempDir())
}

var volatile = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`(?m)^(--- (?:FAIL|PASS|SKIP): \S+) \(\d+\.\d+s\)`), "$1"},
	{regexp.MustCompile(`event log \S+`), "event log FILE"},
	{regexp.MustCompile(`goroutine \d+`), "goroutine N"},
}

func normal(text string) string {
	for _, v := range volatile {
		text = v.pattern.ReplaceAllString(text, v.by)
	}
	return text
}

// split cuts a run's output into that of its failed tests.
func split(out string) map[string]string {
	blocks := map[string]string{}
	name := ""
	for line := range strings.Lines(out) {
		switch {
		case strings.HasPrefix(line, "--- FAIL: "):
			name = strings.TrimSpace(strings.TrimPrefix(line, "--- FAIL: "))
		case !strings.HasPrefix(line, " "):
			name = ""
		}
		if name != "" {
			blocks[name] += line
		}
	}
	return blocks
}
