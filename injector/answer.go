package injector

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// The headers of a response that chaos made or touched.
const (
	headerFault   = "X-Mockforge-Fault"
	headerStep    = "X-Mockforge-Step"
	headerLatency = "X-Mockforge-Injected-Latency-Ms"
)

// An answer is a response made up by a layer.
type answer struct {
	status int
	hurts  bool   // it stands for a 5xx
	kind   string // the value of Content-Type
	body   []byte
	length []string      // the value of Content-Length
	retry  time.Duration // for Retry-After; 0: none

	message string // for people
	step    string
	call    bool // it is one of gRPC itself
	code    int  // its status, where call is set
}

// newAnswer makes a JSON answer. code is for programs, message for people.
func newAnswer(status int, code, message, step string, retry time.Duration) *answer {
	a := &answer{status: status, kind: typeJSON, retry: retry, message: message, step: step}
	if status != http.StatusNoContent && status != http.StatusNotModified {
		a.body, _ = json.Marshal(struct {
			Error   string `json:"error"`
			Status  int    `json:"status"`
			Message string `json:"message"`
			Step    string `json:"step,omitempty"`
		}{code, status, message, step})
		a.body = append(a.body, '\n')
		a.length = []string{strconv.Itoa(len(a.body))}
	}
	return a
}

// writeHeader fills in the headers of the answer.
func (a *answer) writeHeader(h http.Header) {
	if a.call {
		h["Content-Type"] = []string{a.kind}
		a.writeStatus(h, "")
	}
	if a.body != nil {
		h["Content-Type"] = []string{a.kind}
		h["Content-Length"] = a.length
	}
	if a.retry > 0 {
		h["Retry-After"] = []string{strconv.Itoa(int(math.Ceil(a.retry.Seconds())))}
	}
}

// answers are those of a fault rule, made once.
type answers struct {
	http       []*answer // beside faultRule.codes
	connection *answer
	timeout    *answer
}

func newAnswers(step string, r *faultRule) *answers {
	out := &answers{
		connection: newAnswer(http.StatusServiceUnavailable, KindConnectionError, "injected connection error", step, 0),
		timeout:    newAnswer(http.StatusGatewayTimeout, KindTimeout, "injected time-out", step, 0),
	}
	for _, code := range r.codes {
		a := newAnswer(code, KindHTTPError, "injected HTTP error", step, r.retry)
		a.message += " " + strconv.Itoa(code)
		out.http = append(out.http, a)
	}
	return out
}
