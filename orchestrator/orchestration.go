package orchestrator

import (
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
)

// An Orchestration is a named list of steps with execution settings: one
// document. It is plain data and not safe for concurrent changes.
//
// A zero field is one that is absent from the document; pointers, slices and
// maps tell absent (nil) from empty.
type Orchestration struct {
	Name        string // required
	Description string
	Tags        []string

	Steps    []Step // required: 1 to 1,000
	Parallel bool   // all steps at once; delays count from the iteration's start

	Loop bool // loop_orchestration: repeat the steps
	// MaxIterations bounds a loop; 0 is for ever. Without Loop it is ignored.
	// A document that loops and does not say max_iterations loads as 1.
	MaxIterations int

	Seed *uint64 // of every decision. Default: chosen by the run

	Scenarios map[string]injector.Config // custom scenarios that steps may name
	Targets   map[string]Target          // without any there is one, DefaultTarget

	Load *Traffic // driven during every step that has no Load of its own

	Expect         []assert.Expectation // checked over the whole run
	StopConditions []assert.Expectation // the first that is met stops the run as failed
}

// DefaultTarget is the name of the only target of an orchestration that
// declares none.
const DefaultTarget = "default"

// Iterations is how often the steps run: 1 without Loop, else MaxIterations,
// where 0 is for ever.
func (o *Orchestration) Iterations() int {
	if !o.Loop {
		return 1
	}
	return o.MaxIterations
}

// A Step is a named phase: its delay, then its scenario in force for its
// duration.
type Step struct {
	Name     string // required, unique
	Scenario Scenario

	Duration    time.Duration // 0: the scenario's own, see Orchestration.StepDuration
	DelayBefore time.Duration // nothing is injected during it

	ContinueOnFailure bool
	When              When // Default: OnSuccess
	Keep              bool // the layer stays until the iteration ends

	Targets []string // where the layer applies; empty: all

	Load   *Traffic // this step's traffic; nil: the orchestration's; rate 0: none
	Expect []assert.Expectation
}

// When says after what a step runs.
type When string

const (
	OnSuccess When = "on_success" // no untolerated failure so far in the run; the default
	OnFailure When = "on_failure" // any failure so far in this iteration, tolerated or not
	Always    When = "always"     // for clean-up
)

// A Scenario says what goes wrong in a step: a name (of a preset, a network
// profile or one of Orchestration.Scenarios), or a Config. The zero Scenario
// injects nothing. Orchestration.ResolveScenario says what a scenario means.
type Scenario struct {
	Name        string // with a Config that has a section, only a label
	Description string
	Config      *injector.Config
	Duration    time.Duration // used where the step's is 0
	Tags        []string

	// Start and End bound the layer in calendar time on the server and are
	// ignored in virtual time. Zero: no bound. Documents load in UTC.
	Start, End time.Time
}

// A Target is a named upstream that the chaos server stands in front of.
type Target struct {
	// Upstream is a URL with scheme http or https, or for TCP host:port. It may
	// be empty: a test names its handler, the server its upstreams by flag.
	Upstream string
	Kind     TargetKind // Default: HTTP
}

// TargetKind is what a target speaks.
type TargetKind string

const (
	HTTP TargetKind = "http"
	TCP  TargetKind = "tcp"
)

// Traffic is load that the engine itself drives: Rate requests a second,
// whether earlier ones have been answered or not (an open loop).
type Traffic struct {
	Rate    float64 // requests a second, 0–100,000; 0: none
	Target  string  // Default: the only target
	Method  string  // Default: GET
	Path    string  // with a query if wanted. Default: /
	Headers map[string]string
	Body    string
	Timeout time.Duration // of one request. Default (0): DefaultTrafficTimeout
}

// DefaultTrafficTimeout is how long a request of the engine's own load may
// take where the document does not say timeout_ms.
const DefaultTrafficTimeout = 30 * time.Second
