package orchestrator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// A Verification is what came of making the decisions of a recording again.
type Verification struct {
	Requests    int // that were decided again
	Decisions   int // that were compared
	Transitions int // of breakers and bulkheads, that were compared
	// Digest is that of the decisions that were made, see Recording.Digest.
	Digest string
	// Difference is the first event that came out differently; nil: none did.
	Difference *Difference
	// Unverified says what could not be made again, and why; empty: everything
	// was.
	Unverified []string
}

// A Difference is an event of a recording that came out differently. Lines are
// those of the event log.
type Difference struct {
	Line     int           // of the event in its file
	At       time.Duration // since the run's start
	What     string        // in a sentence
	Before   []string      // the events before it, on which both agree
	Recorded []string
	Now      []string
}

// String shows the difference with its neighbours, over several lines.
func (d *Difference) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the first event that differs is in line %d, at %s: %s", d.Line, d.At, d.What)
	for _, l := range d.Before {
		b.WriteString("\n      " + l)
	}
	for _, l := range d.Recorded {
		b.WriteString("\n    - " + l)
	}
	for _, l := range d.Now {
		b.WriteString("\n    + " + l)
	}
	return b.String()
}

// Verify makes every decision of a recording again, with the instants that it
// has, and compares them. It needs no network and does not wait. It stops at
// the first difference: decisions that depend on state depend on those before.
//
// The error is for a recording that cannot be verified at all, or the
// context's. A recording that lacks its end is verified as far as it goes.
func Verify(ctx context.Context, rec *Recording) (*Verification, error) {
	if !rec.Real {
		return nil, fmt.Errorf("%s: the run was on virtual time, which has no recording to verify: run its test again with CHAOSTEST_SEED=%s", rec.place(), FormatSeed(rec.Seed))
	}
	v := &verifier{rec: rec, again: injector.NewRecomputer(rec.Seed), made: map[int64][]injector.Decision{}, blind: map[injector.LayerRef]bool{}}
	v.layers()
	for i := range rec.events {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err := v.event(&rec.events[i], i); err != nil {
			return nil, fmt.Errorf("%s: the log contradicts itself: %w", v.rec.placeOf(&rec.events[i]), err)
		}
		if v.out.Difference != nil {
			break
		}
	}
	if rec.Truncated > 0 {
		v.out.Unverified = append(v.out.Unverified, fmt.Sprintf("requests after %s: the log's bound was reached", rec.Truncated))
	}
	v.out.Digest = DecisionsDigest(v.made)
	return &v.out, nil
}

func (r *Recording) placeOf(e *logEvent) string {
	return strings.TrimSuffix(r.place(), fmt.Sprintf("%d", r.Line)) + fmt.Sprintf("%d", e.line)
}

type verifier struct {
	rec   *Recording
	again *injector.Recomputer
	out   Verification
	made  map[int64][]injector.Decision

	specs    map[string]injector.Layer  // of the document's steps
	blind    map[injector.LayerRef]bool // layers that cannot be recomputed
	skipped  map[int64]bool             // requests that entered such a layer
	expected []injector.Transition      // recorded since the last event
	lines    []*logEvent                // of expected
}

// layers prepares the layers of the document, and says which of the recording's
// cannot be made again.
func (v *verifier) layers() {
	o := v.rec.Orchestration
	v.specs, v.skipped = map[string]injector.Layer{}, map[int64]bool{}
	for i, s := range o.Steps {
		if config, _, err := o.ResolveScenario(s); err == nil {
			v.specs[s.Name] = injector.Layer{Name: s.Name, Config: config, Targets: s.Targets, Order: i, Duration: o.StepDuration(i)}
		}
	}
	for _, ref := range v.rec.foreign {
		v.cannot(ref, "its limit counted connections without their requests")
	}
	for _, l := range v.rec.Layers {
		if _, ok := v.specs[l.Name]; !ok {
			v.cannot(l.LayerRef, "it is none of the document's steps")
		}
	}
}

