package injector_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// everything is a layer that watches and delays, and never fails.
func everything() injector.Layer {
	return injector.Layer{Name: "all", Config: injector.Config{
		Latency:        &injector.Latency{FixedDelay: time.Microsecond},
		CircuitBreaker: &injector.CircuitBreaker{}, Bulkhead: &injector.Bulkhead{},
		TrafficShaping: &injector.TrafficShaping{BandwidthLimit: 1 << 30, MaxConnections: 10},
	}}
}

func TestUpgradesPassThrough(t *testing.T) {
	t.Parallel()
	in := injector.New()
	l := everything()
	l.Config.FaultInjection = &injector.FaultInjection{PartialResponseProbability: new(1.0)}
	in.Apply(l)
	s := serve(t, in, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
		rw.Flush()
		line, _ := rw.ReadString('\n')
		fmt.Fprint(rw, line)
		rw.Flush()
	}))
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhello\n")
	b, err := io.ReadAll(bufio.NewReader(c))
	require.NoError(t, err)
	require.Contains(t, string(b), "101 Switching Protocols")
	require.True(t, strings.HasSuffix(string(b), "hello\n"))
}

func TestResponsesPassUnchanged(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789", 20_000)
	tests := map[string]http.HandlerFunc{
		"small": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "small") },
		"content": func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader(big))
		},
		"copied": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, strings.NewReader(big)) },
		"empty":  func(http.ResponseWriter, *http.Request) {},
		"status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
		"trailers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-T")
			fmt.Fprint(w, "a")
			w.Header().Set("X-T", "b")
		},
		"early": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</x>")
			w.WriteHeader(http.StatusEarlyHints)
			fmt.Fprint(w, "then")
		},
	}
	for name, h := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quiet, busy := injector.New(), injector.New(injector.WithObserver(&events{}))
			busy.Apply(everything())
			plain, plainBody, err := get(fresh(), serve(t, quiet, h).URL)
			require.NoError(t, err)
			chaos, chaosBody, err := get(fresh(), serve(t, busy, h).URL)
			require.NoError(t, err)
			require.Equal(t, plainBody, chaosBody)
			require.Equal(t, plain.StatusCode, chaos.StatusCode)
			require.Equal(t, plain.Trailer, chaos.Trailer)
			for _, h := range []string{"X-Mockforge-Fault", "X-Mockforge-Step", "X-Mockforge-Injected-Latency-Ms", "Date"} {
				chaos.Header.Del(h)
				plain.Header.Del(h)
			}
			if len(plainBody) < 2048 || plain.ContentLength > 0 {
				require.Equal(t, plain.Header, chaos.Header)
				require.Equal(t, plain.ContentLength, chaos.ContentLength)
			}
		})
	}
}

func TestSilentLayersLeaveNoHeaders(t *testing.T) {
	t.Parallel()
	in := injector.New()
	l := everything()
	l.Silent = true
	l.Config.FaultInjection = &injector.FaultInjection{HTTPErrorProbability: new(1.0)}
	in.Apply(l)
	w := ask(in.Handler(ok), "GET", "/", "127.0.0.1:1")
	require.GreaterOrEqual(t, w.Code, 500)
	require.Empty(t, w.Header().Get("X-Mockforge-Fault"))
	require.Empty(t, w.Header().Get("X-Mockforge-Step"))
}

func TestObserverSeesEveryRequest(t *testing.T) {
	t.Parallel()
	seen := &events{}
	in := injector.New(injector.WithObserver(seen))
	s := serve(t, in.Target("shop"), ok)
	_, _, err := get(s.Client(), s.URL+"/orders/42?secret=1")
	require.NoError(t, err)
	require.Len(t, seen.requests, 1)
	r := seen.requests[0]
	require.EqualValues(t, 1, r.N)
	require.Equal(t, "shop", r.Target)
	require.Equal(t, "/orders/42", r.Path)
	require.Equal(t, "GET /orders/{id}", r.Endpoint)
	require.Empty(t, r.Layers)
	require.Equal(t, 200, seen.outcomes[0].Status)
	require.EqualValues(t, 1, seen.outcomes[0].N)
}

// What a handler copies goes the same way as what it writes.
func TestCopiedResponsesAreChangedToo(t *testing.T) {
	t.Parallel()
	in := injector.New()
	in.Apply(faults(injector.FaultInjection{PayloadCorruptionProbability: new(1.0), CorruptionType: injector.BitFlip}))
	page := strings.Repeat("0123456789", 100)
	s := serve(t, in, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.Copy(w, struct{ io.Reader }{strings.NewReader(page)}) // by ReadFrom
	}))
	_, body, err := get(s.Client(), s.URL)
	require.NoError(t, err)
	require.Len(t, body, len(page))
	require.NotEqual(t, page, body)
}
