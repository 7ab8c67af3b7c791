package orchestrator

import (
	"strconv"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// The members of the lines that both engines write, after the instant and the
// type.

func appendRequest(b []byte, q *injector.Request, at, arrived time.Duration) []byte {
	b = appendInt(b, "n", q.N)
	if at != arrived {
		b = appendInt(b, "arrived", int64(arrived))
	}
	b = appendText(b, "target", q.Target)
	b = appendText(b, "method", q.Method)
	b = appendText(b, "path", q.Path)
	if q.RequestID != "" {
		b = appendText(b, "request_id", q.RequestID)
	}
	if q.Protocol != "" {
		b = appendText(b, "protocol", q.Protocol)
	}
	if q.Operation != "" {
		b = appendText(b, "operation", q.Operation)
		b = appendNumbers(b, "top_fields", q.TopFields)
	}
	b = appendNames(b, "steps", q.Layers)
	if len(q.Layers) > 0 {
		b = appendInt(b, "iteration", int64(q.Layers[0].Iteration))
	}
	return b
}

func appendNames(b []byte, name string, layers []injector.LayerRef) []byte {
	b = append(append(append(b, ',', '"'), name...), `":[`...)
	for i, l := range layers {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, l.Name)
	}
	return append(b, ']')
}

func appendNumbers(b []byte, name string, numbers []int) []byte {
	b = append(append(append(b, ',', '"'), name...), `":[`...)
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']')
}

func appendLayer(b []byte, ref injector.LayerRef) []byte {
	b = appendText(b, "step", ref.Name)
	return appendInt(b, "iteration", int64(ref.Iteration))
}

// appendDecision leaves out what only a recording has, unless it is one.
func appendDecision(b []byte, n int64, d *injector.Decision, recording bool) []byte {
	b = appendInt(b, "n", n)
	b = appendLayer(b, d.Layer)
	b = appendText(b, "kind", d.Kind)
	b = appendInt(b, "ordinal", int64(d.Ordinal))
	if d.Status != 0 {
		b = appendInt(b, "status", int64(d.Status))
	}
	if d.Delay != 0 {
		b = appendInt(b, "delay", int64(d.Delay))
	}
	if recording && d.Retry != 0 {
		b = appendInt(b, "retry", int64(d.Retry))
	}
	if d.InBatch != 0 {
		b = appendInt(b, "in_batch", int64(d.InBatch))
	}
	if d.Masked {
		b = append(b, `,"masked":true`...)
	}
	return b
}

func appendTransition(b []byte, t *injector.Transition) []byte {
	b = appendLayer(b, t.Layer)
	b = appendText(b, "target", t.Target)
	b = appendText(b, "component", t.Component)
	b = appendText(b, "from", t.From)
	b = appendText(b, "to", t.To)
	return appendText(b, "reason", t.Reason)
}

func appendOutcome(b []byte, o *injector.Outcome) []byte {
	b = appendInt(b, "n", o.N)
	if o.Status != 0 {
		b = appendInt(b, "status", int64(o.Status))
	}
	if o.Fault != "" {
		b = appendText(b, "fault", o.Fault)
	}
	if o.Failed {
		b = append(b, `,"failed":true`...)
	}
	if o.Canceled {
		b = append(b, `,"canceled":true`...)
	}
	if len(o.Spared) == 0 {
		return b
	}
	var spared []injector.LayerRef
	for i := range o.Spared {
		spared = append(spared, o.Spared[i].Layer)
	}
	b = appendNames(b, "spared", spared)
	return appendInt(b, "iteration", int64(spared[0].Iteration))
}
