package telemetry

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/mockforge-go/mockforge/injector"
)

// Names of attributes that are this product's own.
const (
	keyTarget  = attribute.Key("mockforge.target")
	keyFault   = attribute.Key("mockforge.chaos.fault")   // every kind that was injected, in order
	keyStep    = attribute.Key("mockforge.chaos.step")    // the layers that injected them
	keyOutcome = attribute.Key("mockforge.chaos.outcome") // the kind that made the answer
	keyLatency = attribute.Key("mockforge.chaos.injected_latency_ms")
	keyHeld    = attribute.Key("mockforge.chaos.bandwidth_throttle_ms") // both directions
)

// methods are those that semantic conventions know.
var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"} // constant

// A followed request is what its context carries to the Observer.
type followed struct {
	span trace.Span
	done *injector.Outcome // nil: it met no layer, or is not over
}

type followedKey struct{}

// Handler implements server.Tracer.
func (t *Tracer) Handler(target string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := t.w3c.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		method, name := r.Method, injector.Endpoint(r)
		if !slices.Contains(methods, method) {
			method, name = "_OTHER", "HTTP"
		}
		_, route, _ := strings.Cut(name, " ")
		ctx, span := t.tracer.Start(ctx, strings.ToValidUTF8(name, "\uFFFD"), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("http.request.method", method),
			attribute.String("http.route", strings.ToValidUTF8(route, "\uFFFD")),
			attribute.String("url.path", strings.ToValidUTF8(r.URL.Path, "\uFFFD")),
			attribute.String("server.address", strings.ToValidUTF8(r.Host, "\uFFFD")),
			attribute.String("client.address", host(r.RemoteAddr)),
			attribute.String("network.protocol.version", strings.TrimPrefix(r.Proto, "HTTP/")),
			keyTarget.String(target),
		))
		f := &followed{span: span}
		out := &writer{ResponseWriter: w}
		onward := r.WithContext(context.WithValue(ctx, followedKey{}, f))
		onward.Header = r.Header.Clone()
		t.w3c.Inject(ctx, propagation.HeaderCarrier(onward.Header))
		returned := false
		defer func() { f.end(out, returned) }() // aborted requests panic
		next.ServeHTTP(out, onward)
		returned = true
	})
}

func host(address string) string {
	if h, _, err := net.SplitHostPort(address); err == nil {
		return h
	}
	return address
}

// end says how the request ended.
func (f *followed) end(w *writer, returned bool) {
	defer f.span.End()
	status, wrong := w.status, ""
	switch o := f.done; {
	case o == nil && !returned:
		wrong = "aborted"
	case o == nil:
		if status == 0 {
			status = http.StatusOK
		}
	default:
		status = o.Status
		switch {
		case o.Canceled:
			wrong = "canceled"
		case o.Failed && status == 0:
			wrong = "aborted"
			if o.Fault != "" {
				wrong = o.Fault
			}
		}
	}
	if status > 0 {
		f.span.SetAttributes(attribute.Int("http.response.status_code", status))
	}
	if wrong == "" && status >= http.StatusInternalServerError {
		wrong = http.StatusText(status)
	}
	if wrong != "" {
		f.span.SetAttributes(attribute.String("error.type", wrong))
		f.span.SetStatus(codes.Error, "")
	}
}

// Request implements injector.Observer.
func (t *Tracer) Request(r *injector.Request) {
	f, ok := r.Context.Value(followedKey{}).(*followed)
	if !ok || !f.span.IsRecording() {
		return
	}
	if f.injected(r.Decisions, injector.Decision.Pending) && r.Delay > 0 {
		f.span.SetAttributes(keyLatency.Float64(milliseconds(r.Delay)))
	}
}

// injected says which decisions came to be, and reports whether one did. not
// are those that did not, besides the masked ones.
func (f *followed) injected(decisions []injector.Decision, not func(injector.Decision) bool) bool {
	var kinds, steps []string
	for _, d := range decisions {
		if d.Masked || not(d) {
			continue
		}
		kinds = append(kinds, d.Kind)
		if !slices.Contains(steps, d.Layer.Name) {
			steps = append(steps, d.Layer.Name)
		}
	}
	if kinds == nil {
		return false
	}
	f.span.SetAttributes(keyFault.StringSlice(kinds), keyStep.StringSlice(steps))
	return true
}

// Done implements injector.Observer.
func (t *Tracer) Done(o *injector.Outcome) {
	f, ok := o.Context.Value(followedKey{}).(*followed)
	if !ok || len(o.Layers) == 0 {
		return
	}
	f.done = new(*o)
	if o.Came() != nil {
		f.injected(o.Decisions, func(d injector.Decision) bool { return slices.Contains(o.Spared, d) })
	}
	if o.Fault != "" {
		f.span.SetAttributes(keyOutcome.String(o.Fault))
	}
	if held := o.HeldUp + o.HeldDown; held > 0 {
		f.span.SetAttributes(keyHeld.Float64(milliseconds(held)))
	}
}

// Transition implements injector.Observer. Transitions are logged and counted.
func (t *Tracer) Transition(*injector.Transition) {}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
