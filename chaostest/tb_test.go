package chaostest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/chaostest"
)

// A Step and an Env behave as a T does, in virtual time.
func TestStepIsATB(t *testing.T) {
	t.Parallel()
	var order []string
	var stepEnd, envEnd time.Time
	var start time.Time
	chaostest.RunOrchestration(t, document(quiet("first", time.Minute), quiet("second", time.Minute)), func(step *chaostest.Step) {
		var tb testing.TB = step
		require.Equal(step, t.Name()+"/"+step.Spec.Name, tb.Name())
		require.False(step, tb.Failed())
		require.False(step, tb.Skipped())
		require.NoError(step, tb.Context().Err())
		require.DirExists(step, tb.TempDir())
		_, err := fmt.Fprintln(tb.Output(), "a line")
		require.NoError(step, err)
		if step.Spec.Name == "first" {
			tb.Cleanup(func() {
				order = append(order, "first added")
				stepEnd = time.Now()
				require.Error(step, step.Context().Err(), "the context ends before the clean-up, as a T's does")
			})
			tb.Cleanup(func() {
				order = append(order, "last added")
				tb.Cleanup(func() { order = append(order, "added by a clean-up") })
			})
		}
	}, chaostest.Setup(func(env *chaostest.Env) {
		start = time.Now()
		var tb testing.TB = env
		require.Equal(env, t.Name(), tb.Name())
		tb.Cleanup(func() {
			order = append(order, "the Env's")
			envEnd = time.Now()
			require.Error(env, env.Context().Err())
			time.Sleep(time.Hour) // virtual
		})
	}))
	require.Equal(t, []string{"last added", "added by a clean-up", "first added", "the Env's"}, order)
	require.Equal(t, time.Minute, stepEnd.Sub(start).Round(time.Millisecond))
	require.Equal(t, 2*time.Minute, envEnd.Sub(start).Round(time.Millisecond))
}

func scenarioWords(t *testing.T) {
	chaostest.RunOrchestration(t, document(tolerant("words", time.Minute), quiet("skips", time.Minute)), func(step *chaostest.Step) {
		if step.Spec.Name == "skips" {
			step.Skip("the step is skipped")
		}
		step.Log("a step's line")
		step.Logf("a step's %s", "formatted line") // a step's formatted line
		throughHelper(step, "a line through a helper")
		twice(step, "a line through two helpers")
		func() { step.Log("a line in a closure") }()
		done := make(chan struct{})
		go func() {
			defer close(done)
			step.Log("a line of another goroutine")
		}()
		<-done
		step.Error("a step's error")
		require.True(step, step.Failed())
		step.Errorf("a step's %s", "formatted error") // a step's formatted error
		fmt.Fprintln(step.Output(), "without a line")
	}, chaostest.Setup(func(env *chaostest.Env) {
		env.Log("an Env's line")
		throughHelper(env, "an Env's line through a helper")
		env.Cleanup(func() { env.Error("an error in a clean-up of the Env") })
	}))
}

func throughHelper(tb testing.TB, message string) {
	tb.Helper()
	tb.Log(message)
}

func twice(tb testing.TB, message string) {
	tb.Helper()
	throughHelper(tb, message)
}

// What is said names the user's line, and stands where go test expects it.
func TestLinesAreTheUsers(t *testing.T) {
	t.Parallel()
	p := fails(t, "words")
	for _, message := range []string{
		"a step's line", "a step's formatted line", "a line through a helper", "a line through two helpers", "a line in a closure",
		"a line of another goroutine", "a step's error", "a step's formatted error", "an Env's line", "an Env's line through a helper",
		"an error in a clean-up of the Env", "the step is skipped",
	} {
		p.placed(t, message)
	}
	require.Contains(t, p.out, "\n    without a line\n")
	require.Equal(t, map[string]string{"": "FAIL", "words": "FAIL", "skips": "SKIP"}, p.verdicts())
}

func scenarioLate(t *testing.T) {
	var old *chaostest.Step
	chaostest.RunOrchestration(t, document(quiet("first", time.Second), quiet("second", time.Second)), func(step *chaostest.Step) {
		if old == nil {
			old = step
			return
		}
		old.Log("late, to the outer test")
		old.Cleanup(func() {})
		_ = old.Failed()
		_ = old.Do(order(old.Client(), old.URL))
		_ = old.Results().Operations()
		_ = old.Clock().Remaining()
		old.Clock().Advance(time.Second)
		for range old.Every(time.Second) {
			old.Error("a tick of a step that is over")
		}
		old.Error("a late error fails the outer test")
	})
	old.Log("later still, outside virtual time")
}

