package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// exit ends its goroutine as FailNow does.
func exit() { runtime.Goexit() }

func outOfStock(context.Context) error { panic("out of stock") }

// stockLine is the line of the function above.
const stockLine = "25"

// inStep runs body in one step of a minute and returns the step's results.
func inStep(t *testing.T, s orchestrator.Scenario, body func(r *rig, s *orchestrator.ActiveStep)) assert.Results {
	t.Helper()
	var r *rig
	r = newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{{Name: "a", Duration: time.Minute, Scenario: s}}},
		orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) { body(r, s) }}})
	return stepOf(t, r.run(), "a").Results
}

func TestDo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		f    func(context.Context) error
		want string // as the caller sees it; "": no error
		text string // as it is recorded; "": the same
	}{
		{name: "success", f: func(context.Context) error { return nil }},
		{name: "error", f: func(context.Context) error { return errors.New("refused") }, want: "refused"},
		{name: "several lines", f: func(context.Context) error { return errors.New("refused\nby the bank") }, want: "refused\nby the bank", text: "refused …"},
		{name: "a long line", f: func(context.Context) error { return errors.New(strings.Repeat("é", 400)) }, want: strings.Repeat("é", 400), text: strings.Repeat("é", 150) + " …"},
		{name: "panic", f: outOfStock, want: "panic: out of stock (run_operation_test.go:" + stockLine + ")"},
		{name: "panic of the runtime", f: writeToNilMap, want: "panic: assignment to entry in nil map (run_operation_test.go:"},
		{name: "nil panic", f: func(context.Context) error { panic(nothing) }, want: "panic: panic called with nil argument"},
		{name: "deadline", f: func(context.Context) error { return fmt.Errorf("pay: %w", context.DeadlineExceeded) }, want: "pay: context deadline exceeded", text: "time-out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var err error
				a := inStep(t, orchestrator.Scenario{}, func(_ *rig, s *orchestrator.ActiveStep) {
					err = s.Do(func(ctx context.Context) error {
						time.Sleep(time.Second)
						return tt.f(ctx)
					})
				})
				require.Equal(t, 1, a.Operations())
				require.Equal(t, time.Second, a.Max())
				if tt.want == "" {
					require.NoError(t, err)
					require.Equal(t, 0, a.Failed())
					return
				}
				require.ErrorContains(t, err, tt.want)
				first, ok := a.FirstFailure()
				require.True(t, ok)
				if tt.text == "" {
					tt.text = err.Error()
				}
				require.Equal(t, tt.text, first.Error)
			})
		})
	}
}

func TestDoOnAGoroutineThatExits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := inStep(t, orchestrator.Scenario{}, func(_ *rig, s *orchestrator.ActiveStep) {
			_ = s.Do(func(context.Context) error { exit(); return nil })
		})
		first, ok := a.FirstFailure()
		require.True(t, ok)
		require.Equal(t, "the operation ended its goroutine (FailNow, SkipNow or runtime.Goexit)", first.Error)
	})
}

// What hid a fault from the caller is told apart.
func TestWhoAbsorbedAFault(t *testing.T) {
	t.Parallel()
	retrying := func(r *rig) func(context.Context) error {
		return func(ctx context.Context) error {
			var err error
			for range 10 {
				if err = r.get(ctx); err == nil {
					return nil
				}
			}
			return err
		}
	}
	tests := []struct {
		name     string
		share    float64
		op       func(r *rig) func(context.Context) error
		failed   int
		attempts int
		by       map[assert.Absorber]int
	}{
		{name: "nobody", share: 0.5, op: func(r *rig) func(context.Context) error { return r.get }, failed: 10, attempts: 20},
		{name: "retries", share: 0.5, op: retrying, attempts: 40, by: map[assert.Absorber]int{assert.Retry: -1}},
		{name: "fallback", share: 1, op: func(r *rig) func(context.Context) error {
			return func(ctx context.Context) error { _ = r.get(ctx); return nil }
		}, attempts: 20, by: map[assert.Absorber]int{assert.Fallback: 20}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := inStep(t, failing(tt.share), func(r *rig, s *orchestrator.ActiveStep) {
					for range 20 {
						_ = s.Do(tt.op(r))
					}
				})
				require.Equal(t, 20, a.Operations())
				require.Equal(t, tt.failed, a.Failed())
				if tt.name == "retries" {
					require.Equal(t, a.Requests(), a.Attempts())
					require.Equal(t, a.Attempts()-20, a.ServerErrors(), "each success ends an operation")
					require.Positive(t, a.AbsorbedBy(assert.Retry))
					require.Equal(t, a.Absorbed(), a.AbsorbedBy(assert.Retry))
					return
				}
				require.Equal(t, tt.attempts, a.Attempts())
				require.Equal(t, tt.by[assert.Fallback], a.AbsorbedBy(assert.Fallback))
				require.Equal(t, tt.by[assert.Fallback], a.Absorbed())
			})
		})
	}
}

// The repetitions that net/http makes by itself show only as connections.
func TestTransportAbsorbsAReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := inStep(t, orchestrator.Scenario{}, func(r *rig, s *orchestrator.ActiveStep) {
			twice := r.Recording(transport(func(q *http.Request) (*http.Response, error) {
				gotConn(q.Context())
				gotConn(q.Context())
				return r.into(http.HandlerFunc(r.serve)).RoundTrip(q)
			}), s)
			_ = s.Do(func(ctx context.Context) error { return get(ctx, &http.Client{Transport: twice}) })
		})
		require.Equal(t, 1, a.AbsorbedBy(assert.Transport))
		require.Equal(t, 1, a.Attempts())
	})
}

