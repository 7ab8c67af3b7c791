package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/mockforge-go/mockforge/server"
)

// FromEnvironment makes a Tracer as the variables of the OpenTelemetry SDKs ask
// for it. It returns nil where they ask for none: without an endpoint in
// OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and without
// OTEL_TRACES_EXPORTER=otlp, or with OTEL_SDK_DISABLED=true.
//
// Spans go to the collector by HTTP in batches; what it does not take within
// the time-out is dropped, with a warning in log. shutdown, never nil, sends
// what is left. OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
// OTEL_TRACES_SAMPLER, OTEL_BSP_… and OTEL_SPAN_… have their usual meaning.
func FromEnvironment(ctx context.Context, version string, log *slog.Logger) (t server.Tracer, shutdown func(context.Context) error, err error) {
	none := func(context.Context) error { return nil }
	ok, err := configured()
	if err != nil || !ok {
		return nil, none, err
	}
	client, err := newCollector(log)
	if err != nil {
		return nil, none, err
	}
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, none, fmt.Errorf("traces: %w", err)
	}
	who, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "mockforge"), attribute.String("service.version", version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, none, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(who))
	log.Info("traces are exported", "endpoint", client.url.Redacted())
	return New(provider), provider.Shutdown, nil
}

// configured reports whether the environment asks for traces.
func configured() (bool, error) {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return false, nil
	}
	switch exporter := os.Getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return false, nil
	case "otlp":
	case "":
		if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
			return false, nil
		}
	default:
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER: there is no exporter %q: use otlp or none", exporter)
	}
	if protocol, from := setting("PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		return false, fmt.Errorf("%s: %q is not supported: use http/protobuf, by default on port 4318", from, protocol)
	}
	return true, nil
}

// setting is a variable for traces, else the one for all signals, and its name.
func setting(name string) (value, from string) {
	from = "OTEL_EXPORTER_OTLP_TRACES_" + name
	if value = os.Getenv(from); value == "" {
		from = "OTEL_EXPORTER_OTLP_" + name
		value = os.Getenv(from)
	}
	return value, from
}
