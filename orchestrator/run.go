package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
)

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
	handed    *handover     // nil: no layer waits for the next step's
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
