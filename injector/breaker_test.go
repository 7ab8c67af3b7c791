package injector_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

// answering is an upstream that answers what its path says, and panics for /panic.
var answering = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	codes := map[string]int{"/200": 200, "/302": 302, "/404": 404, "/429": 429, "/500": 500, "/503": 503}
	if r.URL.Path == "/panic" {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(codes[r.URL.Path])
})

func TestBreaker(t *testing.T) {
	t.Parallel()
	type do struct {
		path  string // asked; "": nothing
		after time.Duration
		want  int    // status; 0: aborted
		state string // afterwards
	}
	tests := []struct {
		name string
		c    injector.CircuitBreaker
		do   []do
		told []string
	}{
		{"consecutive failures open it, time and successes close it",
			injector.CircuitBreaker{FailureThreshold: 2, SuccessThreshold: 2, Timeout: 30 * time.Second},
			[]do{
				{"/500", 0, 500, "closed"},
				{"/200", 0, 200, "closed"},
				{"/500", 0, 500, "closed"}, // a success came in between
				{"/503", 0, 503, "open"},
				{"/200", 0, 503, "open"},
				{"/200", 30*time.Second - 1, 503, "open"},
				{"/200", 1, 200, "half_open"}, // at exactly its time-out
				{"/404", 0, 404, "closed"},
			},
			[]string{"closed open: 2 consecutive failures", "open half_open: open for 30s", "half_open closed: 2 consecutive successes"},
		},
		{"a failed probe opens it again for the whole time-out",
			injector.CircuitBreaker{FailureThreshold: 1, SuccessThreshold: 2, Timeout: time.Second},
			[]do{
				{"/500", 0, 500, "open"}, {"/200", time.Second, 200, "half_open"}, {"/500", 0, 500, "open"},
				{"/200", time.Second - 1, 503, "open"}, {"/200", 1, 200, "half_open"}, {"/200", 0, 200, "closed"},
			},
			nil,
		},
		{"only server errors and aborted connections are failures",
			injector.CircuitBreaker{FailureThreshold: 1, FailureRateThreshold: new(1.0), MinRequestsForRate: 1},
			[]do{{"/302", 0, 302, "closed"}, {"/404", 0, 404, "closed"}, {"/429", 0, 429, "closed"}, {"/panic", 0, 0, "open"}},
			nil,
		},
		{"the rate counts within the rolling window",
			injector.CircuitBreaker{FailureThreshold: 100, FailureRateThreshold: new(50.0), MinRequestsForRate: 4, RollingWindow: 10 * time.Second},
			[]do{
				{"/500", 0, 500, "closed"}, {"/500", 0, 500, "closed"}, {"/500", 0, 500, "closed"}, // 3 of 3: too few
				{"/200", 10 * time.Second, 200, "closed"}, // the three are out of the window
				{"/200", 0, 200, "closed"}, {"/500", 0, 500, "closed"}, {"/200", 0, 200, "closed"},
				{"/500", 0, 500, "closed"}, // 2 of 5
				{"/500", 0, 500, "open"},   // 3 of 6
			},
			[]string{"closed open: 3 of 6 failed in 10s"},
		},
		{"probes at once are limited, and every outcome frees one",
			injector.CircuitBreaker{FailureThreshold: 1, SuccessThreshold: 5, HalfOpenMaxRequests: 1, Timeout: time.Second},
			[]do{
				{"/500", 0, 500, "open"}, {"/302", time.Second, 302, "half_open"}, {"/404", 0, 404, "half_open"},
				{"/429", 0, 429, "half_open"}, {"/200", 0, 200, "half_open"}, {"/200", 0, 200, "closed"},
			},
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				seen := &events{}
				in := injector.New(injector.WithObserver(seen)).Target("payments")
				_, found := in.BreakerState("payments")
				require.False(t, found)
				in.Apply(injector.Layer{Config: injector.Config{CircuitBreaker: &tt.c}})
				h := in.Handler(answering)
				for i, do := range tt.do {
					time.Sleep(do.after)
					require.Equal(t, do.want, code(h, do.path), "request %d", i)
					state, found := in.BreakerState("payments")
					require.True(t, found)
					require.Equal(t, do.state, state, "after request %d", i)
				}
				if tt.told != nil {
					for i := range seen.changes {
						seen.changes[i] = strings.TrimPrefix(seen.changes[i], "circuit_breaker ")
					}
					require.Equal(t, tt.told, seen.changes)
				}
			})
		})
	}
}

// code is the status of an answer, 0 for an aborted connection.
func code(h http.Handler, path string) (status int) {
	defer func() {
		if recover() != nil {
			status = 0
		}
	}()
	return ask(h, "GET", path, "127.0.0.1:1").Code
}

func TestBreakerAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New().Target("payments")
		in.Apply(injector.Layer{Name: "outage", Config: injector.Config{CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 1, Timeout: 10 * time.Second}}})
		h := in.Handler(answering)
		ask(h, "GET", "/500", "127.0.0.1:1")
		time.Sleep(2500 * time.Millisecond)
		w := ask(h, "GET", "/200", "127.0.0.1:1")
		require.Equal(t, "8", w.Header().Get("Retry-After"), "7.5 s, rounded up")
		require.Equal(t, "application/json", w.Header().Get("Content-Type"))
		require.Equal(t, "circuit_breaker", w.Header().Get("X-Mockforge-Fault"))
		var body struct{ Error, Message string }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
		require.Equal(t, "circuit_open", body.Error)
		require.Contains(t, body.Message, "payments")
	})
}

func TestInjectedFailuresOpenTheBreaker(t *testing.T) {
	t.Parallel()
	one := new(1.0)
	tests := []struct {
		name string
		c    injector.Config
		want string
	}{
		{"http error", injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{500}, HTTPErrorProbability: one}}, "open"},
		{"client error", injector.Config{FaultInjection: &injector.FaultInjection{HTTPErrors: []int{404, 429}, HTTPErrorProbability: one}}, "closed"},
		{"reset", injector.Config{FaultInjection: &injector.FaultInjection{ConnectionErrorKind: injector.TCPReset, ConnectionErrorProbability: one}}, "open"},
		{"time-out", injector.Config{FaultInjection: &injector.FaultInjection{TimeoutProbability: one}}, "open"},
		{"rate limit", injector.Config{RateLimit: &injector.RateLimit{RequestsPerSecond: 0.001, BurstSize: 1}}, "closed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				in := injector.New()
				tt.c.CircuitBreaker = &injector.CircuitBreaker{FailureThreshold: 3}
				in.Apply(injector.Layer{Config: tt.c})
				h := in.Handler(answering)
				for range 3 {
					code(h, "/200")
				}
				state, _ := in.BreakerState("default")
				require.Equal(t, tt.want, state)
			})
		})
	}
}

func TestBreakersOfTargetsAreSeparate(t *testing.T) {
	t.Parallel()
	in := injector.New()
	remove := in.Apply(injector.Layer{
		Config:  injector.Config{CircuitBreaker: &injector.CircuitBreaker{FailureThreshold: 1}},
		Targets: []string{"a", "b"},
	})
	code(in.Target("a").Handler(answering), "/500")
	state, _ := in.BreakerState("a")
	require.Equal(t, "open", state)
	state, _ = in.BreakerState("b")
	require.Equal(t, "closed", state)
	_, found := in.BreakerState("default")
	require.False(t, found, "the layer is not in front of it")
	remove()
	_, found = in.BreakerState("a")
	require.False(t, found)
}

func TestCanceledProbeIsFreed(t *testing.T) {
	t.Parallel()
	virtual(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/500":
			w.WriteHeader(500)
		case "/hang":
			<-r.Context().Done()
		}
	}), nil, func(w *world) {
		w.in.Apply(injector.Layer{Config: injector.Config{CircuitBreaker: &injector.CircuitBreaker{
			FailureThreshold: 1, SuccessThreshold: 1, HalfOpenMaxRequests: 1, Timeout: time.Second,
		}}})
		_, _, err := get(w.client, "http://test/500")
		require.NoError(w, err)
		time.Sleep(time.Second)
		hasty := *w.client
		hasty.Timeout = time.Second
		_, _, err = get(&hasty, "http://test/hang")
		require.Error(w, err)
		time.Sleep(time.Millisecond)
		state, _ := w.in.BreakerState("default")
		require.Equal(w, "half_open", state, "a client that left says nothing about the upstream")
		resp, _, err := get(w.client, "http://test/200")
		require.NoError(w, err)
		require.Equal(w, 200, resp.StatusCode)
		state, _ = w.in.BreakerState("default")
		require.Equal(w, "closed", state)
	})
}

// A result that arrives after the state has changed says nothing about the new
// state.
func TestLateResultsAreIgnored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		in.Apply(injector.Layer{Config: injector.Config{CircuitBreaker: &injector.CircuitBreaker{
			FailureThreshold: 1, SuccessThreshold: 1, Timeout: time.Second,
		}}})
		late := make(chan struct{})
		h := in.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/late" {
				<-late
				w.WriteHeader(500)
				return
			}
			answering(w, r)
		}))
		go ask(h, "GET", "/late", "127.0.0.1:1")
		synctest.Wait()
		require.Equal(t, 500, code(h, "/500"))
		time.Sleep(time.Second)
		require.Equal(t, 200, code(h, "/200"))
		close(late)
		synctest.Wait()
		state, _ := in.BreakerState("default")
		require.Equal(t, "closed", state)
	})
}
