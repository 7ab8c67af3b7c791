package orchestrator_test

import (
	"testing"
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
		{`{response_rewrite: {set_headers: {A: "b\r\nC: d"}}}`, "1:52: fault_injection.response_rewrite.set_headers.A: has a value that no header field can have: spaces around it, a line break, or a null byte"},
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
