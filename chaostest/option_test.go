package chaostest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/orchestrator"
)

func scenarioSeed(t *testing.T) {
	o := document(quiet("calm", time.Second))
	var opts []chaostest.Option
	if os.Getenv("DOCUMENT") != "" {
		o.Seed = new(uint64(7))
	}
	if os.Getenv("OPTION") != "" {
		opts = append(opts, chaostest.Seed(8))
	}
	chaostest.RunOrchestration(t, o, func(*chaostest.Step) {}, opts...)
}

func TestSeed(t *testing.T) {
	t.Parallel()
	seedLine := regexp.MustCompile(`; seed (\S+), digest`)
	for _, tt := range []struct {
		name     string
		settings []string
		want     string
	}{
		{"the option comes first", []string{"OPTION=1", "CHAOSTEST_SEED=9", "DOCUMENT=1"}, "0x8"},
		{"then the environment", []string{"CHAOSTEST_SEED=0x9", "DOCUMENT=1"}, "0x9"},
		{"in decimal too", []string{"CHAOSTEST_SEED=18446744073709551615"}, "0xffffffffffffffff"},
		{"then the document", []string{"DOCUMENT=1"}, "0x7"},
		{"then the test's name", nil, "0xa69764a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := passes(t, "seed", tt.settings...)
			m := seedLine.FindStringSubmatch(p.out)
			require.NotNil(t, m, p.out)
			require.Equal(t, tt.want, m[1])
		})
	}
	for _, text := range []string{"abc", "-1", "1.5", "18446744073709551616"} {
		p := fails(t, "seed", "CHAOSTEST_SEED="+text)
		require.Contains(t, p.out, fmt.Sprintf("CHAOSTEST_SEED=%q is not a seed: give a number from 0 to 2^64-1", text))
	}
	for _, text := range []string{"abc", "0", "1001"} {
		require.Contains(t, fails(t, "seed", "CHAOSTEST_CHECK="+text).out, fmt.Sprintf("CHAOSTEST_CHECK=%q is not a number of runs from 1 to 1000", text))
	}
}

func TestIterations(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		loop        bool
		max, option int
		want        int
	}{
		{"bounds an endless loop", true, 0, 3, 3},
		{"shortens a loop", true, 5, 2, 2},
		{"does not lengthen one", true, 2, 5, 2},
		{"is at least one", true, 0, -1, 1},
		{"means nothing without a loop", false, 0, 3, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := document(quiet("tick", time.Second))
			o.Loop, o.MaxIterations = tt.loop, tt.max
			ran := 0
			chaostest.RunOrchestration(t, o, func(*chaostest.Step) { ran++ }, chaostest.Iterations(tt.option))
			require.Equal(t, tt.want, ran)
		})
	}
}

