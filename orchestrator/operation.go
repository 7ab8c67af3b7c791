package orchestrator

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mockforge-go/mockforge/assert"
)

// An Operation is one call of what the test drives: what its caller wanted,
// which may cost several requests. It is safe for concurrent use.
type Operation struct {
	run   *Run
	steps []credit  // that it counts for
	start time.Time // of the schedule
	began time.Time // of package time

	mu       sync.Mutex
	name     string
	attempts int
	faults   int     // attempts that met an injected fault
	retried  int     // attempts that the transport repeated on another connection
	last     Attempt // the last attempt that ended
	ended    bool
}

// A credit is a step that an operation counts for, and its number there, from 1.
type credit struct {
	step *ActiveStep
	n    int
}

// An Attempt is one request of a client, as the client saw it.
type Attempt struct {
	Method, Path string
	Status       int    // 0: no response
	Err          error  // nil: a response was read to its end
	Fault        string // what X-Mockforge-Fault said; "": nothing
	Repeated     int    // how often the transport repeated it by itself
	Failed       bool   // an error, a 5xx or a 429
}

func (r *Run) newOperation() *Operation {
	now := time.Now()
	return &Operation{run: r, start: r.schedule.at(now), began: now}
}

type operationKey struct{}

// OperationFrom returns the operation that ctx belongs to, or nil.
func OperationFrom(ctx context.Context) *Operation {
	op, _ := ctx.Value(operationKey{}).(*Operation)
	return op
}

// Context is ctx, belonging to the operation.
func (op *Operation) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, operationKey{}, op)
}

func (op *Operation) attempt(a Attempt) {
	op.mu.Lock()
	defer op.mu.Unlock()
	if op.ended {
		return
	}
	op.attempts++
	op.retried += a.Repeated
	if a.Repeated > 0 || a.Failed && a.Fault != "" || a.Err != nil {
		op.faults++
	}
	op.last = a
	if op.name == "" {
		op.name = a.Method + " " + a.Path
	}
}

// End records the operation. Later calls do nothing.
func (op *Operation) End(err error) {
	op.mu.Lock()
	if op.ended {
		op.mu.Unlock()
		return
	}
	op.ended = true
	now := time.Now()
	r := assert.Operation{
		Name: op.name, Latency: now.Sub(op.began), Attempts: op.attempts,
		Failed: err != nil, FaultsHit: op.faults,
	}
	switch {
	case err != nil:
		r.Error = errorText(err)
		r.Status, r.Fault = op.last.Status, op.last.Fault
	case op.faults == 0:
	case op.last.Failed:
		r.AbsorbedBy = assert.Fallback
	case op.retried >= op.faults:
		r.AbsorbedBy = assert.Transport
	default:
		r.AbsorbedBy = assert.Retry
	}
	op.mu.Unlock()
	op.run.recorder.operation(op, r, op.run.schedule.at(now))
	op.run.sample()
	for _, c := range op.steps {
		c.step.operationEnded()
	}
}

// errorText is what is recorded of an error. A time-out is only that: net/http
// words it in two ways, as its timer and its context race for the same instant.
func errorText(err error) string {
	var timeout interface{ Timeout() bool }
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return "time-out"
	}
	return firstLine(err.Error())
}

// firstLine bounds an error's text for logs and reports.
func firstLine(s string) string {
	const most = 300
	for i, c := range s {
		if c == '\n' || i >= most {
			return s[:i] + " …"
		}
	}
	return s
}