// A Step that is used when it is over does not panic: what it says goes to the
// outer test, and so do its failures.
func TestStepIsUsedLate(t *testing.T) {
	t.Parallel()
	p := fails(t, "late")
	p.placed(t, "late, to the outer test")
	p.placed(t, "a late error fails the outer test")
	p.placed(t, "later still, outside virtual time")
	require.Equal(t, map[string]string{"": "FAIL", "first": "PASS", "second": "PASS"}, p.verdicts())
	require.NotContains(t, p.out, "a tick of a step that is over")

	p = passes(t, "late", "-test.run=^TestScenario$/^second$")
	require.NotContains(t, p.out, "late", "a muted step stays so")
}

func scenarioFatals(t *testing.T) {
	chaostest.RunOrchestration(t, document(
		tolerant("fatal", time.Minute), tolerant("require", time.Minute), tolerant("failnow", time.Minute),
		tolerant("skipnow", time.Minute), tolerant("elsewhere", time.Minute), tolerant("last", time.Minute),
	), func(step *chaostest.Step) {
		step.Clock().Advance(10 * time.Second)
		switch step.Spec.Name {
		case "fatal":
			step.Fatal("the end of a step")
		case "require":
			require.Equal(step, 1, 2, "testify ends the step")
		case "failnow":
			step.FailNow()
		case "skipnow":
			step.SkipNow()
		case "elsewhere":
			go step.Fatal("from another goroutine")
			<-step.Context().Done()
			require.Equal(step, 10*time.Second, step.Clock().Elapsed().Round(time.Millisecond))
			return
		case "last":
			return
		}
		t.Error("a body went on")
	})
}

// FailNow and its kin end their step only, there and then.
func TestFatalEndsItsStepOnly(t *testing.T) {
	t.Parallel()
	p := fails(t, "fatals")
	p.placed(t, "the end of a step")
	p.placed(t, "from another goroutine")
	require.Equal(t, map[string]string{
		"": "FAIL", "fatal": "FAIL", "require": "FAIL", "failnow": "FAIL", "skipnow": "SKIP", "elsewhere": "FAIL", "last": "PASS",
	}, p.verdicts())
	for _, step := range []string{"fatal", "require", "failnow", "skipnow", "elsewhere"} {
		require.Equal(t, 10*time.Second, p.lasted(t, step), step)
	}
	require.Equal(t, time.Minute, p.lasted(t, "last"))
	require.NotContains(t, p.out, "a body went on")
	require.NotContains(t, strings.ToLower(p.out), "panic")
}

func scenarioCleanUps(t *testing.T) {
	in(t, quiet("calm", time.Second), func(step *chaostest.Step) {
		step.Cleanup(func() { fmt.Println("a step's first ran") })
		step.Cleanup(func() { step.Fatal("a step's clean-up fails") })
		step.Cleanup(func() { panic("a step's clean-up panics") })
	}, chaostest.Setup(func(env *chaostest.Env) {
		env.Cleanup(func() { fmt.Println("the Env's first ran") })
		env.Cleanup(func() { env.FailNow() })
		env.Cleanup(func() { noMap["x"]++ })
	}))
}

// Whatever becomes of one clean-up, the others run.
func TestCleanUpsRunWhateverHappens(t *testing.T) {
	t.Parallel()
	p := fails(t, "clean-ups")
	p.placed(t, "a step's clean-up fails")
	require.Contains(t, p.out, "a step's first ran")
	require.Contains(t, p.out, "the Env's first ran")
	require.Contains(t, p.out, "a clean-up of step calm panicked: a step's clean-up panics")
	require.Contains(t, p.out, "Cleanup panicked: assignment to entry in nil map")
	require.NotContains(t, p.out, "ended its goroutine", "FailNow says why")
	require.Equal(t, map[string]string{"": "FAIL", "calm": "FAIL"}, p.verdicts())

	p = play(t, "clean-ups", "-test.run=^TestScenario$/^none$")
	require.NotContains(t, p.out, "a step's clean-up", "a muted step says nothing")
	require.Contains(t, p.out, "a step's first ran")
}

// noMap is a map that cannot be written to.
var noMap map[string]int
