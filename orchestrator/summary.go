package orchestrator

import "github.com/mockforge-go/mockforge/injector"

// A Summary is what a document amounts to: what `mockforge orchestrate
// validate` prints.
type Summary struct {
	Steps []StepSummary
}

// A StepSummary is one step of a Summary.
type StepSummary struct {
	Name     string
	Span     Span
	Quiet    bool     // nothing is injected
	Scenario string   // the named scenario that applies; "": an inline config, or none
	Sections []string // the sections that are on: "latency", "fault_injection"
	// Faults are the kinds whose probability is known beforehand. Limits, which
	// act on what exceeds them, and bursts are not among them.
	Faults []Fault
	// Combined is the probability, 0–1, that a request meets at least one of
	// Faults other than a delay. Each kind draws independently. What happens to
	// the messages of WebSocket happens to no request.
	Combined float64
}

// A Fault is one kind with its probability for each request.
type Fault struct {
	Kind        string  // injector.Kind…
	Probability float64 // 0–1
}

// Summarize describes each step of a valid orchestration, in one iteration in
// which every step runs.
func (o *Orchestration) Summarize() Summary {
	var out Summary
	spans := o.Timetable()
	for i, step := range o.Steps {
		s := StepSummary{Name: step.Name, Span: spans[i]}
		config, quiet, err := o.ResolveScenario(step)
		s.Quiet = quiet
		if inline := step.Scenario.Config; err == nil && (inline == nil || !inline.HasSection() && !inline.Disabled()) {
			s.Scenario = step.Scenario.Name
		}
		if !quiet {
			for _, section := range sections(config) {
				if section.on {
					s.Sections = append(s.Sections, section.name)
				}
			}
			s.Faults, s.Combined = drawn(config)
		}
		out.Steps = append(out.Steps, s)
	}
	return out
}

// drawn lists what a config draws for each request and how likely it is that
// any of it makes the request fail.
func drawn(config injector.Config) (faults []Fault, combined float64) {
	spared := 1.0
	for _, e := range config.Effects() {
		if e.Sampling == "" && e.Pattern != "sequential" {
			continue // a limit, or bursts, whose share depends on the traffic
		}
		faults = append(faults, Fault{e.Kind, e.Probability})
		if e.Section != "websocket" && !delays(e.Kind) { // websocket's are of its messages and connections
			spared *= 1 - e.Probability
		}
	}
	return faults, 1 - spared
}

// delays reports whether a kind holds up what it hits and does no more.
func delays(kind string) bool {
	switch kind {
	case injector.KindLatency, injector.KindChunkedDribble, injector.KindResolverLatency, injector.KindTCPLatency, injector.KindTCPBandwidth, injector.KindTCPLoss, injector.KindTCPSlowClose, injector.KindTCPSlicer:
		return true
	}
	return false
}
