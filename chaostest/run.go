package chaostest

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// Run takes the code under test through the orchestration in the file at path,
// on virtual time unless RealTime or Remote is among the options, and calls body
// for each step while it is in force. Every
// step is a subtest of t. An invalid document fails the test with every
// problem that it has. A nil body is allowed where the document drives load
// itself. Run returns when the orchestration is over and everything that it
// started has ended; it may be used in parallel tests, where runs take turns.
func Run(t *testing.T, path string, body func(step *Step), opts ...Option) {
	t.Helper()
	o, warnings, err := orchestrator.Load(path)
	if err != nil {
		t.Fatalf("%v", err)
	}
	start(t, o, path, body, warnings, newSettings(opts))
}

// RunOrchestration is Run for an orchestration that was built in Go.
func RunOrchestration(t *testing.T, o orchestrator.Orchestration, body func(step *Step), opts ...Option) {
	t.Helper()
	warnings, err := o.Validate()
	if err != nil {
		t.Fatalf("%v", err)
	}
	start(t, &o, "", body, warnings, newSettings(opts))
}

// warn logs what deserves a second look in a test. That a name is only a label
// matters to validate, and a test may well drive the load that a document
// leaves to it.
func warn(t *testing.T, o *orchestrator.Orchestration, s *settings, warnings []orchestrator.Problem) {
	t.Helper()
	for i, step := range o.Steps {
		if sc := step.Scenario; !s.real && (!sc.Start.IsZero() || !sc.End.IsZero()) {
			t.Logf("warning: steps[%d].scenario: start_time and end_time are ignored in virtual time", i)
		}
	}
	for _, w := range warnings {
		if w.Rule != orchestrator.NoLoad && w.Rule != orchestrator.OverriddenName {
			t.Logf("warning: %v", w)
		}
	}
}

func start(t *testing.T, o *orchestrator.Orchestration, path string, body func(*Step), warnings []orchestrator.Problem, s *settings) *harness {
	t.Helper()
	warn(t, o, s, warnings)
	at := new(helpers).line()
	if inVirtualTime() {
		t.Fatalf("chaostest.Run inside virtual time: end the other run, or the synctest bubble, first")
	}
	if s.replay == nil && (s.mode != 0 || s.strict || s.document != "" || s.recording != "") {
		t.Fatalf("the options that start with Replay are for chaostest.Replay, which replays what was recorded")
	}
	seed, err := chooseSeed(t.Name(), o, s)
	if err != nil {
		t.Fatal(err)
	}
	if o.Loop && o.MaxIterations == 0 && s.iterations == 0 && body == nil && s.replay == nil && len(o.StopConditions) == 0 {
		t.Fatalf("%s loops for ever and nothing would end it: set max_iterations, add stop_conditions, or bound it with chaostest.Iterations(n)", o.Name)
	}
	if s.remote != "" && s.upstream != nil {
		t.Fatalf("chaostest.Upstream: with chaostest.Remote the upstreams are the server's own: mockforge serve --upstream URL")
	}
	if s.remote != "" && body != nil {
		if err := longEnough(o); err != nil {
			t.Fatal(err)
		}
	}
	if s.patch && !s.real {
		if err := refuseParallel(t); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := checkRuns()
	if err != nil {
		t.Fatal(err)
	}
	h := newHarness(t, o, body, s, seed, at, path)
	h.repeats = runs > 1 && !s.real
	if runs > 1 && s.real {
		t.Logf("CHAOSTEST_CHECK has no effect in real time: no two runs are equal there")
	}
	h.execute()
	if h.repeats {
		h.compare(runs)
	}
	return h
}

// checkRuns is how often CHAOSTEST_CHECK wants the orchestration run.
func checkRuns() (int, error) {
	text := os.Getenv("CHAOSTEST_CHECK")
	if text == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1000 {
		return 0, fmt.Errorf("CHAOSTEST_CHECK=%q is not a number of runs from 1 to 1000", text)
	}
	return n, nil
}

// refuseParallel reports that t called Parallel. Setenv is how testing tells.
func refuseParallel(t *testing.T) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("PatchDefaultTransport changes http.DefaultTransport for the whole process: do not use it with t.Parallel")
		}
	}()
	t.Setenv("CHAOSTEST_PATCHED", "1")
	return nil
}
