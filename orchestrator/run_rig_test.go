package orchestrator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// A rig is a run with a real handler behind its injector, reached without a
// network. It belongs to one synctest bubble.
type rig struct {
	*orchestrator.Run
	t      *testing.T
	client *http.Client // what it sends inside an operation is an attempt
	log    *bytes.Buffer

	upstream http.HandlerFunc // default: 200 and a few bytes

	mu    sync.Mutex
	told  []string // what the hooks were told
	begin time.Time
}

// newRig prepares a run. Its load, if the document has any, goes to the
// injector's handler. Options that are not set are filled in.
func newRig(t *testing.T, o orchestrator.Orchestration, opts orchestrator.RunOptions) *rig {
	t.Helper()
	r := prepare(t, &o, opts)
	require.NoError(t, r.err)
	return r.rig
}

type prepared struct {
	*rig
	err error
}

func prepare(t *testing.T, o *orchestrator.Orchestration, opts orchestrator.RunOptions) prepared {
	t.Helper()
	if o.Name == "" {
		o.Name = "rig"
	}
	_, err := o.Validate()
	require.NoError(t, err)
	r := &rig{t: t, log: &bytes.Buffer{}}
	if opts.Log == nil {
		opts.Log = orchestrator.NewEventLog(r.log)
	}
	if opts.Client == nil {
		opts.Client = &http.Client{Transport: transport(func(q *http.Request) (*http.Response, error) { return r.client.Transport.RoundTrip(q) })}
		opts.URL = func(target string) string { return "http://" + target + ".test" }
	}
	if opts.Hooks.Skipped == nil {
		opts.Hooks.Skipped = func(s orchestrator.Step, iteration int, reason string) {
			r.tell("%s#%d skipped: %s", s.Name, iteration, reason)
		}
	}
	if opts.Hooks.Moved == nil {
		opts.Hooks.Moved = func(s orchestrator.Step, late time.Duration, because string) {
			r.tell("%s moved by %s because of %q", s.Name, late, because)
		}
	}
	opts.Virtual = true
	r.Run, err = orchestrator.NewRun(o, opts)
	if err == nil {
		r.client = &http.Client{Transport: r.Recording(r.into(http.HandlerFunc(r.serve)), nil)}
	}
	return prepared{r, err}
}

func (r *rig) tell(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, fmt.Sprintf(format, args...))
}

func (r *rig) serve(w http.ResponseWriter, q *http.Request) {
	if r.upstream != nil {
		r.upstream(w, q)
		return
	}
	_, _ = io.WriteString(w, "hello")
}

// run runs to the end.
func (r *rig) run() orchestrator.RunResult {
	r.t.Helper()
	r.begin = time.Now()
	res := r.Run.Run(context.Background())
	r.requireOff()
	return res
}

// at is the time since the run's start.
func (r *rig) at() time.Duration { return time.Since(r.begin) }

// requireOff checks that no layer is in force.
func (r *rig) requireOff() {
	r.t.Helper()
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	resp, err := r.into(nothing).RoundTrip(httptest.NewRequest(http.MethodGet, "http://default.test/", nil))
	require.NoError(r.t, err)
	require.Equal(r.t, 200, resp.StatusCode)
	require.Empty(r.t, resp.Header.Values("X-Mockforge-Fault"))
}

// into sends requests to h through the layers that are in force, each host to
// its target. What the client would see of an aborted response is an error.
func (r *rig) into(h http.Handler) http.RoundTripper { return direct(r.Injector(), h) }

func direct(in *injector.Injector, h http.Handler) http.RoundTripper {
	return transport(func(q *http.Request) (resp *http.Response, err error) {
		target := orchestrator.DefaultTarget
		if q.URL.Host != "" {
			target = q.URL.Hostname()[:len(q.URL.Hostname())-len(".test")]
		}
		served := q.Clone(q.Context())
		served.RemoteAddr, served.RequestURI = "127.0.0.1:1", q.URL.RequestURI()
		if served.Host == "" {
			served.Host = q.URL.Host
		}
		if served.Body == nil {
			served.Body = http.NoBody
		}
		rec := httptest.NewRecorder()
		defer func() {
			if p := recover(); p == http.ErrAbortHandler {
				resp, err = nil, errors.Join(io.ErrUnexpectedEOF, q.Context().Err())
			} else if p != nil {
				panic(p)
			}
		}()
		in.Target(target).Handler(h).ServeHTTP(rec, served)
		return rec.Result(), nil
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(q *http.Request) (*http.Response, error) { return f(q) }

// get is an operation that succeeds with any response below 500.
func (r *rig) get(ctx context.Context) error { return get(ctx, r.client) }

func get(ctx context.Context, c *http.Client) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://default.test/", nil)
	if err != nil {
		return err
	}
	resp, err := c.Do(q)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 500 {
		return errors.New(resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// lines are a result's steps, one line each.
func lines(res orchestrator.RunResult) []string {
	out := make([]string, len(res.Steps))
	for i, s := range res.Steps {
		out[i] = fmt.Sprintf("%s %s %s–%s", s.Name, s.State, s.Start, s.End)
	}
	return out
}

// states are the states in which the steps ended, by name.
func states(res orchestrator.RunResult) map[string]orchestrator.StepState {
	out := map[string]orchestrator.StepState{}
	for _, s := range res.Steps {
		out[s.Name] = s.State
	}
	return out
}

// stepOf is the last result of the step of that name.
func stepOf(t *testing.T, res orchestrator.RunResult, name string) orchestrator.StepResult {
	t.Helper()
	for i := len(res.Steps) - 1; i >= 0; i-- {
		if res.Steps[i].Name == name {
			return res.Steps[i]
		}
	}
	require.FailNow(t, "no such step", name)
	return orchestrator.StepResult{}
}

// Scenarios of these tests.

func slow(d time.Duration) orchestrator.Scenario {
	return orchestrator.Scenario{Config: &injector.Config{Latency: &injector.Latency{FixedDelay: d}}}
}

// failing answers 503 to a part p of the requests.
func failing(p float64) orchestrator.Scenario {
	return orchestrator.Scenario{Config: &injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{503}, HTTPErrorProbability: &p}}}
}

// partition lets nothing through.
func partition() orchestrator.Scenario {
	limit := time.Hour
	return orchestrator.Scenario{Config: &injector.Config{TrafficShaping: &injector.TrafficShaping{PacketLossPercent: 100, ConnectionTimeout: &limit}}}
}

// quiet steps inject nothing.
func quietStep(name string, d time.Duration) orchestrator.Step {
	return orchestrator.Step{Name: name, Duration: d}
}

// doomed never holds, hopeless never has anything to judge.
var (
	doomed   = assert.MustParse("operations >= 1000000")
	hopeless = assert.MustParse("error_rate <= 1%")
)

func expecting(s orchestrator.Step, e ...assert.Expectation) orchestrator.Step {
	s.Expect = e
	return s
}
