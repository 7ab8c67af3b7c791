package chaostest_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/chaostest"
	"github.com/mockforge-go/mockforge/orchestrator"
)

func scenarioLoop(t *testing.T) {
	late := chaos("peak_chaos", time.Minute, erring(0.1))
	late.DelayBefore = 30 * time.Second
	o := document(quiet("base line", 90*time.Second), late)
	o.Loop, o.MaxIterations = true, 3
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		require.True(step, strings.HasPrefix(step.Name(), fmt.Sprintf("TestScenario/iteration-%02d/", step.Iteration)), step.Name())
	})
}

// Every step is a subtest, in loops one of its iteration's, and lasts as long
// as it does in virtual time.
func TestStepsAreSubtests(t *testing.T) {
	t.Parallel()
	p := passes(t, "loop")
	want := map[string]string{"": "PASS"}
	for n := 1; n <= 3; n++ {
		iteration := fmt.Sprintf("iteration-%02d", n)
		want[iteration], want[iteration+"/base_line"], want[iteration+"/peak_chaos"] = "PASS", "PASS", "PASS"
		require.Equal(t, 90*time.Second, p.lasted(t, iteration+"/base_line"))
		require.Equal(t, time.Minute, p.lasted(t, iteration+"/peak_chaos"), "the delay before it is not its own")
		require.Equal(t, 3*time.Minute, p.lasted(t, iteration))
	}
	require.Equal(t, want, p.verdicts())
}

func TestIterationsAreAsWideAsTheLast(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]string{3: "iteration-02", 99: "iteration-02", 100: "iteration-002", 1000: "iteration-0002"} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			t.Parallel()
			o := document(quiet("tick", time.Second))
			o.Loop, o.MaxIterations = true, most
			var names []string
			chaostest.RunOrchestration(t, o, func(step *chaostest.Step) { names = append(names, step.Name()) }, chaostest.Iterations(2))
			require.Equal(t, t.Name()+"/"+want+"/tick", names[1])
		})
	}
}

func TestOneStepOfALoop(t *testing.T) {
	t.Parallel()
	p := passes(t, "loop", "-test.run=^TestScenario$/^iteration-02$/^peak_chaos$")
	require.Equal(t, map[string]string{"": "PASS", "iteration-02": "PASS", "iteration-02/peak_chaos": "PASS"}, p.verdicts())
	require.Equal(t, 3*time.Minute, p.lasted(t, "iteration-02"), "the muted step takes its time")
}

func scenarioParallelSteps(t *testing.T) {
	third := tolerant("third", 10*time.Second)
	third.DelayBefore = 5 * time.Second
	o := document(tolerant("first", 10*time.Second), tolerant("second", 20*time.Second), third)
	o.Parallel = true
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		step.Clock().Advance(8 * time.Second)
		fmt.Println(step.Spec.Name, "is at", step.Clock().Elapsed().Round(time.Millisecond))
		if step.Spec.Name == "third" {
			step.Error("the third fails")
		}
	})
}

// Steps in parallel are subtests that run at once.
func TestParallelStepsAreSubtests(t *testing.T) {
	t.Parallel()
	p := fails(t, "parallel steps")
	require.Equal(t, map[string]string{"": "FAIL", "first": "PASS", "second": "PASS", "third": "FAIL"}, p.verdicts())
	require.Equal(t, 10*time.Second, p.lasted(t, "first"))
	require.Equal(t, 20*time.Second, p.lasted(t, "second"))
	require.Equal(t, 10*time.Second, p.lasted(t, "third"))
	require.Regexp(t, `orders failed in 20s of virtual time`, p.out, "they run at once")
	p = passes(t, "parallel steps", "-test.run=^TestScenario$/^first$")
	require.Equal(t, map[string]string{"": "PASS", "first": "PASS"}, p.verdicts())
	require.Contains(t, p.out, "third is at 8s", "the others run too")
}

