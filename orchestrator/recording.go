package orchestrator

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// A Recording is one run, read back from its event log. Instants are counted
// from the run's start.
type Recording struct {
	File string // it was read from; "": from a reader
	Line int    // of its header, from 1

	Name   string // of the orchestration
	Seed   uint64
	Engine string
	Start  time.Time
	// Real says that it was made by NewRecording, in real time. Only then it
	// can be verified and replayed; a run on virtual time is repeated by its
	// seed.
	Real bool
	// Orchestration is the document, without what may be secret in it. Nil for
	// a run on virtual time.
	Orchestration *Orchestration

	Requests    []RecordedRequest // in the order in which they were decided
	Layers      []RecordedLayer   // in the order in which they went on
	Steps       []RecordedStep
	Transitions []RecordedTransition
	Verdicts    []RecordedVerdict
	Operations  int
	Failed      int // operations that did

	State   RunState // RunRunning where the end is missing
	Reason  string
	Elapsed time.Duration // of what there is

	// Complete says that the end of the run is there.
	Complete bool
	// Torn says that the last line was cut off, as by a crash. It was left out,
	// and so was a request whose decisions were not all there.
	Torn bool
	// Truncated is when the log's bound was reached, after which requests were
	// not written; zero: it was not.
	Truncated time.Duration

	document []byte
	events   []logEvent // that decisions depend on, in order
	foreign  []injector.LayerRef
}

// A RecordedRequest is a request that reached the chaos server.
type RecordedRequest struct {
	N          int64
	At         time.Duration // when its last decision was made
	Arrived    time.Duration // earlier than At where it had to wait for it
	Target     string
	Method     string
	Host, Path string
	RequestID  string
	Protocol   string              // an injector.Protocol… constant; "": plain HTTP
	Operation  string              // of GraphQL: its type and name
	TopFields  []int               // of GraphQL: how many fields each operation has at its top
	Length     int64               // of its body, as announced; -1: unknown
	Layers     []injector.LayerRef // that it entered, in order
	Missed     []injector.LayerRef // those of Layers whose request matcher did not match it
	Decisions  []injector.Decision
	Outcome    *RecordedOutcome // nil: it had not ended when the log did

	client, conn string
	awaited      int // decisions that the log has still to show
}

// A RecordedOutcome is how a request ended.
type RecordedOutcome struct {
	At       time.Duration
	Status   int    // what the client was sent; 0: nothing
	Fault    string // the kind that made the outcome; "": the upstream's own
	Failed   bool
	Canceled bool // the client left first
	// Spared are the layers whose decision to break the call off did not come to
	// be, because it ended before.
	Spared []injector.LayerRef
}

// injected reports whether a decision about the request came to be, as far as
// the log knows.
func (q *RecordedRequest) injected(d injector.Decision) bool {
	if d.Pending() {
		return q.Outcome != nil && !slices.Contains(q.Outcome.Spared, d.Layer)
	}
	return !d.Masked
}

// A RecordedLayer is the time in which a step's layer was on.
type RecordedLayer struct {
	injector.LayerRef
	On, Off time.Duration // Off is -1 while it is on
}

// A RecordedStep is a step's end.
type RecordedStep struct {
	Name       string
	Iteration  int
	Start, End time.Duration
	State      StepState
	Reason     string
}

// A RecordedTransition is a change of state: of a breaker or bulkhead of the
// chaos server's, or, where Component is "client", of the user's own.
type RecordedTransition struct {
	At time.Duration
	injector.LayerRef
	Target    string // the name given to Watch or Track for the user's own
	Component string
	From, To  string
	Reason    string
}

// A RecordedVerdict is a checked expectation. Step is empty for the whole
// run's.
type RecordedVerdict struct {
	At          time.Duration
	Step        string
	Iteration   int
	Expectation string
	Status      string
	Got         string
}

// Digest is the SHA-256 of every decision, in hexadecimal: number of the
// request, layer, kind, ordinal, status, delay and whether it was masked, in
// the order of the requests' numbers. Two runs with equal digests injected the
// same.
func (r *Recording) Digest() string {
	byNumber := make(map[int64][]injector.Decision, len(r.Requests))
	for i := range r.Requests {
		byNumber[r.Requests[i].N] = r.Requests[i].Decisions
	}
	return DecisionsDigest(byNumber)
}

// DecisionsDigest is the digest that Recording.Digest describes, of decisions
// by the number of their request.
func DecisionsDigest(decisions map[int64][]injector.Decision) string {
	numbers := make([]int64, 0, len(decisions))
	for n := range decisions {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	sum := sha256.New()
	var line []byte
	for _, n := range numbers {
		for i := range decisions[n] {
			line = append(appendDecision(line[:0], n, &decisions[n][i], false), '\n')
			sum.Write(line)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// place names the recording in messages.
func (r *Recording) place() string {
	return fmt.Sprintf("%s:%d", cmp.Or(r.File, "event log"), r.Line)
}

// SameAs returns an error where the recording is of another orchestration than
// o. What recordings do not have for secrecy does not count.
func (r *Recording) SameAs(o *Orchestration) error {
	if r.Orchestration == nil {
		if r.Name != o.Name {
			return fmt.Errorf("%s: the log is of orchestration %q, not of %q", r.place(), r.Name, o.Name)
		}
		return nil
	}
	theirs, err := compact(redacted(o))
	if err != nil {
		return err
	}
	mine, err := compact(r.Orchestration)
	if err != nil {
		return err
	}
	if bytes.Equal(mine, theirs) {
		return nil
	}
	if r.Name != o.Name {
		return fmt.Errorf("%s: the log is of orchestration %q, not of %q", r.place(), r.Name, o.Name)
	}
	at := 0
	for at < min(len(mine), len(theirs)) && mine[at] == theirs[at] {
		at++
	}
	from := max(0, at-40)
	excerpt := func(b []byte) string { return string(bytes.ToValidUTF8(b[from:min(len(b), at+40)], nil)) }
	return fmt.Errorf("%s: the log is of another version of orchestration %q: where it says …%s… the document says …%s…; replay it with the document that it has inside, or record it anew",
		r.place(), r.Name, excerpt(mine), excerpt(theirs))
}

// PickRecording chooses the last complete run among those of a file, or where
// none is complete the last one. name chooses among the runs of that
// orchestration; "" among all.
func PickRecording(all []*Recording, name string) (*Recording, error) {
	var last, complete *Recording
	var names []string
	for _, r := range all {
		if !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
		if name != "" && r.Name != name {
			continue
		}
		last = r
		if r.Complete {
			complete = r
		}
	}
	switch {
	case complete != nil:
		return complete, nil
	case last != nil:
		return last, nil
	case len(names) > 0:
		return nil, fmt.Errorf("%s: the log has no run of orchestration %q%s; it has %q", cmp.Or(all[0].File, "event log"), name, didYouMean(closest(name, names)), names)
	}
	return nil, fmt.Errorf("the log has no run")
}
