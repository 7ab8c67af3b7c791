package server

import (
	"net/http"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A Tracer follows requests, runs and steps for a tracing system; package
// server/telemetry has one for OpenTelemetry. Its methods are called
// concurrently.
//
// As an Observer it is told what was decided about requests; their context is
// the one that its Handler gave them.
type Tracer interface {
	injector.Observer
	// Handler puts the Tracer in front of a target, before the target's layers.
	Handler(target string, next http.Handler) http.Handler
	// Run follows a run that starts. The report says which one it is.
	Run(orchestrator.Report) RunTracer
}

// A RunTracer follows one run.
type RunTracer interface {
	// Step follows a step that begins. end is called once, with its verdict.
	Step(name string, iteration int) (end func(orchestrator.StepReport))
	// End is called once, after every step has ended.
	End(orchestrator.Report)
}

// noTracer follows nothing.
type noTracer struct{}

func (noTracer) Step(string, int) func(orchestrator.StepReport) {
	return func(orchestrator.StepReport) {}
}

func (noTracer) End(orchestrator.Report) {}
