package chaostest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// iterationLimit ends an endless loop that nothing else ends.
const iterationLimit = 1000

// A harness is one call of Run.
type harness struct {
	t       *testing.T
	o       *orchestrator.Orchestration
	body    func(*Step)
	set     *settings
	seed    uint64
	at      string // the user's line that called Run
	path    string // of the document; "": it was built in Go
	dir     string // for the replay line
	known   *helpers
	quiet   bool // report nothing: a repetition for CHAOSTEST_CHECK
	repeats bool // repetitions follow: keep the event log for them

	bubble *bubble
	replay *replayer // nil: of no recording
	env    *Env
	logs   *logFile
	result orchestrator.RunResult
	ran    bool          // the orchestration was run, to whatever end
	took   time.Duration // in real time: how long that took
	end    ending
	remote *remoteServer // nil without Remote

	mu       sync.Mutex
	steps    map[*orchestrator.ActiveStep]*Step
	parents  map[int]*testing.T // the subtest of each iteration in force
	muted    bool               // -run left a step out
	selected bool               // -run chose a step while others were left out
	failed   string             // the first step that failed
	blamed   string             // the full name of the first muted step that failed untolerated
	later    []deferred         // reports for after the bubble
	left     map[string]bool    // goroutines of bodies that were left behind
	refused  bool               // this Go version refuses subtests in virtual time
}

func newHarness(t *testing.T, o *orchestrator.Orchestration, body func(*Step), s *settings, seed uint64, at, path string) *harness {
	return &harness{
		t: t, o: o, body: body, set: s, seed: seed, at: at, path: path, dir: packagePath(), known: &helpers{},
		bubble: &bubble{}, steps: map[*orchestrator.ActiveStep]*Step{}, parents: map[int]*testing.T{}, left: map[string]bool{},
	}
}

// execute runs the orchestration and reports on the outer test.
func (h *harness) execute() {
	h.logs = newLogFile(cmp.Or(h.set.eventLog, os.Getenv("CHAOSTEST_EVENT_LOG")), h.repeats)
	if h.set.real {
		h.inRealTime()
		h.skip()
		return
	}
	failure, frozen := h.bubble.run(h.t, h.set.prime, h.main)
	h.reportLater()
	where, _ := h.bubble.step.Load().(string)
	if where == "" {
		where = "the run"
	}
	switch {
	case len(frozen) > 0:
		h.outer(frozenText(where, frozen))
	case failure != nil && !leakPanic(failure):
		h.outer(fmt.Sprintf("virtual time ended in %s: %v", where, failure))
	}
	h.finish()
	if len(frozen) == 0 {
		h.skip()
	}
}

// skip skips the test where Setup said so.
func (h *harness) skip() {
	if h.env != nil && h.env.Skipped() && !h.ran {
		h.t.SkipNow()
	}
}

// leakPanic reports whether the bubble ended with goroutines left behind,
// which drain has reported with more detail.
func leakPanic(failure any) bool {
	return strings.Contains(fmt.Sprint(failure), "blocked goroutines remain")
}

// main is the run, in virtual time unless the settings say otherwise.
func (h *harness) main() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	injectorOptions := []injector.Option{injector.TrustForwarded()}
	if h.set.replay != nil {
		h.replay = newReplayer(ctx, h)
		injectorOptions = append(injectorOptions, injector.WithPins(h.replay.pin))
	}
	opts := orchestrator.RunOptions{
		Seed: &h.seed, Iterations: h.set.iterations, IterationLimit: iterationLimit,
		InjectorOptions: injectorOptions,
		Log:             orchestrator.NewEventLog(h.logs),
		Client:          &http.Client{Transport: roundTripperFunc(func(r *http.Request) (*http.Response, error) { return h.env.client.Transport.RoundTrip(r) })},
		URL:             func(target string) string { return h.env.Target(target).URL },
		Hooks:           h.hooks(),
	}
	if h.set.real && h.logs.wanted && orchestrator.Encode(io.Discard, h.o, orchestrator.JSON) == nil {
		opts.Log = orchestrator.NewRecording(h.logs) // in real time a log can only be replayed if it is one
	}
	if !h.set.real {
		toEpoch(h.set.epoch)
		opts.Virtual, opts.Sequencer = true, newGate(h.seed, &h.bubble.alive)
	}
	run, err := orchestrator.NewRun(h.o, opts)
	if err != nil {
		h.outer(err.Error())
		return
	}
	if err := h.open(ctx, run); err != nil {
		h.outer(err.Error())
		return
	}
	defer patch(h.set.patch && !h.set.real, h.env)()
	if h.protected("Setup", h.env.scope, h.setup) && !h.env.Failed() {
		if !h.set.real {
			time.Sleep(time.Until(time.Now().Add(grid - 1).Truncate(grid)))
		}
		h.bubble.alive.Add(1)
		began := time.Now()
		h.carryOut(ctx, run)
		h.took = time.Since(began)
	}
	cancel()
	if h.replay != nil {
		h.replay.end()
	}
	h.bubble.step.Store("a clean-up of the run")
	h.cleanUp("Cleanup", h.env.scope)
	h.env.close()
	if h.set.real {
		return
	}
	if left := h.bubble.drainAll(); len(left) > 0 {
		h.leaked(left)
	}
}

