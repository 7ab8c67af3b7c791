package chaostest

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/mockforge-go/mockforge/orchestrator"
)

// Replay runs a recorded run again on virtual time: the event log at path, as
// the server's --event-log or orchestrator.NewRecording wrote it. The
// orchestration and the seed come from the log; of several runs it is the last
// complete one, see ReplayNamed. There are three ways; the default is
// ReplayPin.
//
// ReplayVerify makes every recorded decision again and fails t with the first
// that differs. Nothing is run: body is not called, and may be nil.
//
// ReplayPin runs the orchestration, and body drives the code under test. What
// was decided for the k-th request of a step and iteration to a target, with a
// method, a path and operations of GraphQL, is decided for the k-th such request
// again, whatever this version would decide. Requests beyond the recording are
// decided by the seed; how many there were is printed, see ReplayStrict. A nil
// body is allowed where the document drives load itself.
//
// ReplayOpenLoop verifies the recording, and then sends the recorded requests
// at their instants, each with what was decided for it; body may be nil. They
// are the traffic: the load of the document is left out. Bodies and headers are
// not in a recording: what is sent has a body of zeros of the recorded length.
// Operations of GraphQL have their type and name, and ask for __typename.
//
// Changes of state of the chaos server's breakers are told at their recorded
// instants. The steps are subtests and expectations are judged as in Run.
//
// Replay fails t where the log cannot be read, is in another format, or is of
// another orchestration than ReplayOf says. Other options are those of Run, but
// for Seed.
func Replay(t *testing.T, path string, body func(step *Step), opts ...Option) *Replayed {
	t.Helper()
	s := newSettings(opts)
	s.mode = cmp.Or(s.mode, replayPin)
	if s.real {
		t.Fatal("chaostest.Replay is on virtual time: leave RealTime and Remote out")
	}
	all, err := orchestrator.ReadLogs(path)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := orchestrator.PickRecording(all, s.recording)
	if err != nil {
		t.Fatal(err)
	}
	if s.document != "" {
		o, _, err := orchestrator.Load(s.document)
		if err != nil {
			t.Fatal(err)
		}
		if err := rec.SameAs(o); err != nil {
			t.Fatal(err)
		}
	}
	if !rec.Real {
		t.Fatalf("%s:%d: the run was on virtual time: run its test again with CHAOSTEST_SEED=%s instead", path, rec.Line, orchestrator.FormatSeed(rec.Seed))
	}
	if rec.Torn {
		t.Logf("%s: the last line is torn and left out; what comes before it is replayed", path)
	}
	if rec.Truncated > 0 {
		t.Logf("%s: requests after %s were not recorded: the log's bound was reached", path, rec.Truncated)
	}
	out := &Replayed{Recording: rec}
	if s.mode != replayPin {
		if !out.verify(t, path) || s.mode == replayVerify {
			return out
		}
	}
	o := s.orchestrationOf(rec)
	if s.seed != nil {
		t.Fatal("Seed has no effect on Replay: the seed is the recording's")
	}
	s.seed = &rec.Seed
	s.replay = rec
	h := start(t, o, "", body, nil, s)
	if h == nil || h.replay == nil {
		return out
	}
	h.replay.report(h, out)
	return out
}

// Replayed is what came of a Replay.
type Replayed struct {
	Recording *orchestrator.Recording
	// Verified are the requests that were decided again, and Repeated those
	// that came again and got what was decided for them.
	Verified, Repeated int
	// Beyond are the requests that are not in the recording.
	Beyond int
	// Digest is that of the decisions that were made, see
	// orchestrator.Recording.Digest, which it is equal to where everything was
	// repeated.
	Digest string
}

// verify reports whether the recording's decisions are made again.
func (r *Replayed) verify(t *testing.T, path string) bool {
	t.Helper()
	v, err := orchestrator.Verify(t.Context(), r.Recording)
	if err != nil {
		t.Error(err)
		return false
	}
	r.Verified, r.Digest = v.Requests, v.Digest
	for _, what := range v.Unverified {
		t.Logf("%s: not verified: %s", path, what)
	}
	if v.Difference != nil {
		t.Errorf("%s: this version decides differently: %s\nhint     ReplayPin replays it with the decisions that it has", path, v.Difference)
		return false
	}
	t.Logf("replay of %s: %d requests, %d decisions and %d changes of state verified; digest of decisions %.12s", r.Recording.Name, v.Requests, v.Decisions, v.Transitions, v.Digest)
	return true
}

// orchestrationOf is what is run: the recorded one, as often as it was.
func (s *settings) orchestrationOf(rec *orchestrator.Recording) *orchestrator.Orchestration {
	o := *rec.Orchestration
	if o.Loop && s.iterations == 0 {
		for _, l := range rec.Layers {
			s.iterations = max(s.iterations, l.Iteration)
		}
	}
	if s.mode == replayOpenLoop {
		o.Load = nil
		o.Steps = append([]orchestrator.Step(nil), o.Steps...)
		for i := range o.Steps {
			o.Steps[i].Load = nil
		}
	}
	return &o
}

// report says what became of the recorded requests.
func (p *replayer) report(h *harness, out *Replayed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out.Repeated, out.Beyond = len(p.made), p.beyond
	out.Digest = orchestrator.DecisionsDigest(p.made)
	text := fmt.Sprintf("replay of %s: %d of %d recorded requests repeated, %d beyond the recording",
		p.rec.Name, out.Repeated, len(p.rec.Requests), p.beyond)
	if p.beyond > 0 {
		text += ", which were decided by the seed: " + p.strangers()
	}
	text += fmt.Sprintf("; digest of decisions %.12s", out.Digest)
	if p.left > 0 {
		text += fmt.Sprintf("; %d outside of the steps left out", p.left)
	}
	if p.mute > 0 {
		text += fmt.Sprintf("; %d connections and messages left out, whose bytes are not recorded", p.mute)
	}
	_, _ = fmt.Fprintln(h.t.Output(), text)
	switch missing := len(p.rec.Requests) - p.left - p.mute - out.Repeated; {
	case h.set.strict && p.beyond > 0:
		h.outer(fmt.Sprintf("ReplayStrict: %d requests are beyond the recording: %s", p.beyond, p.strangers()))
	case h.set.mode == replayOpenLoop && missing > 0 && !h.t.Failed():
		h.outer(fmt.Sprintf("%d recorded requests did not reach the chaos server: the run is %s %s", missing, h.result.State, h.result.Reason))
	}
}

// strangers names the kinds of request that were beyond the recording.
func (p *replayer) strangers() string {
	const most = 5
	var out []string
	for _, id := range p.order {
		if len(out) == most {
			out = append(out, fmt.Sprintf("and %d kinds more", len(p.order)-most))
			break
		}
		out = append(out, fmt.Sprintf("%d × %s", p.unknown[id], id))
	}
	return strings.Join(out, ", ")
}
