package chaostest

import (
	"net/http"
	"time"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// An Option changes how Run runs an orchestration.
type Option interface{ apply(*settings) }

type option func(*settings)

func (o option) apply(s *settings) { o(s) }

type settings struct {
	setup      []func(*Env)
	prime      []func()
	upstream   http.Handler
	seed       *uint64
	iterations int
	epoch      time.Time
	patch      bool
	eventLog   string
	real       bool   // no virtual time
	remote     string // base URL of the server; "": the harness is the server
	token      string

	mode      replayMode // of Replay
	strict    bool
	document  string // that the recording must be of; "": any
	recording string // name of the orchestration; "": any
	replay    *orchestrator.Recording
}

func newSettings(opts []Option) *settings {
	s := &settings{epoch: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, o := range opts {
		o.apply(s)
	}
	return s
}

// Setup runs f once, in virtual time, before the first step: build what is
// under test there. When f fails the test, the steps do not run. Several
// Setups run in order.
func Setup(f func(env *Env)) Option {
	return option(func(s *settings) { s.setup = append(s.setup, f) })
}

// Upstream is the handler behind the chaos of the default target. Default: 200
// to everything. Env.Serve does the same for any target.
func Upstream(h http.Handler) Option {
	return option(func(s *settings) { s.upstream = h })
}

// Seed is the seed of every decision. Default: CHAOSTEST_SEED, else the
// document's, else a hash of the test's name.
func Seed(seed uint64) Option {
	return option(func(s *settings) { s.seed = &seed })
}

// Iterations bounds a loop, endless or not. It is at least 1. Default: the
// document's max_iterations.
func Iterations(n int) Option {
	return option(func(s *settings) { s.iterations = max(1, n) })
}

// Epoch is when virtual time starts. Default: 2026-01-01T00:00:00Z. A time
// before 2000-01-01 counts as that day, with which the Go runtime begins.
func Epoch(t time.Time) Option {
	return option(func(s *settings) { s.epoch = t })
}

// PatchDefaultTransport lets code that uses http.Get or http.DefaultTransport
// reach the targets while the run lasts. It changes process-wide state, so the
// test must not call t.Parallel: then the run is refused. Default: requests
// through http.DefaultTransport are refused connections.
func PatchDefaultTransport() Option {
	return option(func(s *settings) { s.patch = true })
}

// EventLog writes the run's event log to path. Default: CHAOSTEST_EVENT_LOG,
// else the log is kept for failed runs only, and its path is printed. In real
// time, a log that is asked for is one that Replay takes.
func EventLog(path string) Option {
	return option(func(s *settings) { s.eventLog = path })
}

// Prime runs f before virtual time begins: start worker pools, resolve names
// and open what must live outside. Several Primes run in order.
func Prime(f func()) Option {
	return option(func(s *settings) { s.prime = append(s.prime, f) })
}
