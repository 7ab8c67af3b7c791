package orchestrator

import (
	"time"

	"github.com/mockforge-go/mockforge/assert"
)

// A Report is a run, running or ended, in the form in which the API, the
// command line and the history show it. Durations are seconds, latencies
// milliseconds, rates ratios from 0 to 1. It is plain data.
type Report struct {
	ID         string        `json:"id,omitempty"` // given by whoever keeps reports
	Name       string        `json:"name"`
	State      RunState      `json:"state"`
	Reason     string        `json:"reason,omitempty"`
	Progress   float64       `json:"progress"` // 0–1, see RunStatus.Progress
	Iteration  int           `json:"iteration"`
	Iterations int           `json:"iterations"` // planned; 0: endless
	Current    []string      `json:"current_steps,omitempty"`
	Failed     []string      `json:"failed_steps,omitempty"`
	Seed       string        `json:"seed"` // as FormatSeed writes it
	Started    time.Time     `json:"started_at,omitzero"`
	Ended      time.Time     `json:"ended_at,omitzero"`
	Elapsed    float64       `json:"elapsed_seconds"`
	Remaining  float64       `json:"remaining_seconds"` // planned; 0 where it is not known
	Digest     string        `json:"digest,omitempty"`  // of the event log, once the run ended
	Dropped    int           `json:"steps_left_out,omitempty"`
	Steps      []StepReport  `json:"steps"`            // those that ended, then those in force
	Checks     []CheckReport `json:"checks,omitempty"` // over the whole run
	Counts     CountsReport  `json:"counts"`
	Breakers   []StateReport `json:"circuit_breakers,omitempty"` // as they are now, or were at the end
}

// A StepReport is one step of one iteration. Offsets count from the run's start.
type StepReport struct {
	Name      string        `json:"name"`
	Iteration int           `json:"iteration"`
	State     StepState     `json:"state"`
	Reason    string        `json:"reason,omitempty"`
	Tolerated bool          `json:"tolerated,omitempty"`
	Start     float64       `json:"start_seconds"`
	End       float64       `json:"end_seconds"` // planned, while it is in force
	Problems  []string      `json:"problems,omitempty"`
	Checks    []CheckReport `json:"checks,omitempty"`
	Counts    *CountsReport `json:"counts,omitempty"` // of a step's last iteration only
}

// A CheckReport is an expectation and its verdict.
type CheckReport struct {
	Expectation string   `json:"expectation"`
	Status      string   `json:"status"` // pass, fail or inconclusive
	Subject     string   `json:"subject,omitempty"`
	Got         string   `json:"got,omitempty"`
	Want        string   `json:"want,omitempty"`
	Detail      []string `json:"detail,omitempty"`
}

// A CountsReport sums up what was seen.
type CountsReport struct {
	Operations      int            `json:"operations"` // the client's side
	Failed          int            `json:"failed"`
	ErrorRate       float64        `json:"error_rate"`
	Throughput      float64        `json:"throughput"` // operations a second
	P50             float64        `json:"p50_ms"`
	P99             float64        `json:"p99_ms"`
	Requests        int            `json:"requests"` // the chaos server's side
	ServerErrors    int            `json:"server_errors"`
	ServerErrorRate float64        `json:"server_error_rate"`
	Injected        map[string]int `json:"injected,omitempty"` // by kind of fault
}

// A StateReport is the state of a circuit breaker.
type StateReport struct {
	Name  string `json:"name"` // of the target
	State string `json:"state"`
}

// Report describes the run as it stands. It is safe to call at any time.
func (r *Run) Report() Report {
	status := r.Status()
	out := Report{
		Name: status.Name, State: status.State, Reason: status.Reason, Progress: status.Progress,
		Iteration: status.Iteration, Iterations: r.rounds, Current: status.Steps, Failed: status.Failed,
		Seed: FormatSeed(status.Seed), Elapsed: status.Elapsed.Seconds(), Remaining: status.Remaining.Seconds(),
		Steps: []StepReport{},
	}
	r.mu.Lock()
	out.Started, out.Ended, out.Digest, out.Dropped = r.started, r.ended, r.result.Digest, r.result.Dropped
	results, ended := r.result.Results, r.state.Ended()
	for _, s := range r.result.Steps {
		out.Steps = append(out.Steps, s.Report())
	}
	for _, c := range r.result.Checks {
		out.Checks = append(out.Checks, reportCheck(c))
	}
	r.mu.Unlock()
	if ended {
		out.Counts = reportCounts(results)
		out.Breakers = lastStates(results)
		return out
	}
	if status.State == RunPending {
		return out
	}
	for _, s := range r.recorder.active() {
		step := StepReport{Name: s.Spec.Name, Iteration: s.Iteration, State: StepRunning, Start: r.recorder.offset(s.start).Seconds()}
		step.End = step.Start + s.duration.Seconds()
		counts := reportCounts(s.Results())
		step.Counts = &counts
		out.Steps = append(out.Steps, step)
	}
	r.settle("results of the run", func() { results = r.recorder.total.Snapshot(r.elapsed()) })
	out.Counts = reportCounts(results)
	for _, target := range r.Targets() {
		if state, ok := r.injector.BreakerState(target); ok {
			out.Breakers = append(out.Breakers, StateReport{target, state})
		}
	}
	return out
}

// Report is the result in the form of a Report.
func (s StepResult) Report() StepReport {
	out := StepReport{
		Name: s.Name, Iteration: s.Iteration, State: s.State, Reason: s.Reason, Tolerated: s.Tolerated,
		Start: s.Start.Seconds(), End: s.End.Seconds(), Problems: s.Problems,
	}
	for _, c := range s.Checks {
		out.Checks = append(out.Checks, reportCheck(c))
	}
	if s.Results.Operations()+s.Results.Requests() > 0 {
		counts := reportCounts(s.Results)
		out.Counts = &counts
	}
	return out
}

func reportCheck(c Check) CheckReport {
	return CheckReport{
		Expectation: c.Expectation.String(), Status: c.Verdict.Status.String(),
		Subject: c.Verdict.Subject, Got: c.Verdict.Got, Want: c.Verdict.Want, Detail: c.Verdict.Detail,
	}
}

func reportCounts(r assert.Results) CountsReport {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	out := CountsReport{
		Operations: r.Operations(), Failed: r.Failed(), ErrorRate: r.ErrorRate(),
		Requests: r.Requests(), ServerErrors: r.ServerErrors(), ServerErrorRate: r.ServerErrorRate(),
	}
	if r.Operations() > 0 {
		out.Throughput, out.P50, out.P99 = r.Throughput(), ms(r.Quantile(0.5)), ms(r.Quantile(0.99))
	}
	for _, kind := range r.InjectedKinds() {
		if out.Injected == nil {
			out.Injected = map[string]int{}
		}
		out.Injected[kind] = r.Injected(kind)
	}
	return out
}

// lastStates are the states in which the chaos server's breakers ended.
func lastStates(r assert.Results) (out []StateReport) {
	for _, name := range r.StateNames(assert.ServerSide) {
		if changes := r.States(name); len(changes) > 0 {
			out = append(out, StateReport{name, changes[len(changes)-1].State})
		}
	}
	return out
}
