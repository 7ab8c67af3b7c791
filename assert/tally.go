package assert

import (
	"maps"
	"time"
)

// A tally is what a Collector guards: everything that is counted about a step.
// origin is the instant from which it counts, 0 except in a Window.
type tally struct {
	opts   CollectorOptions
	origin time.Duration

	operations, failed int
	absorbed           map[Absorber]int // "" where nothing says how
	visible            int
	attempts           int
	requests           int
	serverErrors       int

	latencies samples
	timeline  timeline
	faults    faults
	states    map[stateKey]*stateLog

	first       Operation // the failed one that started first
	slowest     Operation
	lastFailure time.Duration // the latest end of a failed operation
	lastStart   time.Duration // the latest start and end of a successful one
	lastSuccess time.Duration
}

func newTally(opts CollectorOptions, origin time.Duration) tally {
	return tally{
		opts: opts, origin: origin,
		timeline: newTimeline(opts.Duration),
		absorbed: map[Absorber]int{},
		faults:   newFaults(),
		states:   map[stateKey]*stateLog{},
	}
}

func (t *tally) operation(op *Operation) {
	op.At, op.Latency = max(op.At, 0), max(op.Latency, 0)
	end := op.At + op.Latency
	hit := op.FaultsHit > 0 || op.Fault != ""
	switch {
	case op.Failed:
		if t.failed == 0 || op.At < t.first.At {
			t.first = *op
		}
		t.failed++
		t.lastFailure = max(t.lastFailure, end)
		if hit {
			t.visible++
		}
	default:
		t.lastStart, t.lastSuccess = max(t.lastStart, op.At), max(t.lastSuccess, end)
		if hit {
			t.absorbed[op.AbsorbedBy]++
		}
	}
	if t.operations == 0 || op.Latency > t.slowest.Latency {
		t.slowest = *op
	}
	t.operations++
	t.latencies.add(op.Latency, op.Attempts)
	bin := t.timeline.at(op.At - t.origin)
	bin.operations++
	bin.latency += op.Latency
	bin.worst = max(bin.worst, op.Latency)
	if op.Failed {
		bin.failed++
	}
}

func (t *tally) request(r ServerRequest) {
	t.requests++
	bin := t.timeline.at(r.At - t.origin)
	bin.requests++
	if r.Failed {
		t.serverErrors++
		bin.serverErrors++
	}
}

func (t *tally) log(side Side, name string) *stateLog {
	key := stateKey{side, name}
	l := t.states[key]
	if l == nil {
		l = &stateLog{}
		t.states[key] = l
	}
	return l
}

func (t *tally) state(side Side, name string, at time.Duration, state string) {
	t.log(side, name).add(at, state)
}

// clone copies everything that the tally may still change.
func (t *tally) clone() *tally {
	c := *t
	c.latencies = t.latencies.clone()
	c.timeline = t.timeline.clone()
	c.faults = t.faults.clone()
	c.absorbed = maps.Clone(t.absorbed)
	c.states = maps.Clone(t.states)
	for key, l := range c.states {
		c.states[key] = l.clone()
	}
	return &c
}

// results closes the tally, which must not change from here on.
func (t *tally) results(end time.Duration) Results {
	t.latencies.sort()
	return Results{t: t, end: max(end, t.origin)}
}
