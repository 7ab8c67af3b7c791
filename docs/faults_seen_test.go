package docs_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
	"github.com/mockforge-go/mockforge/orchestrator"
)

// seen are the faults of HTTP whose row in docs/faults.md is held to what
// net/http's client really gets, by the row's first cell.
var seen = []struct {
	row, config string
	timeout     time.Duration // the client's own. Default: none
	before      int           // requests before the one that is looked at; they stay open
}{
	{row: "`circuit_breaker`", config: `{"circuit_breaker": {"failure_threshold": 1}, "fault_injection": {"http_errors": [500], "error_pattern": {"type": "burst", "count": 1, "interval_ms": 60000}}}`, before: 1},
	{row: "`bulkhead`", config: `{"bulkhead": {"max_concurrent_requests": 1, "max_queue_size": 0}}`, before: 1},
	{row: "`rate_limit`", config: `{"rate_limit": {"requests_per_second": 0.01, "burst_size": 1}}`, before: 1},
	{row: "`connection_limit`", config: `{"traffic_shaping": {"max_connections": 1}}`, before: 1},
	{row: "`packet_loss`, 100 %", config: `{"traffic_shaping": {"packet_loss_percent": 100}}`, timeout: 50 * time.Millisecond},
	{row: "`packet_loss`, a stall past the time-out", config: `{"traffic_shaping": {"packet_loss_percent": 99, "connection_timeout_ms": 1}}`},
	{row: "`latency`", config: `{"latency": {"fixed_delay_ms": 2}}`},
	{row: "`http_error`", config: `{"fault_injection": {"http_errors": [503], "http_error_probability": 1}}`},
	{row: "`connection_error` `http503`", config: connectionError("http503")},
	{row: "`connection_error` `tcp_reset`", config: connectionError("tcp_reset")},
	{row: "`connection_error` `tcp_close`", config: connectionError("tcp_close")},
	{row: "`connection_error` `malformed_response_chunk`", config: connectionError("malformed_response_chunk")},
	{row: "`connection_error` `random_data_then_close`", config: connectionError("random_data_then_close")},
	{row: "`chunked_dribble_delay`", config: `{"fault_injection": {"chunked_dribble_delay": {"number_of_chunks": 3, "total_duration_ms": 3}}}`},
	{row: "`response_rewrite`", config: `{"fault_injection": {"response_rewrite": {"status": 418, "body": "short"}}}`},
	{row: "`timeout`", config: `{"fault_injection": {"timeout_probability": 1, "timeout_ms": 2}}`},
	{row: "`timeout`, a client with less patience", config: `{"fault_injection": {"timeout_probability": 1, "timeout_ms": 60000}}`, timeout: 50 * time.Millisecond},
	{row: "`partial_response`", config: `{"fault_injection": {"partial_response_probability": 1}}`},
	{row: "`payload_corruption` `random_bytes`", config: corruption("random_bytes")},
	{row: "`payload_corruption` `truncate`", config: corruption("truncate")},
	{row: "`payload_corruption` `bit_flip`", config: corruption("bit_flip")},
	{row: "`bandwidth`", config: `{"traffic_shaping": {"bandwidth_limit_bps": 1000000}}`},
}

func connectionError(kind string) string {
	return `{"fault_injection": {"connection_error_probability": 1, "connection_error_kind": "` + kind + `"}}`
}

func corruption(kind string) string {
	return `{"fault_injection": {"payload_corruption_probability": 1, "corruption_type": "` + kind + `"}}`
}

// A row says of HTTP/1.1 what a client gets: the status, the error's text, the
// error that errors.Is finds in it, and what became of the body.
func TestFaultsAreSeenAsThePageSays(t *testing.T) {
	t.Parallel()
	rows := faultRows(t, "fault")
	for _, tt := range seen {
		t.Run(tt.row, func(t *testing.T) {
			t.Parallel()
			at := slices.IndexFunc(rows, func(r faultRow) bool { return r.cells[0] == tt.row })
			require.GreaterOrEqual(t, at, 0, "%s has no row %s", faultsPage, tt.row)
			for _, fact := range observe(t, tt.config, tt.timeout, tt.before) {
				require.Contains(t, rows[at].cells[2], fact, rows[at].at())
			}
		})
	}
}

const original = "the upstream's own answer, of which every byte counts"

// observe asks a server with the config in force, and lists what its client
// got.
func observe(t *testing.T, text string, timeout time.Duration, before int) (got []string) {
	t.Helper()
	config, _, err := orchestrator.ParseConfig([]byte(text), orchestrator.JSON)
	require.NoError(t, err)
	in := injector.New()
	in.Apply(injector.Layer{Name: "step", Config: config, Seed: new(uint64(1))})
	hold := make(chan struct{})
	s := httptest.NewServer(in.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/before" {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-hold
			return
		}
		_, _ = io.WriteString(w, original)
	})))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(hold) })
	for range before {
		resp, err := s.Client().Get(s.URL + "/before")
		require.NoError(t, err)
		t.Cleanup(func() { _ = resp.Body.Close() })
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: timeout}
	resp, err := client.Get(s.URL)
	if err != nil {
		return seenError(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	got = append(got, "`"+resp.Status+"`")
	for _, header := range []string{"Retry-After", "X-Mockforge-Injected-Latency-Ms"} {
		if resp.Header.Get(header) != "" {
			got = append(got, "`"+header+"`")
		}
	}
	switch {
	case err != nil:
		got = append(got, seenError(err)...)
	case resp.Header.Get("Content-Type") == "application/json":
		_, kind, _ := strings.Cut(string(body), `{"error":"`)
		kind, _, _ = strings.Cut(kind, `"`)
		got = append(got, "JSON body, `\"error\":\""+kind+"\"`")
	case len(body) < len(original):
		got = append(got, "fewer bytes")
	case string(body) != original:
		got = append(got, "other bytes of the same number")
	}
	return got
}

// seenError is the text of an error without what net/http and addresses put
// before it, and the names of what is in it.
func seenError(err error) (got []string) {
	text := err.Error()
	if e, ok := errors.AsType[*url.Error](err); ok {
		text = e.Err.Error()
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		text = e.Err.Error()
	}
	text, _, _ = strings.Cut(text, ` "`) // what follows was sent by the fault
	if runtime.GOOS != "windows" {
		got = append(got, "`"+text+"`")
	}
	for name, known := range map[string]error{
		"io.EOF": io.EOF, "io.ErrUnexpectedEOF": io.ErrUnexpectedEOF, "context.DeadlineExceeded": context.DeadlineExceeded,
		"syscall.ECONNRESET": syscall.ECONNRESET,
	} {
		if errors.Is(err, known) {
			got = append(got, "`"+name+"`")
		}
	}
	return got
}
