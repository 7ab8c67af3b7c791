package main

import "github.com/mockforge-go/mockforge/orchestrator"

// Over how many seconds of a run rates are taken, and from how many on they
// mean something.
const (
	paceWindow = 5
	paceLeast  = 0.5
)

// A pace tells what happens now from the totals of one report after another.
type pace struct{ seen []orchestrator.Report }

// rates are those of the last few seconds.
type rates struct {
	known              bool    // enough time has passed to tell
	operations, failed float64 // a second; ratio
	requests, errors   float64 // a second; ratio
}

// add takes the next report and returns the rates at that point.
func (p *pace) add(r orchestrator.Report) rates {
	p.seen = append(p.seen, orchestrator.Report{Elapsed: r.Elapsed, Counts: r.Counts})
	for len(p.seen) > 2 && (p.seen[1].Elapsed <= r.Elapsed-paceWindow || len(p.seen) > 100) {
		p.seen = p.seen[1:]
	}
	var from orchestrator.Report // the run's start
	if len(p.seen) > 1 {
		from = p.seen[0]
	}
	span := r.Elapsed - from.Elapsed
	if span < paceLeast {
		return rates{}
	}
	operations, failed := r.Counts.Operations-from.Counts.Operations, r.Counts.Failed-from.Counts.Failed
	requests, errors := r.Counts.Requests-from.Counts.Requests, r.Counts.ServerErrors-from.Counts.ServerErrors
	return rates{
		known:      true,
		operations: float64(operations) / span, failed: ratio(failed, operations),
		requests: float64(requests) / span, errors: ratio(errors, requests),
	}
}

func ratio(part, whole int) float64 {
	if whole <= 0 {
		return 0
	}
	return min(1, max(0, float64(part)/float64(whole)))
}
