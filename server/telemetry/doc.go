// Package telemetry follows the chaos server with OpenTelemetry spans: one for
// each request of the data plane, for each run and for each of its steps. It is
// a package of its own so that a server without it carries none of
// OpenTelemetry.
//
//	tracer, shutdown, err := telemetry.FromEnvironment(ctx, version, logger)
//	…
//	s, err := server.New(server.Options{Tracer: tracer})
package telemetry
