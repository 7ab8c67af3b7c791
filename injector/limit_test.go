package injector_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mockforge-go/mockforge/injector"
)

func limited(r injector.RateLimit) injector.Layer {
	return injector.Layer{Name: "limit", Config: injector.Config{RateLimit: &r}}
}

// ask sends one request straight to a handler.
func ask(h http.Handler, method, target, from string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.RemoteAddr = from
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	const alice, bob = "127.0.0.1:1", "127.0.0.2:1"
	type try struct {
		method, path, from string
		after              time.Duration
		want               int
	}
	get := func(path, from string, want int) try { return try{method: "GET", path: path, from: from, want: want} }
	tests := []struct {
		name  string
		limit injector.RateLimit
		tries []try
	}{
		{"shared", injector.RateLimit{RequestsPerSecond: 1, BurstSize: 2}, []try{
			get("/a", alice, 200), get("/b", bob, 200), get("/c", alice, 429),
			{"GET", "/c", alice, time.Second, 200},
			{"GET", "/c", alice, 999 * time.Millisecond, 429},
			{"GET", "/c", alice, time.Millisecond, 200},
		}},
		{"per ip", injector.RateLimit{RequestsPerSecond: 1, BurstSize: 1, PerIP: true}, []try{
			get("/a", alice, 200), get("/a", alice, 429), get("/b", alice, 429), get("/a", bob, 200), get("/a", bob, 429),
		}},
		{"per endpoint", injector.RateLimit{RequestsPerSecond: 1, BurstSize: 1, PerEndpoint: true}, []try{
			get("/orders/1", alice, 200), get("/orders/22", bob, 429), get("/users/1", alice, 200),
			{"POST", "/orders/1", alice, 0, 200},
			get("/orders/9f0c3b1e-6f0a-4a5e-8a77-0123456789ab", alice, 429),
		}},
		{"both", injector.RateLimit{RequestsPerSecond: 1, BurstSize: 1, PerIP: true, PerEndpoint: true}, []try{
			get("/a", alice, 200), get("/a", bob, 429),
			get("/b", bob, 200), // what was refused took nothing from bob
			get("/c", alice, 429),
			{"GET", "/c", "127.0.0.3:1", 0, 200}, // nor from the endpoint
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				in := injector.New()
				in.Apply(limited(tt.limit))
				h := in.Handler(ok)
				for i, try := range tt.tries {
					time.Sleep(try.after)
					require.Equal(t, try.want, ask(h, try.method, "http://x"+try.path, try.from).Code, "try %d", i)
				}
			})
		})
	}
}

func TestRateLimitAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := injector.New()
		in.Apply(limited(injector.RateLimit{RequestsPerSecond: 0.4, BurstSize: 1}))
		h := in.Handler(ok)
		ask(h, "GET", "/", "127.0.0.1:1")
		w := ask(h, "GET", "/", "127.0.0.1:1")
		require.Equal(t, 429, w.Code)
		require.Equal(t, "3", w.Header().Get("Retry-After"), "2.5 s, rounded up")
		var body struct{ Error, Step string }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
		require.Equal(t, "rate_limit_exceeded", body.Error)
		require.Equal(t, "limit", body.Step)
		require.Equal(t, "rate_limit", w.Header().Get("X-Mockforge-Fault"))
	})
}

func TestForwardedAddressesAreNotTrusted(t *testing.T) {
	t.Parallel()
	for _, trust := range []bool{false, true} {
		var opts []injector.Option
		want := 429
		if trust {
			opts, want = append(opts, injector.TrustForwarded()), 200
		}
		in := injector.New(opts...)
		in.Apply(limited(injector.RateLimit{RequestsPerSecond: 0.001, BurstSize: 1, PerIP: true}))
		h := in.Handler(ok)
		got := 0
		for i := range 2 {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.0.0.%d, 10.9.9.9", i))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			got = w.Code
		}
		require.Equal(t, want, got, "trust %v", trust)
	}
}

func TestMaxConnections(t *testing.T) {
	t.Parallel()
	in := injector.New()
	remove := in.Apply(injector.Layer{Name: "full", Config: injector.Config{TrafficShaping: &injector.TrafficShaping{MaxConnections: 2}}})
	entered, leave := make(chan struct{}), make(chan struct{})
	s := serve(t, in, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-leave
	}))
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { _, _, _ = get(fresh(), s.URL) })
		<-entered
	}
	_, _, err := get(fresh(), s.URL)
	require.Error(t, err, "the third connection is refused")
	close(leave)
	wg.Wait()
	go func() { <-entered }()
	_, _, err = get(fresh(), s.URL)
	require.NoError(t, err, "there is room again")
	remove()
}

func TestAdmitConn(t *testing.T) {
	t.Parallel()
	in := injector.New()
	release, err := in.AdmitConn(t.Context(), "10.0.0.1:1")
	require.NoError(t, err)
	release()
	in.Apply(injector.Layer{Config: injector.Config{TrafficShaping: &injector.TrafficShaping{MaxConnections: 1}}})
	first, err := in.AdmitConn(t.Context(), "10.0.0.1:2")
	require.NoError(t, err)
	_, err = in.AdmitConn(t.Context(), "10.0.0.1:3")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	h := in.Handler(ok)
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.RemoteAddr = "10.0.0.1:2"
	require.NotPanics(t, func() { h.ServeHTTP(httptest.NewRecorder(), request) }, "the handler does not count it again")
	request.RemoteAddr = "10.0.0.1:4"
	require.Panics(t, func() { h.ServeHTTP(httptest.NewRecorder(), request) }, "a connection from before the layer counts when it is used")
	first()
	first()
	second, err := in.AdmitConn(t.Context(), "10.0.0.1:5")
	require.NoError(t, err)
	_, err = in.AdmitConn(t.Context(), "10.0.0.1:6")
	require.Error(t, err, "releasing twice gives back one connection")
	second()
}
