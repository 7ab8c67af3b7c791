package orchestrator_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

func config(t *testing.T, text string) (injector.Config, []string, error) {
	t.Helper()
	c, warnings, err := orchestrator.ParseConfig([]byte(text), orchestrator.YAML)
	var lines []string
	for _, w := range warnings {
		lines = append(lines, w.String())
	}
	return c, lines, err
}

// WireMock's names of faults are read, in either case, and written as ours.
func TestNamesOfConnectionErrors(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]injector.ConnectionErrorKind{
		"http503": injector.HTTP503, "http_503": injector.HTTP503, "tcp_reset": injector.TCPReset, "tcp_close": injector.TCPClose,
		"EMPTY_RESPONSE": injector.TCPClose, "empty_response": injector.TCPClose,
		"CONNECTION_RESET_BY_PEER": injector.TCPReset, "connection_reset_by_peer": injector.TCPReset,
		"MALFORMED_RESPONSE_CHUNK": injector.MalformedChunk, "malformed_response_chunk": injector.MalformedChunk,
		"RANDOM_DATA_THEN_CLOSE": injector.RandomData, "random_data_then_close": injector.RandomData,
	} {
		c, warnings, err := config(t, "fault_injection: {connection_error_kind: "+name+"}")
		require.NoError(t, err, name)
		require.Empty(t, warnings)
		require.Equal(t, want, c.FaultInjection.ConnectionErrorKind, name)
	}
}

func TestHTTPFields(t *testing.T) {
	t.Parallel()
	c, warnings, err := config(t, `
latency: {fixed_delay_ms: 5, schedule: {type: window, from_ms: 100, to_ms: 200.5, period_ms: 1000}}
fault_injection:
  http_errors: [503]
  retry_after_seconds: 1.5
  chunked_dribble_delay: {number_of_chunks: 5, total_duration_ms: 1000}
  response_rewrite: {status: 418, set_headers: {X-Teapot: 1}, remove_headers: Server, body: short}
  max_active_faults: 3
  override_headers: true
  schedule: {type: ramp, start: 0.1}
`)
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Equal(t, &injector.Schedule{Type: "window", From: 100 * time.Millisecond, To: 200500 * time.Microsecond, Period: time.Second}, c.Latency.Schedule)
	f := c.FaultInjection
	require.Equal(t, new(1500*time.Millisecond), f.RetryAfter)
	require.Equal(t, &injector.Dribble{NumberOfChunks: 5, TotalDuration: time.Second}, f.Dribble)
	require.Equal(t, &injector.Rewrite{Status: 418, SetHeaders: map[string]string{"X-Teapot": "1"}, RemoveHeaders: []string{"Server"}, Body: new("short")}, f.Rewrite)
	require.Equal(t, new(3), f.MaxActiveFaults)
	require.True(t, f.OverrideHeaders)
	require.Equal(t, &injector.Schedule{Type: "ramp", Start: new(0.1)}, f.Schedule)
}

