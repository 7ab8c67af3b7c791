package telemetry

import (
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// A Tracer is a server.Tracer that makes OpenTelemetry spans. Traces that
// clients began, as W3C traceparent says, go on, also to upstreams. It is safe
// for concurrent use.
type Tracer struct {
	tracer trace.Tracer
	w3c    propagation.TraceContext
}

// scope is the name of the instrumentation.
const scope = "github.com/mockforge-go/mockforge/server"

// New makes spans with a provider of your own. FromEnvironment makes a provider
// as the environment asks for it.
func New(p trace.TracerProvider) *Tracer { return &Tracer{tracer: p.Tracer(scope)} }
