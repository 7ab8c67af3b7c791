package orchestrator

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"

	"github.com/mockforge-go/mockforge/injector"
)

// Recording returns a RoundTripper that sends requests with next and records
// what the client sees. A request whose context belongs to an operation is an
// attempt of it. Outside one it is, where step is given, an operation of that
// step, from RoundTrip to the end of the body; else it is an attempt that
// counts for every step in force.
func (r *Run) Recording(next http.RoundTripper, step *ActiveStep) http.RoundTripper {
	return &recording{run: r, next: next, step: step}
}

type recording struct {
	run  *Run
	next http.RoundTripper
	step *ActiveStep
}

// RoundTrip implements http.RoundTripper.
func (t *recording) RoundTrip(req *http.Request) (*http.Response, error) {
	op := OperationFrom(req.Context())
	a := &attempt{op: op, info: Attempt{Method: req.Method, Path: req.URL.Path}}
	if op == nil && t.step != nil {
		op = t.step.Begin()
		a.op, a.own = op, true
	}
	t.run.recorder.attempt(op)
	if op != nil {
		// A transport repeats a request by itself when a connection that it had
		// kept turns out to be dead. Each try gets a connection.
		trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { a.conns.Add(1) }}
		req = req.WithContext(httptrace.WithClientTrace(req.Context(), trace))
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		a.end(err)
		return nil, err
	}
	a.info.Status = resp.StatusCode
	a.info.Fault = faultOf(resp.Header)
	if op == nil || resp.StatusCode == http.StatusSwitchingProtocols {
		a.end(nil)
		return resp, nil
	}
	if resp.Body == nil || resp.Body == http.NoBody {
		a.end(nil)
		return resp, nil
	}
	resp.Body = &recordedBody{ReadCloser: resp.Body, attempt: a}
	return resp, nil
}

// faultOf is the last fault that the chaos server says it injected, latency
// only when there was nothing else.
func faultOf(h http.Header) (fault string) {
	for _, v := range h.Values("X-Mockforge-Fault") {
		if v != injector.KindLatency || fault == "" {
			fault = v
		}
	}
	return fault
}

type attempt struct {
	op    *Operation
	own   bool // the operation is this request
	info  Attempt
	conns atomic.Int32
	once  sync.Once
}

func (a *attempt) end(err error) {
	if a.op == nil {
		return
	}
	a.once.Do(func() {
		a.info.Err = err
		a.info.Failed = err != nil || FailedStatus(a.info.Status)
		a.info.Repeated = max(0, int(a.conns.Load())-1)
		a.op.attempt(a.info)
		if !a.own {
			return
		}
		if err == nil && a.info.Failed {
			err = statusError(a.info.Status)
		}
		a.op.End(err)
	})
}

type statusError int

func (e statusError) Error() string { return "status " + http.StatusText(int(e)) }

// A recordedBody ends its attempt with the body: at its end, at an error, or
// when it is closed.
type recordedBody struct {
	io.ReadCloser
	attempt *attempt
}

func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF:
		b.attempt.end(nil)
	case err != nil:
		b.attempt.end(err)
	}
	return n, err
}

func (b *recordedBody) Close() error {
	b.attempt.end(nil)
	return b.ReadCloser.Close()
}
