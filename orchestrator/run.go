package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/assert"
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

// A Run is one execution of an orchestration. Its methods are safe for
// concurrent use.
type Run struct {
	o        *Orchestration
	opts     RunOptions
	seed     uint64
	injector *injector.Injector
	recorder *recorder
	schedule *schedule
	log      *EventLog
	document []byte // compact JSON, for a recording
	grace    time.Duration
	targets  []string
	total    time.Duration // planned, of one iteration
	rounds   int           // planned iterations; 0: endless

	ctx    context.Context // ends with the run
	cancel context.CancelCauseFunc

	watch      watches
	background []background // set before the run starts

	mu        sync.Mutex
	state     RunState
	started   time.Time
	ended     time.Time
	iteration int
	began     time.Time // the iteration
	clock     time.Time // nominal end of what came before; of the run's goroutine
	before    string    // the step that ended then
	current   []string
	failure   string // the first untolerated failure
	failing   bool   // a step failed, tolerated or not
	doubtful  string // the first inconclusive step
	last      bool   // Stop after this step was asked for
	kept      []func()
	follows   *following    // nil without Follow
	late      *lateVerdicts // nil without RunOptions.Prompt
	suspended string        // why chaos is switched off; "": it is not
	wasOff    string        // why it was, at any time
	onAgain   time.Time     // when it was switched on again
	past      map[string]assert.Results
	reference float64 // error rate of the last quiet step
	result    RunResult
	broken    []string // names of the steps that failed so far
	early     error    // Stop was called before Run
}

// ErrStopped is the cause of a run, or a step, that was stopped from outside.
var ErrStopped = errors.New("stopped")

// ErrStepEnded is the cause of a step's context when the step is over.
var ErrStepEnded = errors.New("the step is over")

// NewRun prepares a run of a valid orchestration. It returns an error where
// the document asks for something that cannot be run: a loop of zero length,
// or load without a client.
func NewRun(o *Orchestration, opts RunOptions) (*Run, error) {
	r := &Run{
		o: o, opts: opts, log: opts.Log, grace: opts.Grace, state: RunPending,
		ctx: context.Background(), past: map[string]assert.Results{}, schedule: &schedule{},
	}
	switch {
	case opts.Seed != nil:
		r.seed = *opts.Seed
	case o.Seed != nil:
		r.seed = *o.Seed
	}
	if r.grace == 0 {
		r.grace = 30 * time.Second
	}
	if r.log == nil {
		r.log = NewEventLog(nil)
	}
	r.rounds = 1
	if o.Loop {
		r.rounds = o.MaxIterations
	}
	if n := opts.Iterations; n > 0 && o.Loop && (r.rounds == 0 || n < r.rounds) {
		r.rounds = n
	}
	r.targets = o.targetNames()
	r.total = o.IterationDuration()
	if o.Loop && o.shortest() == 0 && opts.Hooks.Body == nil {
		return nil, fmt.Errorf("orchestration %s: the loop has no length: set duration_seconds of a step", o.Name)
	}
	if opts.Client == nil || opts.URL == nil {
		if name := o.firstLoad(); name != "" {
			return nil, fmt.Errorf("orchestration %s: %s asks for load, and there is no client to drive it", o.Name, name)
		}
	}
	if err := r.startRecording(); err != nil {
		return nil, fmt.Errorf("orchestration %s: %w", o.Name, err)
	}
	virtual := assert.CollectorOptions{Duration: r.planned(), Virtual: opts.Virtual}
	r.recorder = &recorder{log: r.log, needs: needsOf(o), schedule: r.schedule, total: assert.NewCollector(virtual), steps: map[injector.LayerRef]*ActiveStep{}}
	for _, e := range o.StopConditions {
		length, ok := assert.WindowOf(e)
		if !ok {
			length = defaultWindow
		}
		r.recorder.windows = append(r.recorder.windows, assert.NewWindow(length, assert.CollectorOptions{Virtual: opts.Virtual}))
	}
	r.injector = opts.Injector
	if r.injector == nil {
		all := append([]injector.Option{injector.WithSeed(r.seed), injector.WithObserver(r.recorder)}, opts.InjectorOptions...)
		if r.log.recording {
			all = append(all, injector.InOrder())
		}
		if opts.Sequencer != nil {
			all = append(all, injector.WithSequencer(opts.Sequencer))
		}
		r.injector = injector.New(all...)
	}
	return r, nil
}

// Injector is where the run's layers are applied.
func (r *Run) Injector() *injector.Injector { return r.injector }

// Observer is to be told what an injector that was given in RunOptions does.
func (r *Run) Observer() injector.Observer { return r.recorder }

// Targets lists the document's targets, sorted; without any there is one,
// DefaultTarget.
func (r *Run) Targets() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.targets)
}

// AddTarget makes a target known that the document does not declare, so that
// its breaker's state is recorded.
func (r *Run) AddTarget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.targets, name) {
		r.targets = append(r.targets, name)
	}
}

// Seed is the seed of every decision.
func (r *Run) Seed() uint64 { return r.seed }

// Context ends when the run does. Before Run it is the background context.
func (r *Run) Context() context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ctx
}

// planned is the length of the whole run, of one iteration in an endless loop.
// It does not overflow.
func (r *Run) planned() time.Duration {
	n := int64(max(r.rounds, 1))
	if int64(r.total) > math.MaxInt64/n {
		return math.MaxInt64
	}
	return time.Duration(int64(r.total) * n)
}

