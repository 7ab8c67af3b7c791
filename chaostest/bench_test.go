package chaostest_test

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
)

func scenarioDay(t *testing.T) {
	var before, after runtime.MemStats
	start := time.Now()
	in(t, chaos("day", 24*time.Hour, erring(0.01)), func(step *chaostest.Step) {
		runtime.ReadMemStats(&before)
		op := order(step.Client(), step.URL)
		step.Load(1, op)
		runtime.ReadMemStats(&after)
		require.Equal(step, 86_400, step.Results().Operations())
		require.Equal(step, 864, step.Results().Failed())
	})
	t.Logf("%d ns/request %d allocs/request", time.Since(start).Nanoseconds()/86_400, (after.Mallocs-before.Mallocs)/86_400)
}

var dayLine = regexp.MustCompile(`(\d+) ns/request (\d+) allocs/request`)

// A day of one request a second through a real client and server. It is a test
// of a child process, since a run needs a T.
func BenchmarkDay(b *testing.B) {
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.v", "-test.run=^TestScenario$")
		cmd.Env = append(os.Environ(), scenarioVariable+"=day")
		out, err := cmd.CombinedOutput()
		require.NoError(b, err, "%s", out)
		m := dayLine.FindStringSubmatch(string(out))
		require.NotNil(b, m, "%s", out)
		for i, unit := range []string{"ns/request", "allocs/request"} {
			value, err := strconv.ParseFloat(m[i+1], 64)
			require.NoError(b, err)
			b.ReportMetric(value, unit)
		}
	}
}
