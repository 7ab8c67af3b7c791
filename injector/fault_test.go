package injector_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// fresh is a client that opens a connection for each request: on a connection
// that was used before, net/http retries a GET that met a reset.
func fresh() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
}

func TestFaultsAtTheHandler(t *testing.T) {
	t.Parallel()
	always := new(1.0)
	tests := []struct {
		name   string
		fault  injector.FaultInjection
		status int
		err    error  // of the request
		cut    error  // of the body
		body   string // exactly; "*": something else than the upstream's; "": do not check
		header string // X-Mockforge-Fault
	}{
		{
			name:   "http error",
			fault:  injector.FaultInjection{HTTPErrors: []int{418}, HTTPErrorProbability: always},
			status: 418, header: "http_error", body: "*",
		},
		{
			name:   "http error without a body",
			fault:  injector.FaultInjection{HTTPErrors: []int{204}, HTTPErrorProbability: always},
			status: 204, header: "http_error",
		},
		{
			name:   "explicitly no codes",
			fault:  injector.FaultInjection{HTTPErrors: []int{}, HTTPErrorProbability: always},
			status: 200, body: "hello, world",
		},
		{
			name:   "never",
			fault:  injector.FaultInjection{HTTPErrorProbability: new(0.0)},
			status: 200, body: "hello, world",
		},
		{
			name:   "connection error as a response",
			fault:  injector.FaultInjection{ConnectionErrorProbability: always},
			status: 503, header: "connection_error", body: "*",
		},
		{
			name:  "connection reset",
			fault: injector.FaultInjection{ConnectionErrorKind: injector.TCPReset, ConnectionErrorProbability: always},
			err:   syscall.ECONNRESET,
		},
		{
			name:  "connection closed",
			fault: injector.FaultInjection{ConnectionErrorKind: injector.TCPClose, ConnectionErrorProbability: always},
			err:   io.EOF,
		},
		{
			name:   "time-out",
			fault:  injector.FaultInjection{TimeoutProbability: always, Timeout: new(time.Millisecond)},
			status: 504, header: "timeout", body: "*",
		},
		{
			name:   "flag off wins over the probability",
			fault:  injector.FaultInjection{TimeoutErrors: new(false), TimeoutProbability: always},
			status: 200, body: "hello, world",
		},
		{
			name:   "partial response",
			fault:  injector.FaultInjection{PartialResponseProbability: always},
			status: 200, header: "partial_response", cut: io.ErrUnexpectedEOF, body: "*",
		},
		{
			name:   "random bytes",
			fault:  injector.FaultInjection{PayloadCorruptionProbability: always},
			status: 200, header: "payload_corruption", body: "*",
		},
		{
			name:   "bit flip",
			fault:  injector.FaultInjection{PayloadCorruptionProbability: always, CorruptionType: injector.BitFlip},
			status: 200, header: "payload_corruption", body: "*",
		},
		{
			name:   "truncate",
			fault:  injector.FaultInjection{PayloadCorruptionProbability: always, CorruptionType: injector.Truncate},
			status: 200, header: "payload_corruption", body: "*",
		},
		{
			name:   "no corruption",
			fault:  injector.FaultInjection{PayloadCorruptionProbability: always, CorruptionType: injector.NoCorruption},
			status: 200, body: "hello, world",
		},
		{
			name:   "sequence of codes",
			fault:  injector.FaultInjection{ErrorPattern: &injector.ErrorPattern{Type: "sequential", Sequence: []int{507}}},
			status: 507, header: "http_error", body: "*",
		},
		{
			name:   "switched off",
			fault:  injector.FaultInjection{Enabled: new(false), HTTPErrorProbability: always},
			status: 200, body: "hello, world",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := injector.New(injector.WithSeed(1))
			in.Apply(faults(tt.fault))
			resp, body, err := get(fresh(), serve(t, in, ok).URL)
			if tt.err != nil {
				require.ErrorIs(t, err, tt.err)
				return
			}
			if tt.cut != nil {
				require.ErrorIs(t, err, tt.cut)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, tt.status, resp.StatusCode)
			require.Equal(t, tt.header, resp.Header.Get("X-Mockforge-Fault"))
			if tt.header != "" {
				require.Equal(t, "step", resp.Header.Get("X-Mockforge-Step"))
			}
			switch tt.body {
			case "*":
				require.NotEqual(t, "hello, world", body)
			case "":
			default:
				require.Equal(t, tt.body, body)
			}
		})
	}
}

func TestHTTPErrorsAreSpreadOverTheCodes(t *testing.T) {
	t.Parallel()
	in := injector.New(injector.WithSeed(3))
	in.Apply(faults(injector.FaultInjection{HTTPErrorProbability: new(0.1)}))
	s := serve(t, in, ok)
	codes := map[int]int{}
	for range 1000 {
		resp, _, err := get(s.Client(), s.URL)
		require.NoError(t, err)
		codes[resp.StatusCode]++
	}
	require.Equal(t, 900, codes[200], "exact sampling: 100 of 1,000")
	for _, code := range []int{500, 502, 503, 504} {
		require.Greater(t, codes[code], 10, "code %d of %v", code, codes)
	}
	require.Equal(t, []injector.Draw{{
		Kind: "http_error", Probability: 0.1, Sampling: injector.Exact, Requests: 1000, Injected: 100,
	}}, in.Draws(injector.LayerRef{Name: "step"}))
}

