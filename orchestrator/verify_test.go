package orchestrator_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/assert"
	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// What was tampered with, or is decided differently, is found where it is.
func TestVerifyFindsTheFirstDifference(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/storm.chaos.jsonl")
	require.NoError(t, err)
	lines := strings.SplitAfter(string(data), "\n")
	find := func(parts ...string) int {
		for i, l := range lines {
			found := true
			for _, p := range parts {
				found = found && strings.Contains(l, p)
			}
			if found && i > 0 {
				return i
			}
		}
		require.FailNow(t, "no such line", parts)
		return 0
	}
	tests := []struct {
		name     string
		line     int
		from, to string
		want     string
		at       int // lines below the change; -1: anywhere below
	}{
		{"the status of a fault", find(`"kind":"http_error"`, `"step":"breaking"`, `"status":503`), `"status":503`, `"status":500`, "other decisions are made for the request", -2},
		{"the length of a delay", find(`"kind":"latency"`), `"delay":1000000`, `"delay":1000001`, "other decisions", -2},
		{"an ordinal", find(`"kind":"rate_limit"`), `"ordinal":`, `"ordinal":1`, "other decisions", -2},
		{"an outcome that opened the breaker", find(`"type":"outcome"`, `"fault":"http_error"`), `,"failed":true`, ``, "other changes of state", -1},
		{"the reason of a transition", find(`"type":"transition"`, `consecutive failures`), `"reason":"2`, `"reason":"7`, "other changes of state", -1},
		{"why a wait ended", find(`"because":"granted"`), "granted", "left", "", -1},
		{"the seed", 0, `"seed":"0x0"`, `"seed":"0x1"`, "", -1},
		{"a threshold of the document", 0, `"burst_size":5`, `"burst_size":6`, "other decisions", -1},
		{"the instant of an arrival", find(`"type":"request"`, `"steps":["limited"]`, `"decisions":0`), `{"t":`, `{"t":9`, "", -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			changed := append([]string(nil), lines...)
			require.Contains(t, changed[tt.line], tt.from)
			changed[tt.line] = strings.Replace(changed[tt.line], tt.from, tt.to, 1)
			rec := readRecording(t, []byte(strings.Join(changed, "")))
			v, err := orchestrator.Verify(t.Context(), rec)
			require.NoError(t, err)
			require.NotNil(t, v.Difference)
			text := v.Difference.String()
			require.Contains(t, text, tt.want)
			require.Contains(t, text, "\n    - ")
			require.Contains(t, text, "\n    + ")
			if tt.at == -2 {
				require.InDelta(t, tt.line+1, v.Difference.Line, 4, "the request stands just above its decision")
			}
			require.NotEqual(t, rec.Digest(), v.Digest)
		})
	}
}

func TestDifferenceText(t *testing.T) {
	t.Parallel()
	rec := readRecording(t, []byte(strings.Replace(whole, `"ordinal":0,"status":503`, `"ordinal":0,"status":500`, 1)))
	v, err := orchestrator.Verify(t.Context(), rec)
	require.NoError(t, err)
	require.Equal(t, `the first event that differs is in line 3, at 20ns: other decisions are made for the request
      {"t":10,"type":"layer_on","step":"a","iteration":1}
      {"t":20,"type":"request","n":7,"target":"default","method":"GET","path":"/x","steps":["a"],"iteration":1,"host":"h","decisions":1}
    - {"t":20,"type":"decision","n":7,"step":"a","iteration":1,"kind":"http_error","ordinal":0,"status":500}
    + {"t":20,"type":"decision","n":7,"step":"a","iteration":1,"kind":"http_error","ordinal":0,"status":503}`, v.Difference.String())
}

// What cannot be made again is said, not guessed.
func TestVerifySaysWhatItCannot(t *testing.T) {
	t.Parallel()
	foreign := `{"t":15,"type":"connection","step":"a","iteration":1}` + "\n"
	v, err := orchestrator.Verify(t.Context(), readRecording(t, []byte(head+layerOn+foreign+request+decision+outcome+end)))
	require.NoError(t, err)
	require.Nil(t, v.Difference)
	require.Zero(t, v.Requests)
	require.Equal(t, []string{"layer a of iteration 1, and requests that entered it: its limit counted connections without their requests"}, v.Unverified)

	other := strings.ReplaceAll(layerOn+request+decision, `"a"`, `"standing"`)
	v, err = orchestrator.Verify(t.Context(), readRecording(t, []byte(head+other+end)))
	require.NoError(t, err)
	require.Nil(t, v.Difference)
	require.Equal(t, []string{"layer standing of iteration 1, and requests that entered it: it is none of the document's steps"}, v.Unverified)
}