func TestHTTPProblems(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"{chunked_dribble_delay: {}}", "1:42: fault_injection.chunked_dribble_delay: number_of_chunks is missing\n1:42: fault_injection.chunked_dribble_delay: total_duration_ms is missing"},
		{"{chunked_dribble_delay: {number_of_chunks: 0, total_duration_ms: 0}}",
			"1:61: fault_injection.chunked_dribble_delay.number_of_chunks: 0 is out of range: must be 1 or more\n" +
				"1:83: fault_injection.chunked_dribble_delay.total_duration_ms: 0 is out of range: must be more than 0, at most 31622400000 milliseconds"},
		{"{response_rewrite: {status: 99}}", "1:46: fault_injection.response_rewrite.status: 99 is out of range: must be 200 to 999"},
		{"{response_rewrite: {set_headers: {'a b': c}}}", `1:52: fault_injection.response_rewrite.set_headers["a b"]: is not the name of a header field`},
		{"{response_rewrite: {set_headers: {content-length: 7}}}", "1:52: fault_injection.response_rewrite.set_headers.content-length: Content-Length says how the message is sent, and cannot be rewritten"},
		{`{response_rewrite: {set_headers: {A: "b\r\nC: d"}}}`, "1:52: fault_injection.response_rewrite.set_headers.A: has a value that no header field can have: spaces around it, a line break, or another control character"},
		{`{response_rewrite: {set_headers: {A: "b\x7f"}}}`, "1:52: fault_injection.response_rewrite.set_headers.A: has a value that no header field can have: spaces around it, a line break, or another control character"},
		{"{response_rewrite: {set_headers: {A: 1, X-A: 1, x-a: 2}}}", "1:66: fault_injection.response_rewrite.set_headers.x-a: is the same header field as \"X-A\": remove one of them"},
		{"{response_rewrite: {remove_headers: [Date, Trailer]}}", "1:61: fault_injection.response_rewrite.remove_headers[1]: Trailer says how the message is sent, and cannot be rewritten"},
		{"{max_active_faults: -1}", "1:38: fault_injection.max_active_faults: -1 is out of range: must be 0 or more"},
		{"{schedule: {}}", "1:29: fault_injection.schedule: type is missing"},
		{"{schedule: {type: frist}}", `1:36: fault_injection.schedule.type: must be first, every, window or ramp, not the text "frist"; did you mean "first"?`},
		{"{schedule: {type: first}}", "1:19: fault_injection.schedule: count is missing: how many requests are in the schedule"},
		{"{schedule: {type: every}}", "1:19: fault_injection.schedule: count is missing: 3 takes each third request, and the first of all"},
		{"{schedule: {type: first, count: 0}}", "1:50: fault_injection.schedule.count: 0 is out of range: must be 1 or more"},
		{"{schedule: {type: first, count: 3, from_ms: 5}}", "1:62: fault_injection.schedule.from_ms: means nothing in a schedule of type first: it belongs to window"},
		{"{schedule: {type: ramp, count: 3}}", "1:49: fault_injection.schedule.count: means nothing in a schedule of type ramp: it belongs to first and every"},
		{"{schedule: {type: window}}", "1:19: fault_injection.schedule: from_ms and to_ms are missing: when the window begins and ends"},
		{"{schedule: {type: window, from_ms: 5, to_ms: 5}}", "1:63: fault_injection.schedule.to_ms: is not after from_ms"},
		{"{schedule: {type: window, from_ms: 5, to_ms: 50, period_ms: 49}}", "1:78: fault_injection.schedule.period_ms: is shorter than to_ms: the window must end before it comes again"},
		{"{schedule: {type: window, from_ms: 5, period_ms: 5}}", "1:67: fault_injection.schedule.period_ms: is not longer than from_ms: the window must begin before it comes again"},
		{"{schedule: {type: ramp, end: 2}}", "1:47: fault_injection.schedule.end: 2 is out of range: must be 0 to 1"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			_, _, err := config(t, "fault_injection: "+tt.text)
			require.EqualError(t, err, tt.want)
		})
	}
	_, _, err := config(t, "latency: {fixed_delay_ms: 1, schedule: {type: every}}")
	require.EqualError(t, err, "1:30: latency.schedule: count is missing: 3 takes each third request, and the first of all")
}

func TestHTTPWarnings(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"{timeout_ms: 5, retry_after_seconds: 3}", "1:55: fault_injection.retry_after_seconds: there are no HTTP errors that could have it"},
		{"{timeout_ms: 5, response_rewrite: {}}", "1:34: fault_injection.response_rewrite: changes nothing"},
		{"{timeout_ms: 5, chunked_dribble_delay: {number_of_chunks: 2, total_duration_ms: 5, probability: 0}}", "1:34: fault_injection.chunked_dribble_delay: never happens"},
		{"{timeout_ms: 5, max_active_faults: 0}", "1:53: fault_injection.max_active_faults: 0 masks every fault of the section"},
		{"{response_rewrite: {probability: 1}}", "1:1: fault_injection: nothing in it can act: it injects nothing"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			_, warnings, err := config(t, "fault_injection: "+tt.text)
			require.NoError(t, err)
			require.Equal(t, []string{tt.want}, warnings)
		})
	}
	for _, text := range []string{"{override_headers: true}", "{override_headers: true, retry_after_seconds: 1}", "{response_rewrite: {body: ''}}"} {
		_, warnings, err := config(t, "fault_injection: "+text)
		require.NoError(t, err)
		require.Empty(t, warnings, text)
	}
}

// seasons has schedules of every kind, and what depends on the requests inside
// and on their headers.
const seasons = `
name: seasons
seed: 7
steps:
  - name: asked
    duration_seconds: 0.3
    scenario:
      name: asked
      config:
        latency: {fixed_delay_ms: 1, probability: 0.5, schedule: {type: every, count: 3}}
        fault_injection:
          override_headers: true
          retry_after_seconds: 2
          max_active_faults: 2
          response_rewrite: {status: 502, body: rewritten, probability: 0.2}
          chunked_dribble_delay: {number_of_chunks: 3, total_duration_ms: 3, probability: 0.5}
          http_errors: [500]
          http_error_probability: 0.1
          schedule: {type: first, count: 200}
  - name: windows
    duration_seconds: 0.3
    scenario:
      name: windows
      config:
        latency: {random_delay_range_ms: [1, 3], schedule: {type: ramp}}
        circuit_breaker: {failure_threshold: 4, timeout_ms: 5}
        fault_injection:
          connection_error_kind: MALFORMED_RESPONSE_CHUNK
          connection_error_probability: 0.3
          partial_response_probability: 0.2
          schedule: {type: window, from_ms: 20, to_ms: 60, period_ms: 80}
  - name: worse
    duration_seconds: 0.3
    scenario:
      name: worse
      config:
        fault_injection: {http_errors: [500, 503], http_error_probability: 0.5, max_active_faults: 1, timeout_ms: 4, timeout_probability: 0.2, schedule: {type: ramp, start: 0.1}}
`

