package orchestrator

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// A logEvent is one line of an event log: the members of all kinds.
type logEvent struct {
	Type string        `json:"type"`
	T    time.Duration `json:"t"`

	// header
	Format        int             `json:"format"`
	Orchestration string          `json:"orchestration"`
	Seed          string          `json:"seed"`
	Engine        string          `json:"engine"`
	Start         json.RawMessage `json:"start"` // an instant; of a step or an operation, a number
	Clock         string          `json:"clock"`
	Document      json.RawMessage `json:"document"`

	// requests and their decisions, waits and outcomes
	N         int64          `json:"n"`
	Now       *time.Duration `json:"now"` // where the schedule was advanced: the instant that was used
	Arrived   *time.Duration `json:"arrived"`
	Target    string         `json:"target"`
	Method    string         `json:"method"`
	Host      string         `json:"host"`
	Path      string         `json:"path"`
	RequestID string         `json:"request_id"`
	Protocol  string         `json:"protocol"`
	Operation string         `json:"operation"`
	TopFields []int          `json:"top_fields"`
	Client    string         `json:"client"`
	Conn      string         `json:"conn"`
	Length    int64          `json:"length"`
	Steps     []string       `json:"steps"`
	Missed    []string       `json:"missed"`
	Asked     *askedEvent    `json:"asked"`
	Decisions int            `json:"decisions"`
	Step      string         `json:"step"`
	Iteration int            `json:"iteration"`
	Kind      string         `json:"kind"`
	Ordinal   uint64         `json:"ordinal"`
	Delay     time.Duration  `json:"delay"`
	Retry     time.Duration  `json:"retry"`
	InBatch   int            `json:"in_batch"`
	Masked    bool           `json:"masked"`
	Because   string         `json:"because"`
	Fault     string         `json:"fault"`
	Failed    bool           `json:"failed"`
	Canceled  bool           `json:"canceled"`
	Spared    []string       `json:"spared"`

	// what connections and messages asked
	Rules map[string]int `json:"rules"`
	Quiet bool           `json:"quiet"`

	// transitions, verdicts, operations, ends
	Component   string          `json:"component"`
	Name        string          `json:"name"`
	From        string          `json:"from"`
	To          string          `json:"to"`
	Reason      string          `json:"reason"`
	Expectation string          `json:"expectation"`
	Status      json.RawMessage `json:"status"` // a number; of a verdict, a word
	Got         string          `json:"got"`
	Error       *string         `json:"error"`
	State       string          `json:"state"`

	line int
	raw  string
	at   int // of a request: its place in Requests
}

func (e *logEvent) ref() injector.LayerRef {
	return injector.LayerRef{Name: e.Step, Iteration: e.Iteration}
}

func (e *logEvent) refs(names []string) []injector.LayerRef {
	var out []injector.LayerRef
	for _, name := range names {
		out = append(out, injector.LayerRef{Name: name, Iteration: e.Iteration})
	}
	return out
}

// rawNumber reads a member that is a number here; 0 where it is not there.
func rawNumber(raw json.RawMessage) (n int64) {
	_ = json.Unmarshal(raw, &n) // a word stays 0
	return n
}

func rawWord(raw json.RawMessage) (s string) {
	_ = json.Unmarshal(raw, &s) // a number stays ""
	return s
}

