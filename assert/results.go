package assert

import (
	"maps"
	"slices"
	"time"
)

// Results are what was seen of a step, or of a run, up to an instant. They are
// an immutable snapshot, safe for concurrent use. The zero Results say that
// nothing happened.
//
// Instants are counted from the step's start.
type Results struct {
	t   *tally // never changed; nil: nothing happened
	end time.Duration
}

// tally is never nil: a missing one reads as empty.
func (r Results) tally() *tally {
	if r.t == nil {
		return &tally{}
	}
	return r.t
}

// Name is the step's name, "" for a whole run.
func (r Results) Name() string { return r.tally().opts.Name }

// Virtual reports whether the step ran on virtual time.
func (r Results) Virtual() bool { return r.tally().opts.Virtual }

// Duration is how much time the Results cover: the step's length so far, or a
// window's.
func (r Results) Duration() time.Duration { return r.end - r.tally().origin }

// Operations is how many operations have ended.
func (r Results) Operations() int { return r.tally().operations }

// Failed is how many operations failed, after the code under test did its best.
func (r Results) Failed() int { return r.tally().failed }

// ErrorRate is the part of the operations that failed, 0–1; 0 without any.
func (r Results) ErrorRate() float64 { return ratio(r.Failed(), r.Operations()) }

// Quantile is the latency that the part q, 0–1, of all operations, failed ones
// included, did not exceed: the smallest latency with at least ceil(q·n)
// operations at or below it. It is 0 without operations. See [Results.Approximate].
func (r Results) Quantile(q float64) time.Duration {
	if r.Operations() == 0 {
		return 0
	}
	return r.t.latencies.quantile(q).latency
}

// Approximate reports whether quantiles come from a histogram, with a relative
// error of at most 0.4 %. They are exact up to 65,536 operations.
func (r Results) Approximate() bool { return r.tally().latencies.histogram != nil }

// Mean is the mean latency of all operations, exactly; 0 without any.
func (r Results) Mean() time.Duration { return r.tally().latencies.mean() }

// Max is the longest latency of any operation, exactly; 0 without any.
func (r Results) Max() time.Duration { return r.tally().latencies.most }

// Throughput is how many operations ended, failed ones included, for each
// second of Duration; 0 when that is 0.
func (r Results) Throughput() float64 {
	if r.Duration() <= 0 {
		return 0
	}
	return float64(r.Operations()) / r.Duration().Seconds()
}

// Attempts is how many requests the client was seen to make.
func (r Results) Attempts() int { return r.tally().attempts }

// AttemptsPerOperation is Attempts for each operation; 0 without any.
func (r Results) AttemptsPerOperation() float64 { return ratio(r.Attempts(), r.Operations()) }

// Requests is how many requests the chaos server saw end.
func (r Results) Requests() int { return r.tally().requests }

// ServerErrors is how many of the Requests ended in a 5xx, or in a connection
// or time-out fault.
func (r Results) ServerErrors() int { return r.tally().serverErrors }

// ServerErrorRate is the part of the Requests that are ServerErrors, 0–1.
func (r Results) ServerErrorRate() float64 { return ratio(r.ServerErrors(), r.Requests()) }

// Injected is how often a fault of the kind fired.
func (r Results) Injected(kind string) int { return r.tally().faults.of(kind).fired }

// Masked is how often a fault of the kind was due and hidden by an earlier one.
func (r Results) Masked(kind string) int { return r.tally().faults.of(kind).masked }

// InjectedKinds lists the kinds of which at least one fault fired, sorted.
func (r Results) InjectedKinds() []string {
	f := r.tally().faults
	kinds := slices.Sorted(maps.Keys(f.kinds))
	return slices.DeleteFunc(kinds, func(kind string) bool { return f.of(kind).fired == 0 })
}

// Draws lists how many requests met the rules of a kind, by probability.
func (r Results) Draws(kind string) []Draws { return r.tally().faults.drawsOf(kind) }

// Absorbed is how many operations met a fault and succeeded all the same.
func (r Results) Absorbed() int {
	all := 0
	for _, n := range r.tally().absorbed {
		all += n
	}
	return all
}

// AbsorbedBy is how many of those are known to owe it to a.
func (r Results) AbsorbedBy(a Absorber) int { return r.tally().absorbed[a] }

// Visible is how many operations met a fault and failed.
func (r Results) Visible() int { return r.tally().visible }

// States lists the changes of the state of name, the state at the start first.
// A name of the client's side comes before the same name of the server's. At
// most 1,000 changes are kept. It is nil for a name that is not known.
func (r Results) States(name string) []StateChange {
	for _, side := range []Side{ClientSide, ServerSide} {
		if l := r.tally().states[stateKey{side, name}]; l != nil {
			return slices.Clone(l.changes)
		}
	}
	return nil
}

// StateNames lists the names of one side that have a state, sorted.
func (r Results) StateNames(side Side) []string {
	var names []string
	for key := range r.tally().states {
		if key.side == side {
			names = append(names, key.name)
		}
	}
	slices.Sort(names)
	return names
}

// FirstFailure is the failed operation that started first, if any failed.
func (r Results) FirstFailure() (Operation, bool) { return r.tally().first, r.Failed() > 0 }

// Slowest is the operation that took longest, if there was any.
func (r Results) Slowest() (Operation, bool) { return r.tally().slowest, r.Operations() > 0 }

// Reference is the error rate, 0–1, that "recovers" returns to.
func (r Results) Reference() float64 { return r.tally().opts.Reference }

// A Bin is one part of a timeline. Operations count where they started,
// requests where they ended.
type Bin struct {
	Start, Width           time.Duration
	Operations, Failed     int
	Mean, Max              time.Duration // latency
	Requests, ServerErrors int
}

// Timeline lists what happened in bins of equal width, at most 240 of them.
func (r Results) Timeline() []Bin {
	t := r.tally()
	bins := make([]Bin, len(t.timeline.bins))
	for i, b := range t.timeline.bins {
		bins[i] = Bin{
			Start: t.origin + time.Duration(i)*t.timeline.width, Width: t.timeline.width,
			Operations: b.operations, Failed: b.failed, Mean: b.mean(), Max: b.worst,
			Requests: b.requests, ServerErrors: b.serverErrors,
		}
	}
	return bins
}

func (b timelineBin) mean() time.Duration {
	if b.operations == 0 {
		return 0
	}
	return b.latency / time.Duration(b.operations)
}

func ratio(k, n int) float64 {
	if n == 0 {
		return 0
	}
	return float64(k) / float64(n)
}
