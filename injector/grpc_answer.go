package injector

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// newGRPCAnswer answers a call with a status of gRPC. An empty message is
// replaced by one that says who injected it.
func newGRPCAnswer(code int, message, step string) *answer {
	if message == "" {
		message = "injected " + grpcName(code) + inStep(step)
	}
	return &answer{status: http.StatusOK, call: true, code: code, message: message}
}

func inStep(name string) string {
	if name == "" {
		return ""
	}
	return " in step " + name
}

// translated is an answer as the protocol of the request has it. To a call of
// gRPC it is one without messages, whose header is its trailer.
func (p *passage) translated(a *answer) *answer {
	if p.speaks() != ProtocolGRPC {
		return a
	}
	out := *a
	out.call, out.status, out.body = true, http.StatusOK, nil
	out.kind = p.request.Header.Get("Content-Type")
	if !a.call {
		out.code, out.message = grpcOf(a.status), a.message+inStep(a.step)
	}
	return &out
}

// failed reports whether the answer is a 5xx, or stands for one in its protocol.
func (a *answer) failed() bool {
	if a.call {
		return grpcFailed(a.code)
	}
	return a.status >= 500 || a.hurts
}

// writeStatus fills in the header of an answer to a call. prefix stands before
// each name: that of trailers which were not announced, or none.
func (a *answer) writeStatus(h http.Header, prefix string) {
	h[prefix+headerGRPCStatus] = []string{strconv.Itoa(a.code)}
	h[prefix+headerGRPCMessage] = []string{grpcMessage(a.message)}
	if a.retry > 0 {
		ms := int64(math.Ceil(float64(a.retry) / float64(time.Millisecond)))
		h[prefix+headerGRPCPushback] = []string{strconv.FormatInt(ms, 10)}
	}
}

// lateAnswer is what a client gets that waits longer than it said it would.
func (p *passage) lateAnswer() *answer {
	d, _ := grpcTimeout(p.request.Header.Get(headerGRPCTimeout))
	return p.translated(&answer{call: true, code: grpcDeadlineExceeded, message: fmt.Sprintf("the call's deadline of %v has passed", d)})
}

// giveUp answers a client that still waits after its deadline.
func (p *passage) giveUp(w http.ResponseWriter) {
	a := p.lateAnswer()
	a.writeHeader(w.Header())
	p.mark(w.Header())
	w.WriteHeader(a.status)
}

// upstreamFailed reports whether an upstream's response is a failure: a 5xx,
// or, of a call, a status in its trailer or header that is one. A complete
// response of a call without a status is a failure too: its client sees one.
func (p *passage) upstreamFailed(status int, complete bool, trailer, header http.Header) bool {
	if p.speaks() != ProtocolGRPC {
		return status >= 500
	}
	for _, h := range [...]http.Header{trailer, header} {
		if code, ok := grpcStatusIn(h); ok {
			return grpcFailed(code)
		}
	}
	return status >= 500 || status == http.StatusOK && complete
}