// event takes an event of the present run.
func (p *logReader) event(e *logEvent) error {
	r := p.now
	r.Elapsed = max(r.Elapsed, e.T)
	ref := e.ref()
	switch e.Type {
	case "request":
		if _, twice := p.requests[e.N]; twice {
			return p.fault("request %d is there twice", e.N)
		}
		p.requests[e.N] = len(r.Requests)
		e.at = len(r.Requests)
		r.Requests = append(r.Requests, e.request())
		if r.Real {
			r.Requests[e.at].awaited = e.Decisions
		}
		p.keep(e)
	case "decision":
		i, ok := p.requests[e.N]
		if !ok {
			if !r.Real {
				return nil // of one instant, they go by their content
			}
			return p.fault("a decision about request %d, which is not there", e.N)
		}
		q := &r.Requests[i]
		q.Decisions = append(q.Decisions, injector.Decision{
			Layer: ref, Kind: e.Kind, Ordinal: e.Ordinal, Status: int(rawNumber(e.Status)), Delay: e.Delay, Retry: e.Retry, InBatch: e.InBatch, Masked: e.Masked,
		})
		if q.awaited--; r.Real && q.awaited < 0 {
			return p.fault("request %d has more decisions than it says", e.N)
		}
		q.awaited = max(q.awaited, 0)
	case "outcome":
		p.keep(e)
		if i, ok := p.requests[e.N]; ok {
			r.Requests[i].Outcome = &RecordedOutcome{At: e.T, Status: int(rawNumber(e.Status)), Fault: e.Fault, Failed: e.Failed, Canceled: e.Canceled, Spared: e.refs(e.Spared)}
		}
	case "wait", "resume", "suspended", "resumed", "drew":
		p.keep(e)
	case "layer_on":
		p.keep(e)
		r.Layers = append(r.Layers, RecordedLayer{LayerRef: ref, On: e.T, Off: -1})
	case "layer_off":
		p.keep(e)
		for i, l := range slices.Backward(r.Layers) {
			if l.LayerRef == ref && l.Off < 0 {
				r.Layers[i].Off = e.T
				break
			}
		}
	case "connection":
		r.foreign = append(r.foreign, ref)
	case "transition":
		r.Transitions = append(r.Transitions, e.transition())
		if e.Component != "client" {
			p.keep(e)
		}
	case "operation":
		r.Operations++
		if e.Error != nil {
			r.Failed++
		}
	case "step":
		r.Steps = append(r.Steps, RecordedStep{
			Name: e.Step, Iteration: e.Iteration, Start: time.Duration(rawNumber(e.Start)), End: e.T, State: StepState(e.State), Reason: e.Reason,
		})
	case "verdict":
		r.Verdicts = append(r.Verdicts, RecordedVerdict{At: e.T, Step: e.Step, Iteration: e.Iteration, Expectation: e.Expectation, Status: rawWord(e.Status), Got: e.Got})
	case "truncated":
		r.Truncated = e.T
	case "run":
		r.State, r.Reason, r.Complete = RunState(e.State), e.Reason, true
	}
	return nil
}

// keep notes an event that decisions depend on. Those of a run on virtual time
// are not in the order in which they happened.
func (p *logReader) keep(e *logEvent) {
	if p.now.Real {
		p.now.events = append(p.now.events, *e)
	}
}

// An askedEvent is what a request asked for.
type askedEvent struct {
	Delay            time.Duration `json:"delay"`
	DelayPercentage  float64       `json:"delay_percentage"`
	Status           int           `json:"status"`
	StatusPercentage float64       `json:"status_percentage"`
	GRPCStatus       *int          `json:"grpc_status,omitempty"`
}

func (e *logEvent) asked() *injector.Asked {
	if e.Asked == nil {
		return nil
	}
	return new(injector.Asked(*e.Asked))
}

func (e *logEvent) request() RecordedRequest {
	q := RecordedRequest{
		N: e.N, At: e.T, Arrived: e.T, Target: e.Target, Method: e.Method, Host: e.Host, Path: e.Path, RequestID: e.RequestID,
		Protocol: e.Protocol, Operation: e.Operation, TopFields: e.TopFields, Length: e.Length, Layers: e.refs(e.Steps), Missed: e.refs(e.Missed), client: e.Client, conn: e.Conn,
	}
	if e.Arrived != nil {
		q.Arrived = *e.Arrived
	}
	return q
}

func (e *logEvent) transition() RecordedTransition {
	t := RecordedTransition{At: e.T, LayerRef: e.ref(), Target: e.Target, Component: e.Component, From: e.From, To: e.To, Reason: e.Reason}
	if e.Component == "client" {
		t.Target = e.Name
	}
	return t
}