// Run runs the orchestration and returns when it is over: when it was carried
// out, an untolerated failure ended it, Stop was called, or ctx ended. Whatever
// ends it, every layer is off. It may be called once.
func (r *Run) Run(ctx context.Context) RunResult {
	r.open(ctx)
	released := r.releaseAtEnd()
	r.clock = r.aligned()
	judge := r.startJudge()
	endBackground := r.startBackground()
	if r.opts.Prompt {
		r.late = newLateVerdicts(r)
		defer r.late.stop(nil)
	}
	for n := 1; ; n++ {
		r.begin(n)
		r.iterate(n)
		r.dropKept()
		if r.over() || r.rounds > 0 && n >= r.rounds {
			break
		}
		if limit := r.opts.IterationLimit; r.rounds == 0 && limit > 0 && n >= limit {
			r.fail(endless(limit))
			break
		}
	}
	if r.late != nil {
		r.late.open.Wait()
	}
	endBackground()
	judge()
	released()
	r.injector.Release()
	return r.finish()
}

// open starts the run's clock and its log.
func (r *Run) open(ctx context.Context) {
	r.mu.Lock()
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	r.started = r.schedule.now()
	r.recorder.start = r.started
	r.state = RunRunning
	if r.early != nil {
		r.cancel(r.early)
	}
	r.mu.Unlock()
	r.log.header(r.o.Name, r.seed, r.started, r.document)
	r.recorder.on.Store(true)
	r.knownStates(func(name, state string) { r.recorder.known(assert.ClientSide, name, state) })
}

// releaseAtEnd releases the injector when the run's context ends. The returned
// function calls that off, or waits for it.
func (r *Run) releaseAtEnd() (end func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(r.ctx, func() {
		defer close(done)
		r.injector.Release()
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// Stop ends the run at once, in whatever it is doing: every layer goes off, and
// what has not been judged yet is not judged any more. A run that is stopped
// before it starts skips all of its steps. After the end Stop does nothing.
func (r *Run) Stop(reason string) {
	cause := ErrStopped
	if reason != "" {
		cause = fmt.Errorf("%w: %s", ErrStopped, reason)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.state.Ended(): // the injector may be somebody else's by now
	case r.cancel == nil:
		r.early = cause
	default:
		r.cancel(cause)
		r.injector.Release()
	}
}

// StopAfterStep ends the run after the step in force, as completed.
func (r *Run) StopAfterStep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = true
}

// fail records an untolerated failure, the first of which is the run's reason.
func (r *Run) fail(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failing = true
	if r.failure == "" {
		r.failure = reason
	}
}

// over reports whether no further iteration may start.
func (r *Run) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failure != "" || r.last || r.ctx.Err() != nil
}

func (r *Run) begin(iteration int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.iteration, r.began = iteration, r.schedule.now()
	r.result.Iterations = iteration
}

func (r *Run) iterate(n int) {
	r.wrap(n, func() {
		if r.o.Parallel {
			r.parallel(n)
		} else {
			r.sequential(n)
		}
	})
}

// wrap does an iteration within the hook for it.
func (r *Run) wrap(n int, do func()) {
	if r.o.Loop && r.opts.Hooks.Iteration != nil {
		r.opts.Hooks.Iteration(n, do)
		return
	}
	do()
}

// elapsed is how long the run has lasted: in virtual time without the
// nanoseconds that its own work takes.
func (r *Run) elapsed() time.Duration {
	d := r.schedule.now().Sub(r.started)
	if r.opts.Virtual {
		return d.Round(punctual)
	}
	return d
}

// finish judges the whole run, unless it was cut short from outside.
func (r *Run) finish() RunResult {
	cause := context.Cause(r.ctx)
	var results assert.Results
	r.settle("results of the run", func() { results = r.recorder.total.Snapshot(r.elapsed()) })
	var checks []Check
	switch {
	case cause != nil:
	case r.follows != nil:
		report, _, _, _ := r.follows.view.latest()
		checks = r.shared(r.o.Expect, slices.ContainsFunc(r.o.Steps, r.o.loaded), report.Checks, results)
	default:
		for i, e := range r.o.Expect {
			checks = append(checks, Check{Expectation: e, Verdict: r.unlessSuspended(e.Check(results)), Documented: true, Index: i})
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = r.schedule.now()
	res := &r.result
	// A verdict that came late stands behind those of later steps.
	slices.SortStableFunc(res.Steps, func(a, b StepResult) int { return cmp.Compare(a.Start, b.Start) })
	res.Name, res.Seed, res.Elapsed, res.Checks, res.Results = r.o.Name, r.seed, r.ended.Sub(r.started), checks, results
	for _, c := range checks {
		r.logRunVerdict(c)
		switch c.Verdict.Status {
		case assert.Fail:
			r.failing = true
			if r.failure == "" {
				r.failure = sentence(c.Verdict)
			}
		case assert.Inconclusive:
			if r.doubtful == "" {
				r.doubtful = sentence(c.Verdict)
			}
		}
	}
	switch {
	case r.failure != "":
		res.State, res.Reason = RunFailed, r.failure
	case cause != nil:
		res.State, res.Reason = RunStopped, cause.Error()
	case r.failing:
		res.State, res.Reason = RunFailed, "a tolerated step failed"
	case r.doubtful != "":
		res.State, res.Reason = RunInconclusive, r.doubtful
	default:
		res.State = RunCompleted
	}
	r.state = res.State
	r.current = nil
	r.log.add(res.Elapsed, logRun, "run", func(b []byte) []byte {
		b = appendText(b, "state", string(res.State))
		return appendText(b, "reason", res.Reason)
	})
	_ = r.log.Close() // the writer's owner reports its errors
	res.Digest = r.log.Digest()
	r.cancel(errEnded)
	return *res
}

var errEnded = errors.New("the run is over")

func (r *Run) logRunVerdict(c Check) {
	r.log.add(r.schedule.now().Sub(r.started), logVerdict, "verdict", func(b []byte) []byte { return appendVerdict(b, c) })
}