// A request of the step's own client outside an operation is one.
func TestOperationsOfAStepsClient(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		err    error
		body   io.Reader
		use    func(resp *http.Response)
		failed string // "": it succeeded
		takes  time.Duration
	}{
		{name: "read to its end", status: 200, body: strings.NewReader("hello"), use: func(resp *http.Response) {
			time.Sleep(time.Second)
			_, _ = io.Copy(io.Discard, resp.Body)
			time.Sleep(time.Second)
			_ = resp.Body.Close()
		}, takes: time.Second},
		{name: "closed early", status: 200, body: strings.NewReader("hello"), use: func(resp *http.Response) {
			time.Sleep(2 * time.Second)
			_ = resp.Body.Close()
		}, takes: 2 * time.Second},
		{name: "without a body", status: 204, use: func(*http.Response) { time.Sleep(time.Second) }},
		{name: "404 is an answer", status: 404, use: func(*http.Response) {}},
		{name: "429", status: 429, use: func(*http.Response) {}, failed: "status Too Many Requests"},
		{name: "500", status: 500, body: strings.NewReader("oh"), use: func(resp *http.Response) { _ = resp.Body.Close() }, failed: "status Internal Server Error"},
		{name: "no response", err: errors.New("connection refused"), failed: "connection refused"},
		{name: "cut off", status: 200, body: io.MultiReader(strings.NewReader("hel"), broken{}), use: func(resp *http.Response) {
			_, _ = io.Copy(io.Discard, resp.Body)
		}, failed: "unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := inStep(t, orchestrator.Scenario{}, func(r *rig, s *orchestrator.ActiveStep) {
					client := r.Recording(transport(func(*http.Request) (*http.Response, error) {
						if tt.err != nil {
							return nil, tt.err
						}
						body := io.ReadCloser(http.NoBody)
						if tt.body != nil {
							body = io.NopCloser(tt.body)
						}
						return &http.Response{StatusCode: tt.status, Header: http.Header{}, Body: body}, nil
					}), s)
					q, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://default.test/orders", nil)
					if err != nil {
						s.Fail(err.Error())
						return
					}
					if resp, err := client.RoundTrip(q); err == nil {
						tt.use(resp)
					}
				})
				require.Equal(t, 1, a.Operations())
				require.Equal(t, 1, a.Attempts())
				require.Equal(t, tt.takes, a.Max())
				first, ok := a.FirstFailure()
				require.Equal(t, tt.failed != "", ok)
				require.Equal(t, tt.failed, first.Error)
				if ok {
					require.Equal(t, "GET /orders", first.Name)
				}
			})
		})
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// A request outside operations through the run's client is an attempt of every
// step in force, and no operation.
func TestAttemptsOutsideOperations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := inStep(t, orchestrator.Scenario{}, func(r *rig, s *orchestrator.ActiveStep) {
			_ = r.get(context.Background())
			_ = s.Do(r.get)
		})
		require.Equal(t, 1, a.Operations())
		require.Equal(t, 2, a.Attempts())
		require.Equal(t, 2, a.Requests())
	})
}

// An operation counts for the step in which it started, though it ends in
// another one, and its requests for the steps whose layers they entered.
func TestOperationAcrossSteps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r *rig
		r = newRig(t, orchestrator.Orchestration{Parallel: true, Steps: []orchestrator.Step{
			{Name: "a", Duration: 2 * time.Second},
			{Name: "b", Duration: 10 * time.Second, DelayBefore: 2 * time.Second},
		}}, orchestrator.RunOptions{Hooks: orchestrator.Hooks{Body: func(s *orchestrator.ActiveStep) {
			if s.Spec.Name == "a" {
				time.Sleep(time.Second)
				_ = s.Do(func(ctx context.Context) error {
					time.Sleep(4 * time.Second)
					return r.get(ctx)
				})
			}
		}}})
		res := r.run()
		a, b := stepOf(t, res, "a").Results, stepOf(t, res, "b").Results
		require.Equal(t, []int{1, 1, 0}, []int{a.Operations(), a.Attempts(), a.Requests()})
		require.Equal(t, []int{0, 0, 1}, []int{b.Operations(), b.Attempts(), b.Requests()})
		require.Equal(t, 4*time.Second, a.Max())
	})
}

func TestOperationFrom(t *testing.T) {
	t.Parallel()
	require.Nil(t, orchestrator.OperationFrom(t.Context()))
	synctest.Test(t, func(t *testing.T) {
		inStep(t, orchestrator.Scenario{}, func(_ *rig, s *orchestrator.ActiveStep) {
			op := s.Begin()
			if orchestrator.OperationFrom(op.Context(context.Background())) != op {
				s.Fail("the context does not belong to the operation")
			}
			op.End(nil)
			op.End(errors.New("the first end counts"))
		})
	})
}

// gotConn says that a connection was got for the request, as net/http does.
func gotConn(ctx context.Context) {
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
}

// nothing is a value to panic with that a linter does not see through.
var nothing any

var noMap map[string]int

func writeToNilMap(context.Context) error {
	noMap["x"]++
	return nil
}
