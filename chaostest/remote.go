package chaostest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// Remote runs the test against the mockforge server at baseURL, in real time:
// the server carries the orchestration out, for whatever traffic it sees, and
// each step's body runs while the step is in force there. The server has to be
// started with chaos on, and must not have another orchestration in progress.
//
// Targets and their upstreams are the server's: Env.Serve and Upstream are
// refused. What the test drives is recorded as always. The document's load and
// expectations are the server's, with its verdicts. Expectations of the document
// that the server cannot decide are judged here and not sent: about operations,
// where the document drives no load, and about states that are given to
// Env.Watch or Env.Track. Expectations in Go see the server's counts of requests and faults; those about what it does
// not report, such as rates of faults and the states of its breakers, are
// inconclusive, and belong into the document.
//
// The server is asked every 50 ms what is in force, so that a step with a body
// must last 100 ms or more: an orchestration with a shorter one fails before it
// starts. Where calls of the server take long, steps must too.
//
// A step of no length has no body, Clock.Advance waits, and Step.Stop and
// failures of the body stop the server's run, steps with when: always included.
// It is also stopped when the test's -timeout is near.
func Remote(baseURL string) Option {
	return option(func(s *settings) { s.real, s.remote = true, baseURL })
}

// RemoteToken is the admin token for the server of Remote. Default:
// CHAOSTEST_REMOTE_TOKEN, else none.
func RemoteToken(token string) Option { return option(func(s *settings) { s.token = token }) }

// remoteShortest is the shortest step whose body is sure to see it: twice the
// time between two reports of the server.
const remoteShortest = 100 * time.Millisecond

// longEnough finds a step that would be over before its body could start.
func longEnough(o *orchestrator.Orchestration) error {
	for i, step := range o.Steps {
		if d := o.StepDuration(i); d > 0 && d < remoteShortest {
			return fmt.Errorf("step %q lasts %s: with chaostest.Remote a step needs %s or more for its body to start while it is in force: make it longer", step.Name, assert.FormatDuration(d), assert.FormatDuration(remoteShortest))
		}
	}
	return nil
}

// connect finds the server of Remote and its targets.
func (h *harness) connect(ctx context.Context) error {
	token := cmp.Or(h.set.token, os.Getenv("CHAOSTEST_REMOTE_TOKEN"))
	server, err := newRemoteServer(h.set.remote, token)
	if err != nil {
		return err
	}
	targets, err := server.targets(ctx)
	if err != nil {
		return err
	}
	h.remote = server
	h.env.Cleanup(server.close) // the last one that runs
	h.env.URL = server.base
	for _, there := range targets {
		t := &Target{Name: there.Name, URL: there.URL, Addr: hostPort(there.URL), env: h.env, foreign: true, tcp: strings.HasPrefix(there.URL, "tcp://")}
		h.env.targets[t.Name] = t
		h.env.order = append(h.env.order, t.Name)
		if t.Name == orchestrator.DefaultTarget {
			h.env.URL = t.URL
		}
	}
	return nil
}

// carryOut runs the orchestration, here or there.
func (h *harness) carryOut(ctx context.Context, run *orchestrator.Run) {
	if h.remote == nil {
		h.result = run.Run(ctx)
		h.ran = true
		return
	}
	ctx, cancel := h.untilTimeout(ctx)
	defer cancel()
	o := run.ForLeader()
	if err := h.remote.start(ctx, &o); err != nil {
		h.outer(err.Error())
		return
	}
	// Follow has stopped it, except where it panicked.
	defer func() { _ = h.remote.Stop(context.WithoutCancel(ctx)) }()
	h.result = run.Follow(ctx, h.remote)
	h.ran = true
}

// untilTimeout ends a little before the test binary's -timeout, so that no run
// is left on the server.
func (h *harness) untilTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := h.t.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	spare := min(10*time.Second, time.Until(end)/5)
	return context.WithDeadlineCause(ctx, end.Add(-spare), errors.New("the test's -timeout is near"))
}

// explain says of a check that did not hold what a server's report cannot tell.
func (s *Step) explain(c *orchestrator.Check) {
	known := s.Results().StateNames(assert.ClientSide)
	for _, subject := range assert.Describe(c.Expectation) {
		rate := subject.Fault != "" && c.Verdict.Status == assert.Inconclusive
		state := subject.State != "" && (subject.AnySide || subject.Side == assert.ServerSide) && !slices.Contains(known, subject.State)
		if rate || state {
			c.Verdict.Detail = []string{fmt.Sprintf("hint     the server reports only sums of what it did: put %q into the document, for it to judge", c.Expectation)}
			return
		}
	}
}
