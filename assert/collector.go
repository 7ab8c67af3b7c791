package assert

import (
	"sync"
	"time"
)

// CollectorOptions describe the step, or the run, that a Collector is for.
type CollectorOptions struct {
	Name      string        // the step's; "" for the whole run
	Duration  time.Duration // planned length; 0: unknown. It sizes the timeline.
	Virtual   bool          // virtual time: exact comparisons, and 20 µs of allowance per request
	Reference float64       // the error rate that "recovers" returns to, 0–1
}

// An Operation is one call of the function that the test drives.
type Operation struct {
	N         int           // 1 for the first of the step
	Name      string        // "GET /orders", when known
	At        time.Duration // when it started, from the step's start
	Latency   time.Duration // how long it took
	Attempts  int           // requests that it cost; 0: none were seen
	Failed    bool
	Error     string // what the caller saw
	Status    int    // the last failed attempt's HTTP status; 0: none
	Fault     string // the fault that the last failed attempt carried, injector.Kind…; "": none
	FaultsHit int    // how many of its attempts met an injected fault, whether it failed or not
	// AbsorbedBy says what hid the faults that it met from its caller; "" where
	// it met none or failed.
	AbsorbedBy Absorber
}

// A ServerRequest is one request as the chaos server saw it end.
type ServerRequest struct {
	At     time.Duration // when it ended, from the step's start
	Failed bool          // a 5xx, or a connection or time-out fault
}

// An Injection is one fault that fired or was masked.
type Injection struct {
	Kind   string // injector.Kind…
	Status int    // the status answered; 0: none
	Delay  time.Duration
	Masked bool
	Spared bool // it was recorded as fired, and did not come to be: it counts as masked instead
}

// Draws is how many requests met a rule, for comparing rates with a plan.
type Draws struct {
	Kind        string
	Exact       bool // stratified sampling, see injector.Exact
	Requests    int
	Probability float64
	Rules       int // how many rules of their own were added up; 0: one
}

// Side says whose view a state or a number is.
type Side int

const (
	ClientSide Side = iota // the user's own breaker, given to Watch or Track
	ServerSide             // the chaos server's
)

func (s Side) String() string { return [...]string{"client", "server"}[s] }

// A Collector records what happens in one step, or in a whole run, for
// expectations to be checked on. Its memory is bounded whatever the length of
// the run: about 1 MiB of latencies, 240 timeline bins, 1,000 changes for each
// name that has a state. It is safe for concurrent use.
type Collector struct {
	mu sync.Mutex
	t  tally
}

// NewCollector returns an empty Collector.
func NewCollector(opts CollectorOptions) *Collector {
	return &Collector{t: newTally(opts, 0)}
}

// Operation records an operation that has ended.
func (c *Collector) Operation(op Operation) {
	c.mu.Lock()
	c.t.operation(&op)
	c.mu.Unlock()
}

// Request records a request that the chaos server has seen end.
func (c *Collector) Request(r ServerRequest) {
	c.mu.Lock()
	c.t.request(r)
	c.mu.Unlock()
}

// Injection records a fault that fired or was masked.
func (c *Collector) Injection(i Injection) {
	c.mu.Lock()
	c.t.faults.injection(i)
	c.mu.Unlock()
}

// Draws sets how many requests have met a rule so far. Each call replaces what
// the last one said for the same kind and probability.
func (c *Collector) Draws(d Draws) {
	c.mu.Lock()
	c.t.faults.setDraws(d)
	c.mu.Unlock()
}

// Attempt records one request that the client made, whether it belongs to an
// operation or not. These are the attempts of attempts_per_operation;
// Operation.Attempts is evidence only.
func (c *Collector) Attempt() {
	c.mu.Lock()
	c.t.attempts++
	c.mu.Unlock()
}

// State records the state of name at an instant from the step's start, sampled
// or pushed; what has not changed is not recorded again. The first call for a
// name gives its state at the step's start.
func (c *Collector) State(side Side, name string, at time.Duration, state string) {
	c.mu.Lock()
	c.t.state(side, name, at, state)
	c.mu.Unlock()
}

// KnowState says that name has a state, though none has been seen yet.
func (c *Collector) KnowState(side Side, name string) {
	c.mu.Lock()
	c.t.log(side, name)
	c.mu.Unlock()
}

// SetReference sets the error rate, 0–1, that "recovers" returns to.
func (c *Collector) SetReference(errorRate float64) {
	c.mu.Lock()
	c.t.opts.Reference = errorRate
	c.mu.Unlock()
}

// Snapshot returns what was recorded up to end, an instant from the step's
// start. Recording may go on; the Results do not change.
func (c *Collector) Snapshot(end time.Duration) Results {
	c.mu.Lock()
	t := c.t.clone()
	c.mu.Unlock()
	return t.results(end) // sorts: recording need not wait for it
}
