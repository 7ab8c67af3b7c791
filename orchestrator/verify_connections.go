package orchestrator

import (
	"slices"
	"strings"
	"time"

	"github.com/mockforge-go/mockforge/injector"
)

// drew makes again what connections and messages asked the rules of a layer.
func (v *verifier) drew(e *logEvent, at time.Time) error {
	if v.blind[e.ref()] {
		return nil
	}
	return v.again.Drew(&injector.Drew{At: at, Layer: e.ref(), Rules: e.Rules, Quiet: e.Quiet})
}

// meet makes the decisions about a connection or a message again.
func (v *verifier) meet(e *logEvent, i int, at time.Time) {
	if v.unseen(e) {
		return
	}
	was := &v.rec.Requests[e.at]
	now := v.again.Meet(at, &injector.Request{
		N: e.N, Target: e.Target, Layers: was.Layers, Length: e.Length, Operation: e.Operation, TopFields: e.TopFields,
	})
	v.out.Requests++
	v.out.Decisions += len(was.Decisions)
	v.made[e.N] = now.Decisions
	if !slices.Equal(was.Decisions, now.Decisions) {
		v.differs(e, i, "other decisions are made for the "+e.kind(), v.recorded(e)[1:], v.decided(e, now.Decisions))
		v.out.Difference.Before = append(v.out.Difference.Before, e.raw)
	}
}

// missing tells of decisions about connections or messages that are made before
// an event, and were not told.
func (v *verifier) missing(e *logEvent, i int, decisions []injector.Decision) {
	lines := v.decided(&logEvent{T: e.T}, decisions)
	for j := range lines {
		lines[j] = strings.Replace(lines[j], `"n":0,`, "", 1) // it is not known of which
	}
	v.differs(e, i, "before it, decisions are made about connections or messages that are not in the recording", nil, lines)
}

// kind is what a request without a method is.
func (e *logEvent) kind() string {
	if e.Protocol == injector.ProtocolWebSocket {
		return "message"
	}
	return "connection"
}
