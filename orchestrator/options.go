package orchestrator

import (
	"net/http"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// RunOptions say how an orchestration is run. The zero value runs it in real
// time, with a seed of 0 unless the document has one.
type RunOptions struct {
	// Seed of every decision. Default: the document's, else 0.
	Seed *uint64
	// Virtual says that the run is inside virtual time: quantities are then
	// compared exactly. The engine itself uses package time in both cases.
	Virtual bool
	// Sequencer orders arrivals and departures in virtual time. Default: none.
	Sequencer injector.Sequencer
	// Injector that the layers are applied to. Default: one of the run's own,
	// with Seed and Sequencer; it is available from Run.Injector.
	Injector *injector.Injector
	// InjectorOptions are used where the run makes the injector.
	InjectorOptions []injector.Option
	// Iterations bounds a loop, endless or not. Default (0): the document's.
	Iterations int
	// IterationLimit fails an endless loop that nothing stopped after so many
	// iterations. Default (0): none.
	IterationLimit int
	// Grace is how long a step's verdict waits for operations that are still
	// in progress at its end. Default (0): 30 s.
	Grace time.Duration
	// Prompt keeps to the timetable where a verdict comes late: the next step
	// starts on time, and an untolerated failure that becomes known then ends
	// it. Default: a late verdict uses up the next delay, then moves the step.
	Prompt bool
	// Log receives the run's events. Default: a log without a writer. One made
	// by NewRecording can be replayed; an Injector that is given must then be
	// one with the option InOrder, whose observer passes on everything that an
	// injector.Journal is told.
	Log *EventLog
	// Hooks connect the run to a test.
	Hooks Hooks
	// Client and URL drive the document's load: the client to use, and the base
	// URL of a target, without a slash at the end. Without them a document's
	// load is an error.
	Client *http.Client
	URL    func(target string) string
}

// Hooks are called by the run, on its own goroutines. Each may be nil.
type Hooks struct {
	// Iteration wraps one iteration of a loop. It must call do once.
	Iteration func(iteration int, do func())
	// Step wraps a step, from before its layer goes on until after its
	// verdict. It must call do once, and do returns the verdict.
	Step func(s *ActiveStep, do func() StepResult)
	// Body runs while the step is in force, on a goroutine of its own.
	Body func(s *ActiveStep)
	// Overrun is told of a body that has not returned when the step's end and
	// the grace are over. It is left behind.
	Overrun func(s *ActiveStep)
	// Ended is told of the result of a step that was run, once it counts.
	Ended func(res StepResult)
	// Skipped is told of a step that is not run.
	Skipped func(step Step, iteration int, reason string)
	// Moved is told that a step starts later than the timetable says.
	Moved func(step Step, late time.Duration, because string)
}