func TestEpoch(t *testing.T) {
	t.Parallel()
	year := func(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
	for _, tt := range []struct {
		name string
		opts []chaostest.Option
		want time.Time
	}{
		{"by default", nil, year(2026)},
		{"as chosen", []chaostest.Option{chaostest.Epoch(year(2038))}, year(2038)},
		{"not before the runtime's own", []chaostest.Option{chaostest.Epoch(year(1999))}, year(2000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in(t, quiet("calm", time.Second), func(step *chaostest.Step) {
				require.WithinDuration(step, tt.want, step.Clock().Now(), time.Millisecond)
			}, tt.opts...)
		})
	}
}

// http.Get reaches targets while the run lasts, and the transport is as it was
// afterwards. Not parallel: it changes the transport of the process.
func TestPatchDefaultTransport(t *testing.T) {
	transport := http.DefaultTransport.(*http.Transport)
	dialler := fmt.Sprintf("%p", transport.DialContext)
	var url string
	in(t, quiet("calm", time.Minute), func(step *chaostest.Step) {
		url = step.URL
		resp, err := http.Get(step.URL)
		require.NoError(step, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(step, err)
		require.NoError(step, resp.Body.Close())
		require.Equal(step, "upstream", string(body))
	}, chaostest.PatchDefaultTransport(), chaostest.Upstream(says("upstream")))
	require.Equal(t, dialler, fmt.Sprintf("%p", transport.DialContext))
	require.NotNil(t, transport.Proxy)
	_, err := http.Get(url)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func scenarioPatch(t *testing.T) {
	t.Parallel()
	in(t, quiet("calm", time.Minute), func(*chaostest.Step) {}, chaostest.PatchDefaultTransport())
}

func TestPatchIsRefusedInParallelTests(t *testing.T) {
	t.Parallel()
	p := fails(t, "patch")
	require.Regexp(t, `option_test\.go:\d+: PatchDefaultTransport changes http\.DefaultTransport for the whole process: do not use it with t\.Parallel`, p.out)
}

func scenarioLog(t *testing.T) {
	var opts []chaostest.Option
	if path := os.Getenv("OPTION"); path != "" {
		opts = append(opts, chaostest.EventLog(path))
	}
	rate := 10.0
	if os.Getenv("LONG") != "" {
		rate = 200 // more than stays in memory
	}
	in(t, chaos("errors", time.Minute, erring(0.1)), func(step *chaostest.Step) {
		step.Load(rate, order(step.Client(), step.URL))
		if os.Getenv("FAIL") != "" {
			step.Expect(assert.ErrorRate().Below(0.1))
		}
	}, opts...)
}

func TestEventLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	option, variable, temporary := filepath.Join(dir, "option.jsonl"), filepath.Join(dir, "variable.jsonl"), filepath.Join(dir, "temporary")
	require.NoError(t, os.Mkdir(temporary, 0o755))
	logs := func() []string {
		found, err := filepath.Glob(temporary + "/*")
		require.NoError(t, err)
		return found
	}
	where := "TMPDIR=" + temporary

	require.NotContains(t, passes(t, "log", where).out, "event log")
	require.Empty(t, logs(), "removed when the test passes")

	require.NotContains(t, passes(t, "log", where, "LONG=1").out, "event log")
	require.Empty(t, logs(), "of whatever length")

	require.NotContains(t, passes(t, "log", where, "CHAOSTEST_CHECK=2").out, "event log")
	require.Empty(t, logs(), "removed when two runs agree")

	p := fails(t, "log", where, "FAIL=1")
	kept := logs()
	require.Len(t, kept, 1, "kept when the test fails")
	require.Contains(t, p.out, "event log "+kept[0], "and named")
	require.NoError(t, os.Remove(kept[0]))

	fails(t, "log", where, "FAIL=1", "LONG=1")
	kept = logs()
	require.Len(t, kept, 1)
	info, err := os.Stat(kept[0])
	require.NoError(t, err)
	require.Greater(t, info.Size(), int64(1<<20))
	require.NoError(t, os.Remove(kept[0]))

	p = fails(t, "log", where, "FAIL=1", "CHAOSTEST_CHECK=2")
	kept = logs()
	require.Len(t, kept, 1)
	require.Contains(t, p.out, "event log "+kept[0])
	require.NoError(t, os.Remove(kept[0]))

	require.Contains(t, passes(t, "log", where, "CHAOSTEST_EVENT_LOG="+variable).out, "event log "+variable)
	require.Contains(t, passes(t, "log", where, "OPTION="+option, "CHAOSTEST_EVENT_LOG="+filepath.Join(dir, "unused")).out, "event log "+option)
	require.Empty(t, logs())
	require.NoFileExists(t, filepath.Join(dir, "unused"), "the option comes first")
	require.Equal(t, digestOf(t, variable), digestOf(t, option))

	p = fails(t, "log", where, "OPTION="+filepath.Join(dir, "no", "such", "directory"))
	require.Contains(t, p.out, "the event log: open "+dir)
}

// Prime runs outside virtual time, before Setup.
func TestPrime(t *testing.T) {
	t.Parallel()
	var order []string
	began := time.Now()
	outside := make(chan int, 1)
	in(t, quiet("calm", time.Minute), func(step *chaostest.Step) {
		order = append(order, "step")
		require.Equal(step, 7, <-outside, "what was made outside may be used where it does not wait")
	},
		chaostest.Setup(func(*chaostest.Env) { order = append(order, "setup") }),
		chaostest.Prime(func() {
			order = append(order, "first")
			require.WithinDuration(t, began, time.Now(), time.Hour, "real time") // it may have waited for its turn
			outside <- 7
		}),
		chaostest.Prime(func() { order = append(order, "second") }))
	require.Equal(t, []string{"first", "second", "setup", "step"}, order)
}

// scenarioSlowSystem is a run that waits for the system.
func scenarioSlowSystem(t *testing.T) {
	var slow, end *os.File
	in(t, quiet("calm", time.Minute), func(step *chaostest.Step) {
		_, err := slow.Read(make([]byte, 1))
		require.NoError(step, err)
		require.Zero(step, step.Clock().Elapsed())
	}, chaostest.Prime(func() {
		var err error
		slow, end, err = os.Pipe()
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, errors.Join(slow.Close(), end.Close())) })
		go func() {
			time.Sleep(2500 * time.Millisecond)
			_, _ = end.WriteString("x")
		}()
	}))
}