// A recording of them is decided again exactly, and a change of any is noticed.
func TestRecordingOfSeasonsVerifies(t *testing.T) {
	t.Parallel()
	var log []byte
	synctest.Test(t, func(t *testing.T) { log = record(t, seasons, 5*time.Millisecond, inProcess) })
	rec := readRecording(t, log)
	require.Empty(t, notIn(rec), "of %d requests", len(rec.Requests))
	v, err := orchestrator.Verify(t.Context(), rec)
	require.NoError(t, err)
	require.Nil(t, v.Difference)
	require.Empty(t, v.Unverified)
	require.Equal(t, len(rec.Requests), v.Requests)
	require.Equal(t, rec.Digest(), v.Digest)
	require.Contains(t, string(log), `"asked":{"delay":2000000,"delay_percentage":100,"status":451,"status_percentage":12.5}`)
	for from, to := range map[string]string{
		`"max_active_faults":2`: `"max_active_faults":9`, `"every","count":3`: `"every","count":2`, `"first","count":200`: `"first","count":1`,
		`"from_ms":20`: `"from_ms":40`, `"start":0.1`: `"start":0.9`, `"override_headers":true`: `"override_headers":false`,
		`"retry_after_seconds":2`: `"retry_after_seconds":3`, `"status":451,"status_p`: `"status":452,"status_p`,
		`"delay_percentage":100`: `"delay_percentage":0`,
	} {
		require.Contains(t, string(log), from)
		v, err := orchestrator.Verify(t.Context(), readRecording(t, []byte(strings.ReplaceAll(string(log), from, to))))
		require.NoError(t, err)
		require.NotNil(t, v.Difference, "%s is %s", from, to)
	}
}

// notIn are the decisions that a recording of the seasons should have, and has
// not.
func notIn(rec *orchestrator.Recording) (missing []string) {
	there := map[string]bool{}
	for _, q := range rec.Requests {
		for _, d := range q.Decisions {
			there[d.Kind] = true
			there["masked"] = there["masked"] || d.Masked
			there["asked"] = there["asked"] || d.Status == 451
		}
	}
	for _, want := range []string{
		injector.KindLatency, injector.KindHTTPError, injector.KindConnectionError, injector.KindPartialResponse, injector.KindTimeout,
		injector.KindChunkedDribble, injector.KindResponseRewrite, "masked", "asked",
	} {
		if !there[want] {
			missing = append(missing, want)
		}
	}
	return missing
}

// A window that opens when its step is over is not what anybody meant.
func TestWindowAfterItsStep(t *testing.T) {
	t.Parallel()
	const window = "{fixed_delay_ms: 1, schedule: {type: window, from_ms: 60000}}"
	tests := []struct{ text, want string }{
		{"steps: [{name: a, duration_seconds: 60, scenario: {config: {latency: " + window + "}}}]",
			"2:124: steps[0].scenario.config.latency.schedule.from_ms: the window opens 1m0s after the step has begun, which lasts 1m0s"},
		{"steps: [{name: a, duration_seconds: 60, scenario: {config: {fault_injection: {timeout_ms: 1, schedule: {type: window, from_ms: 70000, to_ms: 80000}}}}}]",
			"2:128: steps[0].scenario.config.fault_injection.schedule.from_ms: the window opens 1m10s after the step has begun, which lasts 1m0s"},
		{"scenarios: {late: {latency: " + window + "}}\nsteps: [{name: a, duration_seconds: 5, scenario: late}]",
			"3:50: steps[0].scenario: its section latency: the window opens 1m0s after the step has begun, which lasts 5s"},
		{"steps: [{name: a, duration_seconds: 60.001, scenario: {config: {latency: " + window + "}}}]", ""},
		{"steps: [{name: a, duration_seconds: 5, keep: true, scenario: {config: {latency: " + window + "}}}]", ""},
		{"steps: [{name: a, duration_seconds: 5, scenario: {config: {latency: {fixed_delay_ms: 1, schedule: {type: ramp}}}}}]", ""},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			_, warnings, err := orchestrator.Parse([]byte("name: windows\n"+tt.text), orchestrator.YAML)
			require.NoError(t, err)
			var lines []string
			for _, w := range warnings {
				require.Equal(t, orchestrator.NoEffect, w.Rule)
				lines = append(lines, w.String())
			}
			require.Equal(t, tt.want, strings.Join(lines, "\n"))
		})
	}
}