// Requests that were inside before the run began end in it.
func TestVerifyOfWhatCameBefore(t *testing.T) {
	t.Parallel()
	early := `{"t":5,"type":"outcome","n":3,"status":200}` + "\n" + `{"t":6,"type":"resume","n":2,"because":"left"}` + "\n" +
		`{"t":7,"type":"layer_off","step":"older","iteration":1}` + "\n"
	v, err := orchestrator.Verify(t.Context(), readRecording(t, []byte(head+early+layerOn+request+decision+outcome+end)))
	require.NoError(t, err)
	require.Nil(t, v.Difference)
	require.Equal(t, 1, v.Requests)
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, orchestrator.Orchestration{Steps: []orchestrator.Step{quietStep("a", time.Second)}}, orchestrator.RunOptions{Seed: new(uint64(9))})
		r.run()
		rec := readRecording(t, r.log.Bytes())
		require.False(t, rec.Real)
		require.Nil(t, rec.Orchestration)
		_, err := orchestrator.Verify(t.Context(), rec)
		require.EqualError(t, err, "event log:1: the run was on virtual time, which has no recording to verify: run its test again with CHAOSTEST_SEED=0x9")
		require.NoError(t, rec.SameAs(&orchestrator.Orchestration{Name: "rig"}))
		require.ErrorContains(t, rec.SameAs(&orchestrator.Orchestration{Name: "else"}), `is of orchestration "rig", not of "else"`)
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := orchestrator.Verify(ctx, readRecording(t, []byte(whole)))
	require.ErrorIs(t, err, context.Canceled)
	_, err = orchestrator.Verify(t.Context(), readRecording(t, []byte(head+layerOn+request+decision+strings.ReplaceAll(request, `"request"`, `"wait"`)+end)))
	require.EqualError(t, err, "event log:5: the log contradicts itself: request 7 arrives twice")
}

// A recording is made in real time, by an injector that keeps an order, of an
// orchestration that can be written.
func TestNewRecordingRefuses(t *testing.T) {
	t.Parallel()
	o := orchestrator.Orchestration{Name: "x", Steps: []orchestrator.Step{quietStep("a", time.Second)}}
	log := func() *orchestrator.EventLog { return orchestrator.NewRecording(&bytes.Buffer{}) }
	_, err := orchestrator.NewRun(&o, orchestrator.RunOptions{Log: log(), Virtual: true})
	require.EqualError(t, err, "orchestration x: a recording is of a run in real time: on virtual time, use NewEventLog; the seed repeats the run")
	_, err = orchestrator.NewRun(&o, orchestrator.RunOptions{Log: log(), Injector: injector.New()})
	require.EqualError(t, err, "orchestration x: its recording could not be replayed: make the injector with injector.InOrder()")
	_, err = orchestrator.NewRun(&o, orchestrator.RunOptions{Log: log(), Injector: injector.New(injector.InOrder())})
	require.NoError(t, err)
	o.Expect = []assert.Expectation{assert.Func("mine", func(assert.Results) error { return nil })}
	_, err = orchestrator.NewRun(&o, orchestrator.RunOptions{Log: log()})
	require.ErrorContains(t, err, "orchestration x: it cannot be recorded: encode orchestration: expect[0]")
}

// What may be secret in a document is not in the log.
func TestRecordingRedactsTheDocument(t *testing.T) {
	t.Parallel()
	o, _, err := orchestrator.Parse([]byte(`
name: secrets
targets: {api: {upstream: "http://user:secret-1@api.test/x?key=secret-2"}}
load: {rate: 1, target: api, path: "/x?key=secret-3", headers: {Authorization: secret-4}, body: secret-5}
scenarios: {mine: {fault_injection: {http_errors: [500], request_matcher: {headers: [{name: X-A, value: secret-6}]}}}}
steps:
  - name: a
    duration_seconds: 0.001
    load: {rate: 0, headers: {X-B: secret-7}}
    scenario: {config: {fault_injection: {http_errors: [500], request_matcher: {headers: [{name: X-C, value: secret-8}]}}}}
`), orchestrator.YAML)
	require.NoError(t, err)
	var log bytes.Buffer
	run, err := orchestrator.NewRun(o, orchestrator.RunOptions{
		Log: orchestrator.NewRecording(&log), Client: nil, URL: nil,
		Hooks: orchestrator.Hooks{},
	})
	require.ErrorContains(t, err, "asks for load")
	require.Nil(t, run)
	o.Load.Rate = 0
	run, err = orchestrator.NewRun(o, orchestrator.RunOptions{Log: orchestrator.NewRecording(&log)})
	require.NoError(t, err)
	run.Run(t.Context())
	require.NotContains(t, log.String(), "secret-")
	rec := readRecording(t, log.Bytes())
	require.NoError(t, rec.SameAs(o))
	require.Equal(t, "secret-5", o.Load.Body, "the run's own document is as it was")
	require.Equal(t, "http://api.test/x", rec.Orchestration.Targets["api"].Upstream)
	require.Equal(t, "/x?redacted", rec.Orchestration.Load.Path)
}