// scenarioGateKeeper is a run whose first step opens a gate for the others, and
// whose second may fail.
func scenarioGateKeeper(t *testing.T) {
	open := false
	second := quiet("second", 10*time.Second)
	second.ContinueOnFailure = os.Getenv("TOLERATED") != ""
	o := document(quiet("first", 10*time.Second), second, quiet("third", 10*time.Second), quiet("fourth", 10*time.Second))
	o.Parallel = os.Getenv("PARALLEL") != ""
	if o.Parallel {
		o.Steps[2].DelayBefore = 20 * time.Second
	}
	if os.Getenv("LOOP") != "" {
		o.Loop, o.MaxIterations = true, 2
	}
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) {
		step.Logf("words of the %s", step.Spec.Name)
		fmt.Println(step.Spec.Name, "ran, open:", open, "failed:", t.Failed())
		switch step.Spec.Name {
		case "first":
			open = true
		case "second":
			if os.Getenv("FAIL") != "" {
				step.Fatal("the second fails")
			}
			if os.Getenv("SKIP") != "" {
				step.Skip("the second is skipped")
			}
		}
		step.Cleanup(func() { step.Log("clean-up of the", step.Spec.Name) })
	})
}

// With -run the other steps run as well, muted: the state that the selected one
// needs exists, nothing of them is printed, and the test does not fail for them.
func TestRunSelectsAStep(t *testing.T) {
	t.Parallel()
	p := passes(t, "gate keeper", "-test.run=^TestScenario$/^third$")
	require.Equal(t, map[string]string{"": "PASS", "third": "PASS"}, p.verdicts())
	for _, step := range []string{"second", "third", "fourth"} {
		require.Contains(t, p.out, step+" ran, open: true")
	}
	require.Equal(t, 1, strings.Count(p.out, "words of the"), "%s", p.out)
	require.Equal(t, 1, strings.Count(p.out, "clean-up of the"), "%s", p.out)
	require.Contains(t, p.out, "words of the third\n")

	p = passes(t, "gate keeper", "-test.run=^TestScenario$/^third$", "FAIL=1", "TOLERATED=1")
	require.Equal(t, map[string]string{"": "PASS", "third": "PASS"}, p.verdicts(), "a muted failure fails nothing")
	require.NotContains(t, p.out, "the second fails")

	p = passes(t, "gate keeper", "-test.run=^TestScenario$/^first$", "FAIL=1")
	require.Equal(t, map[string]string{"": "PASS", "first": "PASS"}, p.verdicts())
	require.NotContains(t, p.out, "replay", "nor does it leave anything behind")

	p = fails(t, "gate keeper", "-test.run=^TestScenario$/^second$", "FAIL=1")
	require.Equal(t, map[string]string{"": "FAIL", "second": "FAIL"}, p.verdicts())
	p.placed(t, "the second fails")
}