func TestBurst(t *testing.T) {
	t.Parallel()
	virtual(t, ok, nil, func(w *world) {
		w.in.Apply(faults(injector.FaultInjection{ErrorPattern: &injector.ErrorPattern{Type: "burst", Count: 2, Interval: time.Second}}))
		var got []string
		for range 8 {
			resp, _, err := get(w.client, "http://test")
			require.NoError(w, err)
			got = append(got, fmt.Sprint(resp.StatusCode >= 500))
			time.Sleep(300 * time.Millisecond)
		}
		// Intervals start at 0 s and at 1.2 s.
		require.Equal(w, "true true false false true true false false", strings.Join(got, " "))
	})
}

func TestPrecedenceMasksAndCounts(t *testing.T) {
	t.Parallel()
	seen := &events{}
	in := injector.New(injector.WithSeed(1), injector.WithObserver(seen))
	one := new(1.0)
	in.Apply(faults(injector.FaultInjection{
		HTTPErrorProbability: one, ConnectionErrorProbability: one, TimeoutProbability: one, PartialResponseProbability: one,
	}))
	s := serve(t, in, ok)
	_, _, err := get(s.Client(), s.URL)
	require.NoError(t, err)
	var got []string
	for _, d := range seen.requests[0].Decisions {
		got = append(got, fmt.Sprint(d.Kind, " ", d.Masked))
	}
	require.Equal(t, []string{"http_error false", "connection_error true", "timeout true", "partial_response true"}, got)
	for _, d := range in.Draws(injector.LayerRef{Name: "step"}) {
		require.EqualValues(t, 1, d.Injected+d.Masked, d.Kind)
	}
}

func TestPartialResponseNeverLooksComplete(t *testing.T) {
	t.Parallel()
	handlers := map[string]http.HandlerFunc{
		"known length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(bytes.Repeat([]byte("x"), 100000))
		},
		"one byte": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1")
			_, _ = w.Write([]byte("x"))
		},
		"chunked": func(w http.ResponseWriter, _ *http.Request) {
			for range 10 {
				_, _ = w.Write(bytes.Repeat([]byte("x"), 1000))
				w.(http.Flusher).Flush()
			}
		},
		"empty":         func(http.ResponseWriter, *http.Request) {},
		"empty, length": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "0") },
		"stuck": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("data: 1\n\n"))
			w.(http.Flusher).Flush()
			<-r.Context().Done() // it is told that the client is gone
		},
	}
	for name, h := range handlers {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " http2 ", http2), func(t *testing.T) {
				t.Parallel()
				in := injector.New()
				in.Apply(faults(injector.FaultInjection{PartialResponses: new(true), PartialResponseProbability: new(1.0)}))
				s := serveProtocol(t, in, h, http2)
				resp, body, err := get(s.Client(), s.URL)
				require.Error(t, err)
				require.NotNil(t, resp, "the header arrives")
				require.Equal(t, 200, resp.StatusCode)
				require.Less(t, len(body), 100000)
				if !http2 {
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				}
			})
		}
	}
}

func TestNothingToCut(t *testing.T) {
	t.Parallel()
	seen := &events{}
	in := injector.New(injector.WithObserver(seen))
	in.Apply(faults(injector.FaultInjection{PartialResponseProbability: new(1.0)}))
	s := serve(t, in, ok)
	resp, err := s.Client().Head(s.URL)
	require.NoError(t, err, "a HEAD has no body to cut")
	resp.Body.Close()
	require.True(t, seen.requests[0].Decisions[0].Masked)
	require.Empty(t, resp.Header.Get("X-Mockforge-Fault"))
}

func TestCorruptionKeepsItsSize(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	tests := []struct {
		kind     injector.CorruptionType
		min, max int // bytes that differ
		known    bool
	}{
		{injector.RandomBytes, 6000, 7000, true},
		{injector.BitFlip, 6000, 7000, false},
		{injector.RandomBytes, 6000, 7000, false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.kind, tt.known), func(t *testing.T) {
			t.Parallel()
			in := injector.New()
			in.Apply(faults(injector.FaultInjection{CorruptionType: tt.kind, PayloadCorruptionProbability: new(1.0)}))
			source := bytes.Clone(want)
			s := serve(t, in, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tt.known {
					w.Header().Set("Content-Length", fmt.Sprint(len(want)))
				}
				_, _ = io.Copy(w, bytes.NewReader(source))
			}))
			_, body, err := get(s.Client(), s.URL)
			require.NoError(t, err)
			require.Len(t, body, len(want))
			differ := 0
			for i := range want {
				if want[i] != body[i] {
					differ++
				}
			}
			require.GreaterOrEqual(t, differ, tt.min)
			require.LessOrEqual(t, differ, tt.max)
			require.Equal(t, want, source, "the upstream's own buffer is left alone")
		})
	}
}

func TestTruncatedIsComplete(t *testing.T) {
	t.Parallel()
	for _, length := range []string{"", "1000"} {
		in := injector.New()
		in.Apply(faults(injector.FaultInjection{CorruptionType: injector.Truncate, PayloadCorruptionProbability: new(1.0)}))
		s := serve(t, in, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if length != "" {
				w.Header().Set("Content-Length", length)
			}
			for range 10 {
				_, _ = w.Write(bytes.Repeat([]byte("x"), 100))
			}
		}))
		resp, body, err := get(s.Client(), s.URL)
		require.NoError(t, err)
		require.Less(t, len(body), 1000)
		require.NotEmpty(t, body)
		if length != "" {
			require.EqualValues(t, len(body), resp.ContentLength)
		}
	}
}

func TestResetOnHTTP2EndsTheStream(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(faults(injector.FaultInjection{ConnectionErrorKind: injector.TCPReset, ConnectionErrorProbability: new(1.0)}))
	s := serveProtocol(t, in, ok, true)
	_, _, err := get(s.Client(), s.URL)
	require.Error(t, err)
	require.NotErrorIs(t, err, syscall.ECONNRESET)
}
