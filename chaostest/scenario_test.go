package chaostest_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// scenarioVariable says which scenario a child process plays.
const scenarioVariable = "MOCKFORGE_SCENARIO"

// scenarios are tests for a child process: tests that fail, that say something,
// or that need flags of their own.
func scenarios() map[string]func(*testing.T) {
	return map[string]func(*testing.T){
		"words":          scenarioWords,
		"late":           scenarioLate,
		"fatals":         scenarioFatals,
		"clean-ups":      scenarioCleanUps,
		"ends":           scenarioEnds,
		"zero length":    scenarioZeroLength,
		"unknown target": scenarioUnknownTarget,

		"nothing behind":   scenarioNothingBehind,
		"serve tcp":        scenarioServeTCP,
		"serve conn http":  scenarioServeConnHTTP,
		"listen twice":     scenarioListenTwice,
		"listen served":    scenarioListenServed,
		"serve listened":   scenarioServeListened,
		"handler panics":   scenarioHandlerPanics,
		"upstream of tcp":  scenarioUpstreamOfTCP,
		"nobody accepts":   scenarioNobodyAccepts,
		"handler does not": scenarioHandlerDoesNot,
		"skip in setup":    scenarioSkipInSetup,
		"load in step":     scenarioLoadInStep,
		"seed":             scenarioSeed,
		"slow system":      scenarioSlowSystem,
		"patch":            scenarioPatch,
		"log":              scenarioLog,
		"check":            scenarioCheck,
		"ascii":            scenarioASCII,
		"loop":             scenarioLoop,
		"parallel steps":   scenarioParallelSteps,
		"gate keeper":      scenarioGateKeeper,
		"run expectation":  scenarioRunExpectation,
		"skipped":          scenarioSkipped,
		"nested":           scenarioNested,
		"many":             scenarioMany,
		"forgotten body":   scenarioForgottenBody,
		"ticker":           scenarioTicker,
		"breaker names":    scenarioBreakerNames,
		"day":              scenarioDay,
		"real time":        scenarioRealTime,
		"real time ends":   scenarioRealTimeEnds,
		"last words":       scenarioLastWords,
		"remote":           scenarioRemote,
		"remote timeout":   scenarioRemoteTimeout,
		"remote muted":     scenarioRemoteMuted,
		"unreachable":      scenarioUnreachable,
		"token":            scenarioToken,
	}
}

// TestScenario is for child processes.
func TestScenario(t *testing.T) {
	name := os.Getenv(scenarioVariable)
	if name == "" {
		t.Skip("plays a scenario in the child processes of other tests")
	}
	play := scenarios()[name]
	require.NotNil(t, play, name)
	play(t)
}

// A playing is what a child process had to say.
type playing struct {
	out    string
	failed bool
}

// play runs a scenario in a child process, with more flags or KEY=value
// settings.
func play(t *testing.T, scenario string, args ...string) playing {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.v", "-test.timeout=170s")
	cmd.Env = append(os.Environ(), "CHAOSTEST_SEED=", "CHAOSTEST_CHECK=", "CHAOSTEST_EVENT_LOG=", "CHAOSTEST_ASCII=",
		"TMPDIR="+t.TempDir(), scenarioVariable+"="+scenario)
	run := "^TestScenario$"
	for _, a := range args {
		switch {
		case strings.HasPrefix(a, "-test.run="):
			run = strings.TrimPrefix(a, "-test.run=")
		case strings.HasPrefix(a, "-"):
			cmd.Args = append(cmd.Args, a)
		default:
			cmd.Env = append(cmd.Env, a)
		}
	}
	cmd.Args = append(cmd.Args, "-test.run="+run)
	out, err := cmd.CombinedOutput()
	require.NoError(t, ctx.Err(), "%s", out)
	require.NotContains(t, string(out), "no tests to run")
	return playing{out: string(out), failed: err != nil}
}

// passes plays a scenario that must pass.
func passes(t *testing.T, scenario string, args ...string) playing {
	t.Helper()
	p := play(t, scenario, args...)
	require.False(t, p.failed, "%s", p.out)
	return p
}

// fails plays a scenario that must fail.
func fails(t *testing.T, scenario string, args ...string) playing {
	t.Helper()
	p := play(t, scenario, args...)
	require.True(t, p.failed, "%s", p.out)
	return p
}

var verdictLine = regexp.MustCompile(`(?m)^ *--- (PASS|FAIL|SKIP): TestScenario(\S*) \((\S+)s\)$`)

// verdicts are what go test said of each test, by its name without the first
// part.
func (p playing) verdicts() map[string]string {
	out := map[string]string{}
	for _, m := range verdictLine.FindAllStringSubmatch(p.out, -1) {
		out[strings.TrimPrefix(m[2], "/")] = m[1]
	}
	return out
}

// lasted is how long go test says that a test took.
func (p playing) lasted(t *testing.T, name string) time.Duration {
	t.Helper()
	for _, m := range verdictLine.FindAllStringSubmatch(p.out, -1) {
		if strings.TrimPrefix(m[2], "/") == name {
			seconds, err := strconv.ParseFloat(m[3], 64)
			require.NoError(t, err)
			return time.Duration(seconds * float64(time.Second))
		}
	}
	require.Fail(t, "no verdict", "%s in\n%s", name, p.out)
	return 0
}

var placedLine = regexp.MustCompile(`(?m)^ *(\w+_test\.go):(\d+): (.*)$`)

// placed checks that a message was printed under the line of the source that
// holds it.
func (p playing) placed(t *testing.T, message string) {
	t.Helper()
	for _, m := range placedLine.FindAllStringSubmatch(p.out, -1) {
		if m[3] != message {
			continue
		}
		source, err := os.ReadFile(m[1])
		require.NoError(t, err)
		n, err := strconv.Atoi(m[2])
		require.NoError(t, err)
		require.Contains(t, strings.Split(string(source), "\n")[n-1], message, "%s:%d", m[1], n)
		return
	}
	require.Fail(t, "not printed", "%q in\n%s", message, p.out)
}