// A selected step that cannot be reached fails, and says why.
func TestSelectedStepIsNotReached(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, selected, setting, want string }{
		{"in sequence", "fourth", "FAIL=1", `not reached: step second failed \(run it with CHAOSTEST_SEED=\S+ go test \S+ -run '\^TestScenario\$/\^second\$' -count=1\)`},
		{"in a loop", "iteration-02/fourth", "LOOP=1", ""},
		{"in a loop, the first iteration", "iteration-01/fourth", "LOOP=1", `not reached: step second failed \(run it with CHAOSTEST_SEED=\S+ go test \S+ -run '\^TestScenario\$/\^iteration-01\$/\^second\$' -count=1\)`},
		{"in parallel", "third", "PARALLEL=1", `not reached: stopped by second \(run it with CHAOSTEST_SEED=\S+ go test \S+ -run '\^TestScenario\$/\^second\$' -count=1\)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := play(t, "gate keeper", "-test.run=^TestScenario$/^"+strings.ReplaceAll(tt.selected, "/", "$/^")+"$", "FAIL=1", tt.setting)
			if tt.want == "" {
				require.Equal(t, map[string]string{"": "PASS"}, p.verdicts(), "go test knows no such test: %s", p.out)
				return
			}
			require.True(t, p.failed, p.out)
			require.Equal(t, "FAIL", p.verdicts()[tt.selected], p.out)
			require.Regexp(t, tt.want, p.out)
		})
	}
}

func TestSkipLeavesAStepOut(t *testing.T) {
	t.Parallel()
	p := passes(t, "gate keeper", "-test.skip=^TestScenario$/^second$")
	require.Equal(t, map[string]string{"": "PASS", "first": "PASS", "third": "PASS", "fourth": "PASS"}, p.verdicts())
	require.Contains(t, p.out, "second ran, open: true", "it steers all the same")
	require.NotContains(t, p.out, "words of the second")
}

// With -failfast go test starts no subtest after a failure. The run is carried
// out all the same, muted.
func TestFailfast(t *testing.T) {
	t.Parallel()
	p := fails(t, "gate keeper", "-test.failfast", "FAIL=1", "TOLERATED=1")
	require.Equal(t, map[string]string{"": "FAIL", "first": "PASS", "second": "FAIL"}, p.verdicts())
	require.NotContains(t, p.out, "words of the third")
}

func TestShuffle(t *testing.T) {
	t.Parallel()
	p := passes(t, "gate keeper", "-test.shuffle=5", "-test.run=^(TestScenario|TestClock|TestByName)$")
	require.Equal(t, map[string]string{"": "PASS", "first": "PASS", "second": "PASS", "third": "PASS", "fourth": "PASS"}, p.verdicts())
	require.Contains(t, p.out, "--- PASS: TestClock/clock (61.00s)")
}

func TestCount(t *testing.T) {
	t.Parallel()
	p := passes(t, "gate keeper", "-test.count=2", "-test.cpu=1,2")
	require.Equal(t, 4, strings.Count(p.out, "--- PASS: TestScenario/third (10.00s)"))
	require.NotContains(t, p.out, "FAIL")
}

func scenarioSkipped(t *testing.T) {
	always := quiet("always", time.Second)
	always.When = orchestrator.Always
	never := quiet("on failure", time.Second)
	never.When = orchestrator.OnFailure
	chaostest.RunOrchestration(t, document(quiet("body skips", time.Second), never, quiet("stops", time.Second), quiet("after", time.Second), always),
		func(step *chaostest.Step) {
			switch step.Spec.Name {
			case "body skips":
				step.Skip("no reason")
			case "stops":
				step.Stop()
			}
		})
}

// Steps that do not run are subtests too, and say why.
func TestSkippedSteps(t *testing.T) {
	t.Parallel()
	p := passes(t, "skipped")
	require.Equal(t, map[string]string{
		"": "PASS", "body_skips": "SKIP", "on_failure": "SKIP", "stops": "PASS", "after": "SKIP", "always": "SKIP",
	}, p.verdicts())
	require.Contains(t, p.out, "skipped: no step failed\n")
	require.Contains(t, p.out, "skipped: the run was ended after an earlier step\n")

	p = fails(t, "gate keeper", "FAIL=1")
	require.Equal(t, map[string]string{"": "FAIL", "first": "PASS", "second": "FAIL", "third": "SKIP", "fourth": "SKIP"}, p.verdicts())
	require.Equal(t, 2, strings.Count(p.out, "skipped: step second failed\n"))

	for _, step := range []string{"after", "on_failure"} {
		p = passes(t, "skipped", "-test.run=^TestScenario$/^"+step+"$")
		require.Equal(t, map[string]string{"": "PASS", step: "SKIP"}, p.verdicts(), "it is skipped in the whole run as well")
	}
}

func scenarioRunExpectation(t *testing.T) {
	o := document(quiet("first", 10*time.Second), quiet("second", 10*time.Second))
	o.Expect = []assert.Expectation{assert.Operations().AtLeast(1000)}
	chaostest.RunOrchestration(t, o, func(step *chaostest.Step) { step.Load(10, order(step.Client(), step.URL)) })
}

// An expectation of the whole run is reported only where no step is muted.
func TestRunExpectations(t *testing.T) {
	t.Parallel()
	p := fails(t, "run expectation")
	require.Regexp(t, `subtest_test\.go:\d+: over the whole run: client operations = 200, want >= 1000`, p.out)
	require.Equal(t, map[string]string{"": "FAIL", "first": "PASS", "second": "PASS"}, p.verdicts())
	p = passes(t, "run expectation", "-test.run=^TestScenario$/^first$")
	require.NotContains(t, p.out, "whole run")
}