// A system that is slow to answer, as a busy one is, does not freeze the clock.
func TestSlowSystem(t *testing.T) {
	t.Parallel()
	passes(t, "slow system")
}

// global is what a body that is not the same in every run has: a package's
// counter.
var global atomic.Int64

func scenarioCheck(t *testing.T) {
	in(t, chaos("errors", 10*time.Second, erring(0.1)), func(step *chaostest.Step) {
		step.Load(10, func(ctx context.Context) error {
			path := "/orders"
			switch os.Getenv("BODY") {
			case "rand":
				path = fmt.Sprintf("/orders/%d", rand.Uint64())
			case "counter":
				path = fmt.Sprintf("/orders/item-%d-name", global.Add(1))
			}
			_, _, err := get(ctx, step.Client(), step.URL+path)
			return err
		})
	})
}

// CHAOSTEST_CHECK runs the orchestration again and shows the first event that
// differs.
func TestCheckFindsWhatDiffers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := passes(t, "check", "CHAOSTEST_CHECK=3", "TMPDIR="+dir)
	require.Regexp(t, `CHAOSTEST_CHECK: 3 runs, one digest [0-9a-f]{12}\n`, p.out)
	for _, body := range []string{"rand", "counter"} {
		p := fails(t, "check", "CHAOSTEST_CHECK=3", "BODY="+body, "TMPDIR="+dir)
		require.Contains(t, p.out, "CHAOSTEST_CHECK: run 2 of 3 differs from the first")
		require.Regexp(t, `event \d+ is the first that differs:\n(.*\n)*? +- \{.*"/orders/.*\n(.*\n)*? +\+ \{.*"/orders/`, p.out)
		require.Contains(t, p.out, "hint     something outside the run decides: math/rand/v2,")
		require.Equal(t, map[string]string{"": "FAIL", "errors": "PASS"}, p.verdicts(), "the repetitions report no step")
	}
	left, err := filepath.Glob(dir + "/*")
	require.NoError(t, err)
	require.Empty(t, left, "no log is left behind")
}

func scenarioASCII(t *testing.T) {
	o := document(chaos("errors", 10*time.Second, erring(0.1)))
	o.Expect = []assert.Expectation{assert.ErrorRate().Below(0.1)}
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		step.Load(10, order(step.Client(), step.URL))
		step.Expect(assert.ErrorRate().Below(0.1), assert.P99().Below(0))
	})
}

func TestASCII(t *testing.T) {
	t.Parallel()
	other := regexp.MustCompile(`[^\x00-\x7f]`)
	require.Regexp(t, other, fails(t, "ascii").out)
	p := fails(t, "ascii", "CHAOSTEST_ASCII=1")
	require.NotRegexp(t, other, p.out)
	require.Contains(t, p.out, "http_error x 10")
}

// A Run without options and an empty body is a run.
func TestNoOptions(t *testing.T) {
	t.Parallel()
	chaostest.RunOrchestration(t, orchestrator.Orchestration{Name: "least", Steps: []orchestrator.Step{{Name: "only"}}}, nil)
}