// open makes the environment: the network and its targets.
func (h *harness) open(ctx context.Context, run *orchestrator.Run) error {
	h.env = &Env{
		scope: &scope{tb: h.t, name: h.t.Name(), ctx: ctx, known: h.known, sink: h.outerSink()},
		steps: h.o.Steps, run: run, real: h.set.real, remote: h.set.remote != "", net: newNetwork(h.set.real), behind: newNetwork(h.set.real), open: len(h.o.Targets) == 0 && h.set.remote == "", targets: map[string]*Target{},
	}
	h.env.relaying, h.env.stopRelays = context.WithCancel(context.Background())
	h.env.exit = func() { run.Stop("the test failed") }
	h.env.transport = h.env.newTransport()
	h.env.client = &http.Client{Transport: h.env.bodies.transport(run.Recording(h.env.transport, nil))}
	if h.set.remote != "" {
		return h.connect(ctx)
	}
	var standard *Target // the default one; a run has at least one target
	for _, name := range run.Targets() {
		t, err := h.env.listen(name, h.o.Targets[name].Kind == orchestrator.TCP)
		if err != nil {
			return fmt.Errorf("target %s: %w", name, err)
		}
		if standard == nil || standard.tcp && !t.tcp || name == orchestrator.DefaultTarget {
			h.env.URL, standard = t.URL, t
		}
	}
	if h.set.upstream != nil && standard.tcp {
		return fmt.Errorf("chaostest.Upstream: target %s is of kind tcp: use env.ServeConn or env.Listen in Setup", standard.Name)
	}
	standard.upstream = h.set.upstream
	return nil
}

func (h *harness) setup() {
	h.bubble.step.Store("Setup")
	for _, f := range h.set.setup {
		f(h.env)
	}
}

// protected calls f, which is about the scope, on a goroutine of its own and
// reports whether it returned.
func (h *harness) protected(what string, s *scope, f func()) bool {
	done := make(chan bool)
	go func() {
		returned := false
		defer func() {
			if !returned {
				if p := recover(); p != nil {
					s.report(h.at, fmt.Sprintf("%s panicked: %v%s", what, p, panicStack()))
				} else if !s.Failed() && !s.Skipped() && !h.t.Failed() && !h.t.Skipped() {
					s.report(h.at, what+" ended its goroutine (FailNow, SkipNow or runtime.Goexit)")
				}
			}
			done <- returned
		}()
		f()
		returned = true
	}()
	return <-done
}

// cleanUp runs all clean-ups of a scope, whatever becomes of each.
func (h *harness) cleanUp(what string, s *scope) {
	for f := s.nextCleanup(); f != nil; f = s.nextCleanup() {
		h.protected(what, s, f)
	}
}

func (h *harness) outerSink() sink {
	if h.quiet {
		return muted{}
	}
	return lastSink{testSink{h.t}, &h.end}
}

// outer fails the outer test with a message at the line of Run.
func (h *harness) outer(message string) { h.outerAt(h.at, message) }

func (h *harness) outerAt(at, message string) {
	if h.quiet {
		return
	}
	_, _ = fmt.Fprintf(h.t.Output(), "%s: %s\n", at, strings.ReplaceAll(message, "\n", "\n    "))
	h.t.Fail()
}

// finish prints what concerns the whole run, and keeps or drops the event log.
func (h *harness) finish() {
	if h.quiet {
		return
	}
	h.mu.Lock()
	filtered := h.muted
	h.mu.Unlock()
	if h.ran && !filtered {
		for _, c := range h.result.Checks {
			if c.Verdict.Status != assert.Pass {
				h.outerAt(h.document("expect", c), "over the whole run: "+describe(c))
			}
		}
		if s := h.result.State; s != orchestrator.RunCompleted && !h.t.Failed() {
			h.outer(fmt.Sprintf("the run is %s: %s", s, h.result.Reason))
		}
	}
	keep := h.t.Failed()
	path, err := h.logs.finish(keep || h.repeats)
	if err != nil {
		h.outer("the event log: " + err.Error())
	}
	if h.ran {
		text := fmt.Sprintf("%s %s in %s", h.o.Name, h.result.State, h.lasted())
		if keep || h.logs.wanted {
			text += "; event log " + path
		}
		_, _ = fmt.Fprintln(h.t.Output(), text)
	}
	if h.t.Failed() && h.failed == "" {
		_, _ = fmt.Fprintln(h.t.Output(), "replay: "+replayLine(h.seed, h.dir, h.t.Name()))
	}
}

// serverLog sends what a target's server has to say to the test's output.
func (e *Env) serverLog(target string) *log.Logger {
	return log.New(scopeWriter{e.scope}, "target "+target+": ", 0)
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// connKey is where a request's context has its connection, for the injector to
// notice that its client has left.
var connKey = injector.ConnContextKey{}

// panicStack is the user's part of the panicking goroutine's stack.
func panicStack() string {
	buf := make([]byte, 64<<10)
	stacks := parseStacks(buf[:runtime.Stack(buf, false)])
	if len(stacks) == 0 {
		return ""
	}
	var b strings.Builder
	for i, f := range stacks[0].users() {
		if i == 5 {
			break
		}
		fmt.Fprintf(&b, "\n    %s at %s", f.function[strings.LastIndexByte(f.function, '/')+1:], short(f.place))
	}
	return b.String()
}
