package orchestrator

import (
	"fmt"
	"time"

	"github.com/mockforge-go/mockforge/assert"
)

// RunState is where a run is.
type RunState string

const (
	RunPending      RunState = "pending"
	RunRunning      RunState = "running"
	RunCompleted    RunState = "completed"
	RunFailed       RunState = "failed"
	RunInconclusive RunState = "inconclusive"
	RunStopped      RunState = "stopped"
)

// Ended reports whether the run is over.
func (s RunState) Ended() bool { return s != RunPending && s != RunRunning }

// StepState is how a step ended.
type StepState string

const (
	StepRunning      StepState = "running"
	StepPassed       StepState = "passed"
	StepFailed       StepState = "failed"
	StepInconclusive StepState = "inconclusive"
	StepSkipped      StepState = "skipped"
)

// A Check is an expectation and its verdict.
type Check struct {
	Expectation assert.Expectation
	Verdict     assert.Verdict
	Documented  bool // it stands in the document, not in Go
	Index       int  // of a documented one: its place in the list that it stands in
}

// A StepResult is how one step of one iteration ended. Offsets count from the
// run's start.
type StepResult struct {
	Name      string
	Iteration int // from 1
	State     StepState
	Reason    string        // why; "" for a plain pass
	Tolerated bool          // it failed, and continue_on_failure let the run go on
	Start     time.Duration // when its layer went on
	End       time.Duration // when it went off
	Problems  []string      // what the run itself found: operations that did not end, a layer that cannot be applied
	Checks    []Check
	Results   assert.Results // of the last iteration of a step only; zero for earlier ones
}

// A RunResult is how a run ended.
type RunResult struct {
	Name       string
	State      RunState
	Reason     string
	Seed       uint64
	Elapsed    time.Duration
	Iterations int
	Steps      []StepResult // the last 1,000 to 2,000; all of them up to 2,000
	Dropped    int          // how many earlier steps Steps leaves out
	Checks     []Check      // of the whole run
	Results    assert.Results
	Digest     string // of the event log, whether it was written or not
	Failed     int    // steps failed, dropped ones included
}

// keptSteps bounds RunResult.Steps: a run may loop for ever.
const keptSteps = 1000

func (r *RunResult) add(s StepResult) {
	for i := len(r.Steps) - 1; i >= 0; i-- {
		if r.Steps[i].Name == s.Name {
			r.Steps[i].Results = assert.Results{}
			break
		}
	}
	if len(r.Steps) >= 2*keptSteps {
		r.Dropped += len(r.Steps) - keptSteps
		r.Steps = append(r.Steps[:0], r.Steps[len(r.Steps)-keptSteps:]...)
	}
	r.Steps = append(r.Steps, s)
	if s.State == StepFailed {
		r.Failed++
	}
}

// String is one line: "orders: failed: step peak_chaos failed".
func (r RunResult) String() string {
	if r.Reason == "" {
		return fmt.Sprintf("%s: %s", r.Name, r.State)
	}
	return fmt.Sprintf("%s: %s: %s", r.Name, r.State, r.Reason)
}