func (v *verifier) cannot(ref injector.LayerRef, why string) {
	if !v.blind[ref] {
		v.blind[ref] = true
		v.out.Unverified = append(v.out.Unverified, fmt.Sprintf("layer %s of iteration %d, and requests that entered it: %s", ref.Name, ref.Iteration, why))
	}
}

// event makes one event again.
func (v *verifier) event(e *logEvent, i int) error {
	at := v.rec.Start.Add(e.T)
	if e.Now != nil {
		at = v.rec.Start.Add(*e.Now)
	}
	if e.Type == "drew" {
		if v.blind[e.ref()] {
			return nil
		}
		return v.again.Drew(&injector.Drew{At: at, Layer: e.ref(), Rules: e.Rules, Quiet: e.Quiet})
	}
	if e.Type == "request" && e.Method == "" {
		v.meet(e, i, at)
		return nil
	}
	if missing := v.again.Missing(at); len(missing) > 0 {
		v.differs(e, i, "decisions are made about connections or messages before the event, and are not in the recording", nil, v.decided(e, missing))
		return nil
	}
	switch e.Type {
	case "transition":
		if v.blind[e.ref()] {
			return nil
		}
		v.lines = append(v.lines, e)
		v.expected = append(v.expected, injector.Transition{Layer: e.ref(), Target: e.Target, Component: e.Component, From: e.From, To: e.To, Reason: e.Reason})
		return nil
	case "layer_on":
		if l, ok := v.specs[e.Step]; ok && !v.blind[e.ref()] {
			l.Iteration = e.Iteration
			v.again.On(at, l)
		}
	case "layer_off":
		if !v.blind[e.ref()] {
			if err := v.again.Off(e.ref()); err != nil {
				return nil // it was on before the run
			}
		}
	case "suspended", "resumed":
		v.again.Switch(e.Type == "resumed")
	case "request", "wait":
		return v.arrive(e, i, at)
	case "resume":
		if !v.skipped[e.N] {
			// It may have come before the run: then it is in none of its layers.
			_ = v.again.Resume(at, e.N, injector.Because(e.Because))
		}
	case "outcome":
		if !v.skipped[e.N] {
			_ = v.again.Leave(at, &injector.Outcome{N: e.N, Status: int(rawNumber(e.Status)), Fault: e.Fault, Failed: e.Failed, Canceled: e.Canceled})
		}
	}
	v.transitions(e, i)
	return nil
}

func (v *verifier) arrive(e *logEvent, i int, at time.Time) error {
	if v.unseen(e) {
		return nil
	}
	out, err := v.again.Arrive(at, &injector.Request{
		N: e.N, Target: e.Target, Method: e.Method, Host: e.Host, Path: e.Path, RequestID: e.RequestID,
		Protocol: e.Protocol, Operation: e.Operation, TopFields: e.TopFields, Client: e.Client, Conn: e.Conn, Length: e.Length, Missed: e.refs(e.Missed),
		Asked: e.asked(),
	})
	if err != nil {
		return err
	}
	switch {
	case e.Type == "wait" && out != nil:
		v.differs(e, i, "the request waited, and is decided at once now", nil, v.text(e, out))
	case e.Type == "request" && out == nil:
		v.differs(e, i, "the request was decided, and waits now", v.recorded(e), nil)
	case e.Type == "request":
		v.compare(e, i, out)
	}
	if v.out.Difference == nil {
		v.transitions(e, i)
	}
	return nil
}

// meet makes the decisions about a connection or a message again.
func (v *verifier) meet(e *logEvent, i int, at time.Time) {
	if v.unseen(e) {
		return
	}
	was := &v.rec.Requests[e.at]
	now := v.again.Meet(at, &injector.Request{N: e.N, Target: e.Target, Layers: was.Layers, Length: e.Length})
	v.out.Requests++
	v.out.Decisions += len(was.Decisions)
	v.made[e.N] = now.Decisions
	if !slices.Equal(was.Decisions, now.Decisions) {
		v.differs(e, i, "other decisions are made for the "+e.kind(), v.recorded(e)[1:], v.decided(e, now.Decisions))
		v.out.Difference.Before = append(v.out.Difference.Before, e.raw)
	}
}

