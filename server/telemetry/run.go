package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/mockforge-go/mockforge/orchestrator"
	"github.com/mockforge-go/mockforge/server"
)

const (
	keyOrchestration = attribute.Key("mockforge.orchestration.name")
	keyRun           = attribute.Key("mockforge.orchestration.run_id")
	keySeed          = attribute.Key("mockforge.orchestration.seed")
	keyIteration     = attribute.Key("mockforge.orchestration.iteration")
	keyState         = attribute.Key("mockforge.orchestration.state")
	keyReason        = attribute.Key("mockforge.orchestration.reason")
)

// A run is the span of a run, the parent of its steps'.
type run struct {
	tracer *Tracer
	ctx    context.Context // of the span
	span   trace.Span
	common []attribute.KeyValue
}

// Run implements server.Tracer.
func (t *Tracer) Run(r orchestrator.Report) server.RunTracer {
	common := []attribute.KeyValue{keyOrchestration.String(r.Name), keyRun.String(r.ID)}
	ctx, span := t.tracer.Start(context.Background(), "orchestration "+r.Name, trace.WithNewRoot(),
		trace.WithAttributes(common...), trace.WithAttributes(keySeed.String(r.Seed)))
	return &run{tracer: t, ctx: ctx, span: span, common: common}
}

// Step implements server.RunTracer.
func (r *run) Step(name string, iteration int) (end func(orchestrator.StepReport)) {
	_, span := r.tracer.tracer.Start(r.ctx, "step "+name, trace.WithAttributes(r.common...),
		trace.WithAttributes(keyStep.StringSlice([]string{name}), keyIteration.Int(iteration)))
	return func(s orchestrator.StepReport) {
		conclude(span, string(s.State), s.Reason, s.State == orchestrator.StepFailed)
	}
}

// End implements server.RunTracer.
func (r *run) End(report orchestrator.Report) {
	conclude(r.span, string(report.State), report.Reason, report.State == orchestrator.RunFailed)
}

func conclude(span trace.Span, state, reason string, failed bool) {
	span.SetAttributes(keyState.String(state))
	if reason != "" {
		span.SetAttributes(keyReason.String(reason))
	}
	if failed {
		span.SetStatus(codes.Error, reason)
	}
	span.End()
}