// kind is what a request without a method is.
func (e *logEvent) kind() string {
	if e.Protocol == injector.ProtocolWebSocket {
		return "message"
	}
	return "connection"
}

// unseen reports whether the request entered a layer that cannot be made again.
// Then its other layers cannot either: they saw a request that is left out.
func (v *verifier) unseen(e *logEvent) bool {
	refs := e.refs(e.Steps)
	if !v.skipped[e.N] && !slices.ContainsFunc(refs, func(ref injector.LayerRef) bool { return v.blind[ref] }) {
		return false
	}
	v.skipped[e.N] = true
	for _, ref := range refs {
		v.cannot(ref, "it shares requests with such a layer")
	}
	return true
}

// compare holds what is decided now against what was.
func (v *verifier) compare(e *logEvent, i int, now *injector.Request) {
	was := &v.rec.Requests[e.at]
	v.out.Requests++
	v.out.Decisions += len(was.Decisions)
	v.made[e.N] = slices.Clone(now.Decisions)
	switch {
	case !slices.Equal(was.Layers, now.Layers):
		v.differs(e, i, "the request entered other layers", v.recorded(e), v.text(e, now))
	case !slices.Equal(was.Decisions, now.Decisions):
		v.differs(e, i, "other decisions are made for the request", v.recorded(e)[1:], v.text(e, now)[1:])
		v.out.Difference.Before = append(v.out.Difference.Before, e.raw)
	}
}

// transitions holds the changes of state that an event caused against those
// that were recorded before it.
func (v *verifier) transitions(e *logEvent, i int) {
	made := v.again.Transitions()
	for j := range made {
		made[j].At = time.Time{}
	}
	v.out.Transitions += len(v.expected)
	if !slices.Equal(made, v.expected) {
		var was, now []string
		for _, l := range v.lines {
			was = append(was, l.raw)
		}
		for j := range made {
			now = append(now, v.line(e.T, "transition", appendTransition(nil, &made[j])))
		}
		v.differs(e, i, "other changes of state come with the event", append(was, e.raw), append(now, e.raw))
	}
	v.expected, v.lines = v.expected[:0], v.lines[:0]
}

// neighbours is how many events a difference shows before it.
const neighbours = 3

func (v *verifier) differs(e *logEvent, i int, what string, recorded, now []string) {
	if v.out.Difference != nil {
		return
	}
	if recorded == nil && e.Type == "wait" {
		recorded = []string{e.raw}
	}
	if len(recorded) == 0 {
		recorded = []string{"(nothing)"}
	}
	if len(now) == 0 {
		now = []string{"(nothing)"}
	}
	d := &Difference{Line: e.line, At: e.T, What: what, Recorded: recorded, Now: now}
	for _, b := range v.rec.events[max(0, i-neighbours-len(v.lines)) : i-len(v.lines)] {
		d.Before = append(d.Before, b.raw)
	}
	v.out.Difference = d
}

// recorded are the lines of a request and its decisions as the log has them.
func (v *verifier) recorded(e *logEvent) []string {
	return append([]string{e.raw}, v.decided(e, v.rec.Requests[e.at].Decisions)...)
}

// text is recorded for a request that was decided again.
func (v *verifier) text(e *logEvent, now *injector.Request) []string {
	arrived := e.T
	if e.Arrived != nil {
		arrived = *e.Arrived
	}
	b := appendRequest(nil, now, e.T, arrived)
	b = appendInt(b, "decisions", int64(len(now.Decisions)))
	return append([]string{v.line(e.T, "request", b)}, v.decided(e, now.Decisions)...)
}

// decided are the lines of decisions.
func (v *verifier) decided(e *logEvent, decisions []injector.Decision) (out []string) {
	for j := range decisions {
		out = append(out, v.line(e.T, "decision", appendDecision(nil, e.N, &decisions[j], true)))
	}
	return out
}

func (v *verifier) line(t time.Duration, kind string, members []byte) string {
	return fmt.Sprintf(`{"t":%d,"type":"%s"%s}`, int64(t), kind, members)
}
